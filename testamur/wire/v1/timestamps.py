from datetime import datetime


def timestamp(moment: datetime) -> str:
    """`2022-01-01T00:00:00.000Z`; `moment` is in UTC."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
