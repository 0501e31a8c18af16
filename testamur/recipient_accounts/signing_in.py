"""From an address to a session: a link is asked for, mailed, opened once."""

import secrets
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from testamur.db import Transaction
from testamur.delivery.queueing import queue_server_email
from testamur.recipient_accounts.queries import find_spellings
from testamur.recipient_accounts.tables import recipient_sessions, sign_in_links
from testamur.text import account_address, clean_email
from testamur.tokens.secrets import hash_secret

LINK_VALID = timedelta(minutes=30)
SESSION_VALID = timedelta(days=30)
_SECRET_BYTES = 32

_INSERT_LINK = insert(sign_in_links)
_INSERT_SESSION = insert(recipient_sessions)
_LINK = (sign_in_links.c.secret_hash == bindparam("of_hash"), sign_in_links.c.expires_at > bindparam("at"))
_FIND_LINK = select(sign_in_links.c.address).where(*_LINK)
# Of two that open a link at once, one deletes it.
_USE_LINK = delete(sign_in_links).where(*_LINK).returning(sign_in_links.c.address)
_FIND_SESSION = select(recipient_sessions.c.address).where(
    recipient_sessions.c.secret_hash == bindparam("of_hash"), recipient_sessions.c.expires_at > bindparam("at")
)
_END_SESSION = delete(recipient_sessions).where(recipient_sessions.c.secret_hash == bindparam("of_hash"))
_FORGET = [delete(table).where(table.c.expires_at <= bindparam("at")) for table in (sign_in_links, recipient_sessions)]


class SignInLink(msgspec.Struct, frozen=True):
    """What a sign-in mail carries, and the address it goes to."""

    to_address: str
    token: str


def ask_for_link(tx: Transaction, email: str, *, at: datetime) -> None:
    """Have a link mailed, if there are credentials of this address: the same work either way. Raises Invalid."""
    queue_server_email(tx, "sign_in", clean_email(email), {}, at=at)


def make_link(tx: Transaction, email: str, *, at: datetime) -> SignInLink | None:
    """A new link, which is not kept and cannot be had again; None if no issued credential states this address.

    It goes to the address as the newest credential spells it, never to what somebody typed.
    """
    spellings = find_spellings(tx, email)
    if not spellings:
        return None
    token = secrets.token_urlsafe(_SECRET_BYTES)
    tx.execute(_INSERT_LINK, _row(token, account_address(email), at, LINK_VALID))
    return SignInLink(spellings[0], token)


def find_link(tx: Transaction, token: str, *, at: datetime) -> str | None:
    """The address that a link signs in, or None if it is unknown, used or too old. It stays unused."""
    return tx.execute(_FIND_LINK, {"of_hash": hash_secret(token), "at": at}).scalar_one_or_none()


def sign_in(tx: Transaction, token: str, *, at: datetime) -> str | None:
    """Use a link up: the secret of a new session, or None as `find_link`."""
    address = tx.execute(_USE_LINK, {"of_hash": hash_secret(token), "at": at}).scalar_one_or_none()
    if address is None:
        return None
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    tx.execute(_INSERT_SESSION, _row(secret, address, at, SESSION_VALID))
    return secret


def find_session(tx: Transaction, secret: str, *, at: datetime) -> str | None:
    """The address that a session is signed in with, or None if it is unknown or over."""
    return tx.execute(_FIND_SESSION, {"of_hash": hash_secret(secret), "at": at}).scalar_one_or_none()


def sign_out(tx: Transaction, secret: str) -> None:
    tx.execute(_END_SESSION, {"of_hash": hash_secret(secret)})


def forget_expired(tx: Transaction, *, at: datetime) -> None:
    """Remove links and sessions that are over."""
    for statement in _FORGET:
        tx.execute(statement, {"at": at})


def _row(secret: str, address: str, at: datetime, valid: timedelta) -> dict[str, str | datetime]:
    return {"secret_hash": hash_secret(secret), "address": address, "created_at": at, "expires_at": at + valid}
