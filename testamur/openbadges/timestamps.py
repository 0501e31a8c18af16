"""Times as credentials state them: `YYYY-MM-DDThh:mm:ssZ`, the one form that no library writes in another way."""

import re
from datetime import UTC, datetime

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


def to_timestamp(at: datetime) -> str:
    """In UTC, to the second. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("The time needs a zone")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def read_timestamp(text: object) -> datetime:
    """A time as others state it (dateTimeStamp of XML Schema 1.1, with a zone). Raises ValueError."""
    if isinstance(text, str) and _TIMESTAMP.fullmatch(text):
        # Python knows microseconds, others write more digits.
        return datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text))
    raise ValueError("This is not a time with its zone, such as 2026-11-24T12:00:00Z")
