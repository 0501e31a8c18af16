"""What text given by people must be before it is stored."""

import csv
import io
import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from testamur.errors import Invalid

# C0 and C1 controls, DEL, lone surrogates, noncharacters. They cannot be printed, PostgreSQL refuses NUL, and
# implementations of RDF canonicalisation disagree on several of them, so a proof over them would not verify.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff]")
_UNPRINTABLE_BUT_BREAKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_INVISIBLE = frozenset({"Cf", "Zs", "Zl", "Zp", "Mn", "Cc"})
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]{1,64}"
    r"@[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]{0,61}[A-Za-z0-9\u0080-\U0010ffff])?"
    r"(?:\.[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]{0,61}[A-Za-z0-9\u0080-\U0010ffff])?)+"
)

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

# A cell that begins so is a formula to a spreadsheet program.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

EMAIL_LENGTH_MAX = 254
URL_LENGTH_MAX = 2048


def clean_line(value: str, *, length_max: int, length_min: int = 1) -> str:
    """One line of text, trimmed.

    Raises Invalid if it is shorter or longer than allowed (in characters) or holds what cannot be printed.
    """
    text = value.strip()
    _refuse_unprintable(text, _UNPRINTABLE)
    _check_length(text, length_min, length_max)
    if length_min and not any(unicodedata.category(char) not in _INVISIBLE for char in text):
        raise Invalid("Must hold at least one visible character")
    return text


def clean_text(value: str, *, length_max: int) -> str:
    """Text that may have line breaks and tabs. Raises Invalid as `clean_line` does; may be empty."""
    _refuse_unprintable(value, _UNPRINTABLE_BUT_BREAKS)
    _check_length(value, 0, length_max)
    return value


def clean_email(value: str) -> str:
    """An e-mail address, trimmed. Raises Invalid if it is not one or is longer than 254 characters."""
    text = clean_line(value, length_max=EMAIL_LENGTH_MAX)
    local = text.rpartition("@")[0]
    if not _EMAIL.fullmatch(text) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise Invalid("Must be an e-mail address, such as name@example.com")
    return text


def clean_url(value: str) -> str:
    """An absolute http or https URL, trimmed. Raises Invalid if it is not one or is longer than 2048 characters."""
    text = clean_line(value, length_max=URL_LENGTH_MAX)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Invalid("Must be a web address, such as https://example.com/course") from None
    if parts.scheme not in {"http", "https"}:
        raise Invalid("Must be a web address that starts with http:// or https://")
    if not host or any(char.isspace() or char in '<>"\\^`{|}' for char in text):
        raise Invalid("Must be a web address, such as https://example.com/course")
    return text


def parse_day(text: str) -> date:
    """`2026-11-24` or `24-11-2026`. With slashes nobody can tell day from month, so those are refused. Raises Invalid."""
    for pattern, form in ((r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"), (r"\d{2}[-.]\d{2}[-.]\d{4}", "%d-%m-%Y")):
        if re.fullmatch(pattern, text, re.ASCII):
            try:
                return datetime.strptime(text.replace(".", "-"), form).date()  # noqa: DTZ007 - only the day is used.
            except ValueError:
                raise Invalid(f"{text} is not a day of the calendar") from None
    raise Invalid(f"{text[:40]} is not a date; write it as 2026-11-24")


def checked(path: str | tuple[str | int, ...], clean: Callable[..., str], value: str, **limits: Any) -> str:
    """What `clean` makes of a value; a fault it finds is told of `path`."""
    try:
        return clean(value, **limits)
    except Invalid as error:
        raise error.under(*((path,) if isinstance(path, str) else path)) from None


def fold_email(email: str) -> str:
    """The form under which two spellings of one address are the same."""
    return email.strip().casefold()


def account_address(email: str) -> str:
    """The form under which two spellings of an address are one account.

    Only letters of ASCII may differ in case. Full case folding is for searching: it takes straße.example for
    strasse.example and the Kelvin sign for a k, which are other people's domains and mailboxes.
    """
    return email.strip().translate(_ASCII_LOWER)


def csv_line(cells: Sequence[str]) -> str:
    """A line of CSV, with its end. What a spreadsheet program would take for a formula becomes a text."""
    line = io.StringIO(newline="")
    csv.writer(line).writerow([neutral_cell(cell) for cell in cells])
    return line.getvalue()


def _refuse_unprintable(text: str, pattern: re.Pattern[str]) -> None:
    found = pattern.search(text)
    if found:
        raise Invalid(f"Must not hold the control character U+{ord(found.group()):04X}; remove it")


def _check_length(text: str, length_min: int, length_max: int) -> None:
    if len(text) < length_min:
        raise Invalid("Must not be empty" if length_min == 1 else f"Must have at least {length_min} characters")
    if len(text) > length_max:
        raise Invalid(f"Must have at most {length_max} characters, has {len(text)}")


def neutral_cell(text: str) -> str:
    """A cell of a table that a spreadsheet program shows as it is, and does not calculate."""
    return f"'{text}" if text.startswith(_FORMULA) else text
