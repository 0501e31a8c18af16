"""Identifiers: lower-case ULIDs for our objects, random UUIDs for what the public may see."""

import re
import uuid
from datetime import datetime

from ulid_transform import ulid_at_time, ulid_now

_ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)


def new_id() -> str:
    """A fresh ULID: 26 characters of lower-case Crockford base32, ordered by time of making."""
    return ulid_now().lower()


def first_id_of(moment: datetime) -> str:
    """The smallest id that can be made at that moment, to look for those that were made since."""
    return ulid_at_time(moment.timestamp())[:10].lower() + "0" * 16


def new_public_id() -> str:
    """A random UUID (version 4), which tells nothing about when or for whom it was made."""
    return str(uuid.uuid4())


def normalize_id(text: str) -> str | None:
    """The lower-case form of an id given by a client, or None if it cannot be one of ours."""
    lowered = text.lower()
    return lowered if _ULID.fullmatch(lowered) else None
