import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from testamur.attributes.defining import fold_tag
from testamur.attributes.model import AttributeType
from testamur.errors import Invalid, Problem
from testamur.text import clean_text, clean_url, parse_day

VALUE_LENGTH_MAX = 5000
DIGITS_MAX = 30
_NUMBER = re.compile(r"([+-]?)(\d+)(?:([.,])(\d+))?", re.ASCII)
_ASSET = re.compile(r"asset:([0-9a-f]{64})", re.ASCII)


def check_custom_values(
    values: Mapping[str, Any], types: Mapping[str, AttributeType], has_picture: Callable[[str], bool]
) -> dict[str, str]:
    """Values by tag, as they may be stored, for a workspace that has defined attributes of these types by tag.

    A date is stored as 2026-11-24 and a number as 1234.50, however they were given. `has_picture` tells whether the
    workspace has a picture of that digest. Raises Invalid that names every undefined tag and every value that is not
    of its attribute's type.
    """
    accepted: dict[str, str] = {}
    problems: list[Problem] = []
    for given, value in values.items():
        tag = fold_tag(given)
        if tag not in types:
            problems.append(Problem((given,), f"Custom attribute [{tag}] is not defined on the workspace level"))
            continue
        if not isinstance(value, str):
            problems.append(Problem((given,), "Must be text"))
            continue
        try:
            accepted[tag] = _checked(value, types[tag], has_picture)
        except Invalid as error:
            problems.extend(error.under(given).problems)
    if problems:
        raise Invalid.of(problems)
    return accepted


def _checked(value: str, type_: AttributeType, has_picture: Callable[[str], bool]) -> str:
    text = clean_text(value, length_max=VALUE_LENGTH_MAX)
    if type_ == "text":
        return text
    text = text.strip()
    # No value is a value of every type.
    if not text:
        return ""
    if type_ == "date":
        return parse_day(text).isoformat()
    if type_ == "number":
        return f"{parse_number(text):f}"
    return _checked_picture(text, has_picture)


def parse_number(text: str) -> Decimal:
    """`1234.50`, or with a comma where it can only be the decimal mark: `12,5`. Raises Invalid."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Invalid(f'"{text[:40]}" is not a number; write it as 1234.5, without a unit and without separators')
    sign, whole, mark, decimals = found.groups()
    if mark == "," and len(decimals) == 3 and len(whole) <= 3 and not whole.startswith("0"):
        raise Invalid(f'"{text}" can be read in two ways; write {whole}{decimals} or {whole}.{decimals}')
    if len(whole) + len(decimals or "") > DIGITS_MAX:
        raise Invalid(f"A number has at most {DIGITS_MAX} digits; define an attribute of type text for longer ones")
    number = Decimal(f"{whole}.{decimals}" if decimals else whole)
    return -number if sign == "-" and number else number


def _checked_picture(text: str, has_picture: Callable[[str], bool]) -> str:
    asset = _ASSET.fullmatch(text)
    if asset is not None:
        if not has_picture(asset[1]):
            raise Invalid("The workspace has no such picture; upload it first, or give the address of one")
        return text
    try:
        url = clean_url(text)
        parts = urlsplit(url)
    except Invalid as error:
        raise Invalid(f"Must be the address of a picture, or asset: and its digest. {error.message}") from None
    if parts.scheme != "https":
        raise Invalid("The address of a picture must start with https://")
    if parts.username is not None or parts.password is not None:
        raise Invalid("The address of a picture must not hold a user name or password")
    return url
