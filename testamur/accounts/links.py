"""What works once and for a short time: a new password, a changed address, the second step of signing in."""

import secrets
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from testamur.accounts.tables import account_links
from testamur.db import Transaction
from testamur.tokens.secrets import hash_secret

Purpose = Literal["second_step", "password", "address"]

_SECRET_BYTES = 32
_THIS = (
    account_links.c.secret_hash == bindparam("of_hash"),
    account_links.c.purpose == bindparam("of_purpose"),
    account_links.c.expires_at > bindparam("at"),
)
_COLUMNS = (account_links.c.account_id, account_links.c.email, account_links.c.attempts)
_INSERT = insert(account_links)
_FIND = select(*_COLUMNS).where(*_THIS)
# Of two that use a link at once, one deletes it.
_USE = delete(account_links).where(*_THIS).returning(*_COLUMNS)
_TRY = (
    update(account_links)
    .where(*_THIS, account_links.c.attempts < bindparam("attempts_max"))
    .values(attempts=account_links.c.attempts + 1)
    .returning(*_COLUMNS)
)
_RENEW = (
    update(account_links)
    .where(
        account_links.c.account_id == bindparam("of_account"),
        account_links.c.purpose == bindparam("of_purpose"),
        account_links.c.email == bindparam("of_email"),
        account_links.c.expires_at > bindparam("at"),
    )
    .values(secret_hash=bindparam("new_hash"))
)
_END = delete(account_links).where(
    account_links.c.account_id == bindparam("of_account"),
    account_links.c.purpose.in_(bindparam("of_purposes", expanding=True)),
)
_FORGET = delete(account_links).where(account_links.c.expires_at <= bindparam("at"))


class Link(msgspec.Struct, frozen=True):
    """What a secret stands for. `email` is the new address, if it is about one."""

    account_id: str
    email: str | None
    attempts: int


def make_link(
    tx: Transaction, account_id: str, purpose: Purpose, *, valid: timedelta, email: str | None = None, at: datetime
) -> str:
    """The secret of a new link, which is not kept and cannot be had again."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    row = {
        "secret_hash": hash_secret(secret),
        "account_id": account_id,
        "purpose": purpose,
        "email": email,
        "attempts": 0,
        "created_at": at,
        "expires_at": at + valid,
    }
    tx.execute(_INSERT, row)
    return secret


def renew_link(tx: Transaction, account_id: str, purpose: Purpose, *, email: str, at: datetime) -> str | None:
    """Another secret for a link about that address; None if there is none (any more)."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    values = {"of_account": account_id, "of_purpose": purpose, "of_email": email, "at": at}
    return secret if tx.execute(_RENEW, {**values, "new_hash": hash_secret(secret)}).rowcount else None


def find_link(tx: Transaction, purpose: Purpose, secret: str, *, at: datetime) -> Link | None:
    """None if the link is unknown, used or too old. It stays unused."""
    row = tx.execute(_FIND, {"of_hash": hash_secret(secret), "of_purpose": purpose, "at": at}).one_or_none()
    return None if row is None else Link(*row)


def use_link(tx: Transaction, purpose: Purpose, secret: str, *, at: datetime) -> Link | None:
    """Use a link up; None as `find_link`."""
    row = tx.execute(_USE, {"of_hash": hash_secret(secret), "of_purpose": purpose, "at": at}).one_or_none()
    return None if row is None else Link(*row)


def count_attempt(tx: Transaction, purpose: Purpose, secret: str, *, attempts_max: int, at: datetime) -> Link | None:
    """Count that somebody tries, which must be committed even if they fail; None if they may not try any more."""
    values = {"of_hash": hash_secret(secret), "of_purpose": purpose, "attempts_max": attempts_max, "at": at}
    row = tx.execute(_TRY, values).one_or_none()
    return None if row is None else Link(*row)


def end_links(tx: Transaction, account_id: str, *purposes: Purpose) -> None:
    """Let links of an account work no more."""
    tx.execute(_END, {"of_account": account_id, "of_purposes": purposes})


def forget_links(tx: Transaction, *, at: datetime) -> None:
    """Remove those that are too old."""
    tx.execute(_FORGET, {"at": at})
