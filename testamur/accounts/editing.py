"""What a person changes of their account: name, language, theme, password, email address."""

import secrets
from datetime import datetime, timedelta
from typing import get_args

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, update
from sqlalchemy.exc import IntegrityError

from testamur.accounts.creating import NAME_LENGTH_MAX
from testamur.accounts.links import end_links, find_link, make_link, renew_link, use_link
from testamur.accounts.model import Account, Theme
from testamur.accounts.queries import find_account, get_account
from testamur.accounts.sessions import end_sessions
from testamur.accounts.tables import accounts
from testamur.db import Transaction
from testamur.delivery.queueing import queue_server_email
from testamur.errors import Conflict, Invalid
from testamur.text import account_address, checked, clean_email, clean_line

PASSWORD_LINK_VALID = timedelta(minutes=30)
ADDRESS_LINK_VALID = timedelta(hours=24)
_LANGUAGE_LENGTH_MAX = 16
# Five bits each, and none that looks like another one: for passwords that are read from a screen and typed once.
_READABLE = "0123456789abcdefghjkmnpqrstvwxyz"

_THIS = accounts.c.id == bindparam("of_id")
_SET = {
    field: update(accounts).where(_THIS).values({field: bindparam("new_value"), "updated_at": bindparam("at")})
    for field in ("name", "language", "theme", "password_hash")
}
_SET_EMAIL = (
    update(accounts)
    .where(_THIS)
    .values(email=bindparam("new_email"), email_key=bindparam("new_key"), updated_at=bindparam("at"))
)


class AddressChanged(msgspec.Struct, frozen=True):
    """An account under its new address, and the one that it had before."""

    account: Account
    old_email: str


def update_account(
    tx: Transaction,
    account_id: str,
    *,
    name: str | UnsetType = UNSET,
    language: str | UnsetType | None = UNSET,
    theme: str | UnsetType | None = UNSET,
    at: datetime,
) -> Account:
    """Change what is given; None for language and theme leaves them to the browser. Raises Invalid."""
    given: dict[str, str | UnsetType | None] = {
        "name": name if name is UNSET else checked("name", clean_line, name, length_max=NAME_LENGTH_MAX),
        "language": language,
        "theme": theme,
    }
    if isinstance(language, str) and len(language) > _LANGUAGE_LENGTH_MAX:
        raise Invalid("Must be one of the languages in the list", ("language",))
    if isinstance(theme, str) and theme not in get_args(Theme):
        raise Invalid("Must be light or dark", ("theme",))
    for field, value in given.items():
        if value is not UNSET:
            tx.execute(_SET[field], {"of_id": account_id, "new_value": value, "at": at})
    return get_account(tx, account_id)


def new_password() -> str:
    """A random one of 100 bits, for somebody who has to read and to type it once."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(4))


def set_password(tx: Transaction, account_id: str, password_hash: str, *, but_session: str = "", at: datetime) -> None:
    """Another password: all browsers are signed out, but for one session, and what was mailed before works no more."""
    tx.execute(_SET["password_hash"], {"of_id": account_id, "new_value": password_hash, "at": at})
    end_sessions(tx, account_id, but=but_session)
    end_links(tx, account_id, "password", "second_step", "address")


def ask_for_password(tx: Transaction, email: str, *, at: datetime) -> None:
    """Have a link to a new password mailed, if there is an account of this address: the same work either way.

    Raises Invalid.
    """
    queue_server_email(tx, "password_reset", checked("email", clean_email, email), {}, at=at)


def make_password_link(tx: Transaction, account_id: str, *, at: datetime) -> str:
    """The secret of a link; the one before works no more."""
    end_links(tx, account_id, "password")
    return make_link(tx, account_id, "password", valid=PASSWORD_LINK_VALID, at=at)


def find_password_link(tx: Transaction, secret: str, *, at: datetime) -> Account | None:
    """Whose password a link changes; None if it is unknown, used or too old."""
    link = find_link(tx, "password", secret, at=at)
    return None if link is None else get_account(tx, link.account_id)


def use_password_link(tx: Transaction, secret: str, password_hash: str, *, at: datetime) -> Account | None:
    """Set the password and sign all browsers out; None as `find_password_link`."""
    link = use_link(tx, "password", secret, at=at)
    if link is None:
        return None
    set_password(tx, link.account_id, password_hash, at=at)
    return get_account(tx, link.account_id)


def ask_for_address(tx: Transaction, account: Account, email: str, *, at: datetime) -> str:
    """Have a link mailed to a new address, which counts once the link was used; the address. Raises Invalid.

    Nobody is told whether another account has it: then there is no mail.
    """
    email = checked("email", clean_email, email)
    if account_address(email) == account_address(account.email) and email == account.email:
        raise Invalid("Is your address already", ("email",))
    end_links(tx, account.id, "address")
    make_link(tx, account.id, "address", valid=ADDRESS_LINK_VALID, email=email, at=at)
    queue_server_email(tx, "new_address", email, {"account": account.id}, at=at)
    return email


def make_address_link(tx: Transaction, account_id: str, email: str, *, at: datetime) -> str | None:
    """The secret of a link; None if nobody waits for it any more, or another account has the address."""
    other = find_account(tx, email)
    if other is not None and other.id != account_id:
        return None
    return renew_link(tx, account_id, "address", email=email, at=at)


def find_address_link(tx: Transaction, secret: str, *, at: datetime) -> str | None:
    """The address that a link confirms; None if it is unknown, used or too old."""
    link = find_link(tx, "address", secret, at=at)
    return None if link is None else link.email


def use_address_link(tx: Transaction, secret: str, *, at: datetime) -> AddressChanged | None:
    """Change the address and tell the old one; None as `find_address_link`. Raises Conflict if it was taken meanwhile."""
    link = use_link(tx, "address", secret, at=at)
    if link is None or link.email is None:
        return None
    before = get_account(tx, link.account_id)
    other = find_account(tx, link.email)
    taken = Conflict("There is an account with this email address already")
    if other is not None and other.id != before.id:
        raise taken
    values = {"of_id": before.id, "new_email": link.email, "new_key": account_address(link.email), "at": at}
    try:
        tx.execute(_SET_EMAIL, values)
    except IntegrityError:
        # Two people may confirm one address at the same instant.
        raise taken from None
    # A link that went to the old address must not open the account any more.
    end_links(tx, before.id, "password")
    queue_server_email(tx, "address_changed", before.email, {"email": link.email}, at=at)
    return AddressChanged(get_account(tx, before.id), before.email)
