"""What every way of making a credential checks alike: an award, before it has a row."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

import msgspec

from testamur.attributes.checking import check_custom_values
from testamur.attributes.model import AttributeType
from testamur.errors import Invalid, Problem
from testamur.text import clean_email, clean_line

RECIPIENT_NAME_LENGTH_MAX = 255
Value = TypeVar("Value")


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """Who is awarded what, for when: checked, and not stored yet."""

    recipient_name: str
    recipient_email: str | None
    issue_date: date
    expiry_date: date | None
    custom_attributes: dict[str, str]


def check_award(
    *,
    recipient_name: str,
    recipient_email: str | None,
    issue_date: date | None,
    expiry_date: date | None,
    custom_attributes: Mapping[str, Any],
    types: Mapping[str, AttributeType],
    has_picture: Callable[[str], bool],
    today: date,
) -> Award:
    """An award that may be stored; without an issue date it is for today. Raises Invalid that names every fault.

    `types` and `has_picture` tell what the workspace has: its custom attributes by tag, its pictures by digest.
    """
    problems: list[Problem] = []

    def attempt(path: tuple[str, ...], check: Callable[[], Value], fallback: Value) -> Value:
        try:
            return check()
        except Invalid as error:
            problems.extend(error.under(*path).problems)
            return fallback

    name = attempt(
        ("recipient", "name"), lambda: clean_line(recipient_name, length_max=RECIPIENT_NAME_LENGTH_MAX), recipient_name
    )
    # Some clients send an empty text for "no address"; it must not become an address.
    email = None
    if recipient_email is not None and recipient_email.strip():
        email = attempt(("recipient", "email"), lambda: clean_email(recipient_email), recipient_email)
    issued_on = issue_date or today
    if expiry_date is not None and expiry_date < issued_on:
        problems.append(Problem(("expiry_date",), f"Must not be before the issue date ({issued_on})"))
    custom = attempt(
        ("custom_attributes",),
        lambda: check_custom_values(custom_attributes, types, has_picture),
        dict(custom_attributes),
    )
    if problems:
        raise Invalid.of(problems)
    return Award(
        recipient_name=name,
        recipient_email=email,
        issue_date=issued_on,
        expiry_date=expiry_date,
        custom_attributes=custom,
    )
