from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from testamur.accounts.model import Account, Member, Membership
from testamur.accounts.tables import account_sessions, accounts, memberships
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.text import account_address
from testamur.workspaces.checking import is_slug
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import workspace_slugs, workspaces

ACCOUNT_COLUMNS = (
    accounts.c.id,
    accounts.c.email,
    accounts.c.name,
    accounts.c.language,
    accounts.c.theme,
    accounts.c.password_hash.is_not(None).label("has_password"),
    accounts.c.has_second_factor,
    accounts.c.created_at,
)
_ACCOUNT_FIELDS = [column.key for column in ACCOUNT_COLUMNS]
_BY_ID = select(*ACCOUNT_COLUMNS).where(accounts.c.id == bindparam("of_id"))
_BY_EMAIL = select(*ACCOUNT_COLUMNS).where(accounts.c.email_key == bindparam("email_key"))
_ALL = select(*ACCOUNT_COLUMNS).order_by(accounts.c.created_at, accounts.c.id)
_COUNT = select(func.count()).select_from(accounts)

_MEMBERSHIP_COLUMNS = (
    memberships.c.account_id,
    memberships.c.role,
    memberships.c.created_at.label("membership_created_at"),
    *workspaces.c,
)
_MEMBERSHIPS = (
    select(*_MEMBERSHIP_COLUMNS)
    .join(workspaces, workspaces.c.id == memberships.c.workspace_id)
    .where(memberships.c.account_id == bindparam("of_account"))
    .order_by(workspaces.c.name, workspaces.c.id)
)
# By any slug that the workspace has or had, so that old addresses go on working.
_MEMBERSHIP = (
    select(*_MEMBERSHIP_COLUMNS)
    .join(workspaces, workspaces.c.id == memberships.c.workspace_id)
    .join(workspace_slugs, workspace_slugs.c.workspace_id == workspaces.c.id)
    .where(memberships.c.account_id == bindparam("of_account"), workspace_slugs.c.slug == bindparam("slug"))
)
_MEMBERSHIP_BY_ID = (
    select(*_MEMBERSHIP_COLUMNS)
    .join(workspaces, workspaces.c.id == memberships.c.workspace_id)
    .where(memberships.c.account_id == bindparam("of_account"), memberships.c.workspace_id == bindparam("of_workspace"))
)
_MEMBERS = (
    select(
        accounts.c.id.label("account_id"),
        accounts.c.email,
        accounts.c.name,
        memberships.c.role,
        accounts.c.has_second_factor,
        select(func.max(account_sessions.c.last_used_at))
        .where(account_sessions.c.account_id == accounts.c.id)
        .scalar_subquery()
        .label("last_used_at"),
        memberships.c.created_at,
    )
    .join(accounts, accounts.c.id == memberships.c.account_id)
    .where(memberships.c.workspace_id == bindparam("of_workspace"))
    .order_by(memberships.c.created_at, accounts.c.id)
)


def get_account(tx: Transaction, account_id: str) -> Account:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"of_id": account_id}).one_or_none()
    if row is None:
        raise NotFound
    return to_account(row)


def find_account(tx: Transaction, email: str) -> Account | None:
    row = tx.execute(_BY_EMAIL, {"email_key": account_address(email)}).one_or_none()
    return None if row is None else to_account(row)


def list_accounts(tx: Transaction) -> list[Account]:
    """All accounts of the server, oldest first: for operators, never for a tenant."""
    return [to_account(row) for row in tx.execute(_ALL)]


def count_accounts(tx: Transaction) -> int:
    return int(tx.execute(_COUNT).scalar_one())


def list_memberships(tx: Transaction, account_id: str) -> list[Membership]:
    """Where an account may work, by the names of the workspaces."""
    return [_membership(row) for row in tx.execute(_MEMBERSHIPS, {"of_account": account_id})]


def find_membership(tx: Transaction, account_id: str, slug: str) -> Membership | None:
    """The account in the workspace that has or had this slug; None alike if it is no member and if there is none."""
    if not is_slug(slug):
        return None
    row = tx.execute(_MEMBERSHIP, {"of_account": account_id, "slug": slug}).one_or_none()
    return None if row is None else _membership(row)


def get_membership(tx: Transaction, workspace_id: str, account_id: str) -> Membership:
    """The account in that workspace. Raises NotFound."""
    row = tx.execute(_MEMBERSHIP_BY_ID, {"of_account": account_id, "of_workspace": workspace_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such member in this workspace")
    return _membership(row)


def list_members(tx: Transaction, workspace_id: str) -> list[Member]:
    """Who works in a workspace, those who joined first first."""
    return [Member(**row._mapping) for row in tx.execute(_MEMBERS, {"of_workspace": workspace_id})]  # noqa: SLF001


def to_account(row: Row[Any] | Sequence[Any]) -> Account:
    return Account(**dict(zip(_ACCOUNT_FIELDS, row, strict=True)))


def _membership(row: Sequence[Any]) -> Membership:
    workspace = Workspace(**dict(zip((column.key for column in workspaces.c), row[3:], strict=True)))
    return Membership(workspace=workspace, account_id=row[0], role=row[1], created_at=row[2])
