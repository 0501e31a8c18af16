"""Erasing a workspace: at once nobody can use it, then the worker removes its rows, some at a time.

What stays says nothing of anybody: the slug, so that nobody else gets it; public keys, DIDs and lists of what was revoked,
so that what recipients have downloaded still verifies, or still shows as revoked; and the log, which holds digests.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, tuple_, update

from testamur.accounts.tables import invitations, memberships
from testamur.db import Transaction
from testamur.errors import Invalid
from testamur.tokens.tables import access_tokens
from testamur.webhooks.tables import webhook_endpoints
from testamur.workspace_data.exporting import tables_of_workspaces
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import workspaces

# Tables whose rows stay, and why is said above.
KEPT_TABLES = frozenset({"workspace_slugs", "issuer_identities", "signing_keys", "status_lists", "revoked_places"})
# Where the files of a workspace are.
FOLDERS = ("assets/{}", "fonts/{}", "credentials/{}", "designs/{}", "imports/{}")
ROWS_AT_ONCE = 2000
_CLOSE = (
    update(workspaces)
    .where(workspaces.c.id == bindparam("of_id"))
    .values(
        closed_at=bindparam("at"),
        name="Deleted workspace",
        website_url=None,
        support_email=None,
        description=None,
        logo_url=None,
        brand_color=None,
        is_indexed=False,
        updated_at=bindparam("at"),
    )
)
_CLOSED = (
    select(workspaces.c.id)
    .where(workspaces.c.closed_at.is_not(None), workspaces.c.erased_at.is_(None))
    .order_by(workspaces.c.closed_at, workspaces.c.id)
    .limit(1)
)
_ERASED = update(workspaces).where(workspaces.c.id == bindparam("of_id")).values(erased_at=bindparam("at"))


def close_workspace(tx: Transaction, workspace: Workspace, *, confirmation: str, at: datetime) -> None:
    """Shut it for everybody from this moment on; the worker erases what it holds.

    `confirmation` is the workspace's slug as its owner typed it: this cannot be taken back. Raises Invalid.
    """
    if confirmation.strip() != workspace.slug:
        raise Invalid(f"Type {workspace.slug} to confirm", ("confirmation",))
    place = {"of_workspace": workspace.id}
    for table in (memberships, invitations, access_tokens, webhook_endpoints):
        if table is webhook_endpoints:
            tx.execute(
                update(table).where(table.c.workspace_id == bindparam("of_workspace")).values(is_active=False), place
            )
        else:
            tx.execute(delete(table).where(table.c.workspace_id == bindparam("of_workspace")), place)
    tx.execute(_CLOSE, {"of_id": workspace.id, "at": at})


def find_closed(tx: Transaction) -> str | None:
    """A workspace that was closed and still holds something."""
    return tx.execute(_CLOSED).scalar_one_or_none()


def erase_some(tx: Transaction, workspace_id: str, *, at: datetime) -> int:
    """Remove some rows of a closed workspace; how many. When none is left it is marked as erased."""
    for table in reversed(tables_of_workspaces()):
        if table.name in KEPT_TABLES:
            continue
        key = list(table.primary_key.columns)
        some: Any = select(*key).where(table.c.workspace_id == bindparam("of_workspace")).limit(ROWS_AT_ONCE)
        chosen = tuple_(*key).in_(some) if len(key) > 1 else key[0].in_(some)
        removed = tx.execute(delete(table).where(chosen), {"of_workspace": workspace_id}).rowcount
        if removed:
            return removed
    tx.execute(_ERASED, {"of_id": workspace_id, "at": at})
    return 0
