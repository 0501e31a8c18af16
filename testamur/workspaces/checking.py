"""What a workspace may say of itself. Each function gives the value as it is stored; None and an empty text are none.

All raise Invalid, which names the member.
"""

import re
import unicodedata
from functools import cache
from zoneinfo import available_timezones

from testamur.errors import Invalid
from testamur.text import checked, clean_email, clean_line, clean_text, clean_url

NAME_LENGTH_MAX = 255
SLUG_LENGTH_MAX = 63
DESCRIPTION_LENGTH_MAX = 2000
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)


def slug_of(name: str) -> str:
    """`Université de Łódź` as `universite-de-lodz`: what can stand in an address."""
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L")).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:SLUG_LENGTH_MAX].strip("-")
    return slug or "workspace"


def is_slug(text: str) -> bool:
    return len(text) <= SLUG_LENGTH_MAX and _SLUG.fullmatch(text) is not None


def checked_name(name: str) -> str:
    return checked("name", clean_line, name, length_max=NAME_LENGTH_MAX)


def checked_slug(slug: str) -> str:
    if not is_slug(slug):
        raise Invalid(f"Must be 1 to {SLUG_LENGTH_MAX} of a-z, 0-9 and - (not first or last)", ("slug",))
    return slug


def checked_url(member: str, url: str | None) -> str | None:
    return checked(member, clean_url, url) if url else None


def checked_email(email: str | None) -> str | None:
    return checked("support_email", clean_email, email) if email else None


def checked_description(text: str | None) -> str | None:
    cleaned = checked("description", clean_text, text or "", length_max=DESCRIPTION_LENGTH_MAX)
    return cleaned.strip() or None


def checked_time_zone(time_zone: str) -> str:
    if time_zone not in time_zones():
        raise Invalid("Must be the name of a time zone, such as UTC or Europe/Warsaw", ("time_zone",))
    return time_zone


@cache
def time_zones() -> set[str]:
    """Read once, as there are hundreds of files."""
    return available_timezones()
