"""From a password to a session, in one step or in two.

Checking a password takes long on purpose, so it is done between transactions: `find_password`, then `is_right`, then
`sign_in`, which sees to it that the password is still the one that was checked.
"""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import bindparam, select, update

from testamur.accounts.links import count_attempt, find_link, make_link, use_link
from testamur.accounts.model import Account
from testamur.accounts.passwords import hash_password, is_password, needs_new_hash
from testamur.accounts.queries import get_account
from testamur.accounts.second_factor import is_code
from testamur.accounts.sessions import begin_session
from testamur.accounts.tables import accounts
from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.text import account_address

# Between the password and the code.
SECOND_STEP_VALID = timedelta(minutes=10)
# Codes that may be tried after one password.
CODES_MAX = 5

_PASSWORD = select(accounts.c.id, accounts.c.password_hash).where(accounts.c.email_key == bindparam("of_email"))
_PASSWORD_BY_ID = select(accounts.c.id, accounts.c.password_hash).where(accounts.c.id == bindparam("of_id"))
_REHASH = (
    update(accounts)
    .where(accounts.c.id == bindparam("of_id"), accounts.c.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("new_hash"))
)


class PasswordOnFile(msgspec.Struct, frozen=True):
    """What a password is checked against. Both are None alike where there is no such account."""

    account_id: str | None = None
    password_hash: str | None = None

    def is_right(self, password: str) -> bool:
        """Takes long, and as long for nobody's password."""
        return is_password(password, self.password_hash)

    def new_hash(self, password: str) -> str | None:
        """The right password, hashed as it would be today; None if it is. Takes long."""
        is_old = self.password_hash is not None and needs_new_hash(self.password_hash)
        return hash_password(password) if is_old else None


class Begun(msgspec.Struct, frozen=True):
    """What a browser gets: the secret of a session, or of the second step before there is one."""

    secret: str
    needs_code: bool


def find_password(tx: Transaction, email: str) -> PasswordOnFile:
    """What the password of an address is checked against."""
    row = tx.execute(_PASSWORD, {"of_email": account_address(email)}).one_or_none()
    return PasswordOnFile() if row is None else PasswordOnFile(*row)


def get_password(tx: Transaction, account_id: str) -> PasswordOnFile:
    """The same of an account."""
    return PasswordOnFile(*tx.execute(_PASSWORD_BY_ID, {"of_id": account_id}).one())


def sign_in(
    tx: Transaction,
    checked: PasswordOnFile,
    *,
    new_hash: str | None = None,
    user_agent: str,
    client: str,
    at: datetime,
) -> Begun | None:
    """Begin a session of whose password was right, or the second step; None if the password was changed meanwhile."""
    if checked.account_id is None or get_password(tx, checked.account_id) != checked:
        return None
    if new_hash is not None:
        values = {"of_id": checked.account_id, "old_hash": checked.password_hash, "new_hash": new_hash}
        tx.execute(_REHASH, values)
    account = get_account(tx, checked.account_id)
    return begin(tx, account, is_code_needed=account.has_second_factor, user_agent=user_agent, client=client, at=at)


def begin(
    tx: Transaction, account: Account, *, is_code_needed: bool, user_agent: str, client: str, at: datetime
) -> Begun:
    """A session of somebody who has proved to be this person, or the second step if a code is needed, too."""
    if is_code_needed:
        return Begun(make_link(tx, account.id, "second_step", valid=SECOND_STEP_VALID, at=at), needs_code=True)
    return Begun(begin_session(tx, account.id, user_agent=user_agent, client=client, at=at), needs_code=False)


def find_second_step(tx: Transaction, secret: str, *, at: datetime) -> Account | None:
    """Who is about to give a code; None if that is over, or too many codes were tried."""
    link = find_link(tx, "second_step", secret, at=at)
    return None if link is None or link.attempts >= CODES_MAX else get_account(tx, link.account_id)


def take_second_step(
    tx: Transaction, secret: str, code: str, *, master_key: MasterKey, user_agent: str, client: str, at: datetime
) -> str | None:
    """The secret of a new session, or None if the code is wrong or no more may be tried. Commit either way.

    The code is one of the authenticator app, or a recovery code; each works once.
    """
    link = count_attempt(tx, "second_step", secret, attempts_max=CODES_MAX, at=at)
    if link is None or not is_code(tx, link.account_id, code, master_key=master_key, at=at):
        return None
    use_link(tx, "second_step", secret, at=at)
    return begin_session(tx, link.account_id, user_agent=user_agent, client=client, at=at)
