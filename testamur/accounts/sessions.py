"""Sessions: who is signed in, in which browser."""

import secrets
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from testamur.accounts.model import Account, Session
from testamur.accounts.queries import ACCOUNT_COLUMNS, to_account
from testamur.accounts.tables import account_sessions, accounts
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.ids import new_id
from testamur.tokens.secrets import hash_secret

# A session that is not used ends; one that is used ends, too.
IDLE = timedelta(days=14)
LASTS = timedelta(days=90)
# The last use is recorded no more often than this, so that reading stays reading.
USE_STEP = timedelta(minutes=5)
# Who has not proved for so long who they are is asked again before something that matters: another password, say.
CONFIRMED_FOR = timedelta(minutes=15)
_SECRET_BYTES = 32

_SESSION_COLUMNS = [column for column in account_sessions.c if column.key != "secret_hash"]
_INSERT = insert(account_sessions)
_IN_FORCE = (account_sessions.c.expires_at > bindparam("at"), account_sessions.c.last_used_at > bindparam("idle_since"))
_FIND = (
    select(*ACCOUNT_COLUMNS, *(column.label(f"session_{column.key}") for column in _SESSION_COLUMNS))
    .join(accounts, accounts.c.id == account_sessions.c.account_id)
    .where(account_sessions.c.secret_hash == bindparam("of_hash"), *_IN_FORCE)
)
_USED = update(account_sessions).where(account_sessions.c.id == bindparam("of_id")).values(last_used_at=bindparam("at"))
_RENEW = (
    update(account_sessions)
    .where(account_sessions.c.id == bindparam("of_id"), account_sessions.c.account_id == bindparam("of_account"))
    .values(secret_hash=bindparam("new_hash"), confirmed_at=bindparam("at"), last_used_at=bindparam("at"))
)
_OF_ACCOUNT = (
    select(*_SESSION_COLUMNS)
    .where(account_sessions.c.account_id == bindparam("of_account"), *_IN_FORCE)
    .order_by(account_sessions.c.last_used_at.desc(), account_sessions.c.id)
)
_END = delete(account_sessions).where(
    account_sessions.c.account_id == bindparam("of_account"), account_sessions.c.id == bindparam("of_id")
)
_END_OTHERS = delete(account_sessions).where(
    account_sessions.c.account_id == bindparam("of_account"), account_sessions.c.id != bindparam("but_id")
)
_FORGET = delete(account_sessions).where(
    (account_sessions.c.expires_at <= bindparam("at")) | (account_sessions.c.last_used_at <= bindparam("idle_since"))
)


class SignedIn(msgspec.Struct, frozen=True):
    """Who sends a request, and by which session."""

    account: Account
    session: Session


def begin_session(tx: Transaction, account_id: str, *, user_agent: str, client: str, at: datetime) -> str:
    """The secret of a new session, which is not kept and cannot be shown again."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    row = {
        "id": new_id(),
        "secret_hash": hash_secret(secret),
        "account_id": account_id,
        "user_agent": "".join(char for char in user_agent if char.isprintable())[:255],
        "client": client[:64],
        "created_at": at,
        "confirmed_at": at,
        "last_used_at": at,
        "expires_at": at + LASTS,
    }
    tx.execute(_INSERT, row)
    return secret


def find_session(tx: Transaction, secret: str, *, at: datetime) -> SignedIn | None:
    """None if the session is unknown or over."""
    row = tx.execute(_FIND, {"of_hash": hash_secret(secret), "at": at, "idle_since": at - IDLE}).one_or_none()
    if row is None:
        return None
    session = Session(
        **dict(zip((column.key for column in _SESSION_COLUMNS), row[len(ACCOUNT_COLUMNS) :], strict=True))
    )
    return SignedIn(to_account(row[: len(ACCOUNT_COLUMNS)]), session)


def renew_session(tx: Transaction, session: Session, *, at: datetime) -> str:
    """Another secret for the same session, whose owner has just proved who they are: the old one ends.

    What may do more than before is not named by what somebody may have seen before. Raises NotFound if it is over.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    values = {"of_id": session.id, "of_account": session.account_id, "new_hash": hash_secret(secret), "at": at}
    if not tx.execute(_RENEW, values).rowcount:
        raise NotFound("This session is over already")
    return secret


def is_confirmed(session: Session, at: datetime) -> bool:
    """Whether they proved lately who they are."""
    return at - session.confirmed_at < CONFIRMED_FOR


def is_use_worth_recording(session: Session, at: datetime) -> bool:
    return at - session.last_used_at >= USE_STEP


def record_use(tx: Transaction, session_id: str, *, at: datetime) -> None:
    tx.execute(_USED, {"of_id": session_id, "at": at})


def list_sessions(tx: Transaction, account_id: str, *, at: datetime) -> list[Session]:
    """Those in force, the one used last first."""
    rows = tx.execute(_OF_ACCOUNT, {"of_account": account_id, "at": at, "idle_since": at - IDLE})
    return [Session(**row._mapping) for row in rows]  # noqa: SLF001


def end_session(tx: Transaction, account_id: str, session_id: str) -> None:
    """Sign a browser out. Raises NotFound if the account has no such session."""
    if not tx.execute(_END, {"of_account": account_id, "of_id": session_id}).rowcount:
        raise NotFound("This session is over already")


def end_sessions(tx: Transaction, account_id: str, *, but: str = "") -> None:
    """Sign all browsers out, but for one session."""
    tx.execute(_END_OTHERS, {"of_account": account_id, "but_id": but})


def forget_sessions(tx: Transaction, *, at: datetime) -> None:
    """Remove those that are over."""
    tx.execute(_FORGET, {"at": at, "idle_since": at - IDLE})
