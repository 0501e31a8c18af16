from typing import Any

from sqlalchemy import Row, bindparam, func, select

from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.workspaces.checking import is_slug
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import workspace_slugs, workspaces

_BY_ID = select(workspaces).where(workspaces.c.id == bindparam("id"))
_BY_SLUG = (
    select(workspaces)
    .join(workspace_slugs, workspace_slugs.c.workspace_id == workspaces.c.id)
    .where(workspace_slugs.c.slug == bindparam("slug"))
)
_ALL = select(workspaces).order_by(workspaces.c.created_at, workspaces.c.id)
_COUNT = select(func.count()).select_from(workspaces)


def get_workspace(tx: Transaction, workspace_id: str) -> Workspace:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"id": workspace_id}).one_or_none()
    if row is None:
        raise NotFound
    return _model(row)


def find_workspace_by_slug(tx: Transaction, slug: str) -> Workspace | None:
    """The workspace that has this slug, or had it before it was given another."""
    if not is_slug(slug):
        return None
    row = tx.execute(_BY_SLUG, {"slug": slug}).one_or_none()
    return None if row is None else _model(row)


def list_workspaces(tx: Transaction) -> list[Workspace]:
    """All workspaces of the server, oldest first: for operators, never for a tenant."""
    return [_model(row) for row in tx.execute(_ALL)]


def count_workspaces(tx: Transaction) -> int:
    return int(tx.execute(_COUNT).scalar_one())


def _model(row: Row[Any]) -> Workspace:
    return Workspace(**row._mapping)  # noqa: SLF001
