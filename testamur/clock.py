"""The time, in one place so that a test can set it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """This moment in UTC, cut to the milliseconds that the public API shows."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def today(time_zone: str, at: datetime) -> date:
    """The calendar day of `at` in an IANA time zone such as `Europe/Warsaw`."""
    return at.astimezone(ZoneInfo(time_zone)).date()
