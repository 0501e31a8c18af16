from datetime import datetime

from testamur.accounts.model import Account
from testamur.accounts.queries import get_account
from testamur.accounts.roles import Role
from testamur.accounts.tables import accounts, memberships
from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.errors import Conflict
from testamur.ids import new_id
from testamur.text import account_address, checked, clean_email, clean_line

NAME_LENGTH_MAX = 255
_INSERT = insert_if_new(accounts)
_INSERT_MEMBERSHIP = insert_if_new(memberships)


def create_account(tx: Transaction, *, email: str, name: str, password_hash: str | None, at: datetime) -> Account:
    """Raises Invalid for a value that cannot be used, Conflict if there is an account of this address."""
    email = checked("email", clean_email, email)
    name = checked("name", clean_line, name, length_max=NAME_LENGTH_MAX)
    account_id = new_id()
    row = {
        "id": account_id,
        "email": email,
        "email_key": account_address(email),
        "name": name,
        "password_hash": password_hash,
        "has_second_factor": False,
        "created_at": at,
        "updated_at": at,
    }
    if not tx.execute(_INSERT, row).rowcount:
        raise Conflict("There is an account with this email address already")
    return get_account(tx, account_id)


def add_member(tx: Transaction, workspace_id: str, account_id: str, role: Role, *, at: datetime) -> None:
    """Raises Conflict if the account is a member of the workspace already."""
    row = {"workspace_id": workspace_id, "account_id": account_id, "role": role, "created_at": at}
    if not tx.execute(_INSERT_MEMBERSHIP, row).rowcount:
        raise Conflict("This person is a member of the workspace already")
