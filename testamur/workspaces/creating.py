from datetime import datetime

from sqlalchemy import bindparam, insert, update

from testamur.db import Transaction
from testamur.errors import Conflict
from testamur.ids import new_id
from testamur.workspaces.checking import (
    checked_email,
    checked_name,
    checked_slug,
    checked_time_zone,
    checked_url,
    slug_of,
)
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import find_workspace_by_slug
from testamur.workspaces.tables import workspace_slugs, workspaces

_INSERT = insert(workspaces)
_INSERT_SLUG = insert(workspace_slugs)
_SET_PLAN = (
    update(workspaces)
    .where(workspaces.c.id == bindparam("of_id"))
    .values(plan=bindparam("new_plan"), updated_at=bindparam("at"))
)


def create_workspace(
    tx: Transaction,
    *,
    name: str,
    slug: str | None = None,
    website_url: str | None = None,
    support_email: str | None = None,
    time_zone: str = "UTC",
    at: datetime,
) -> Workspace:
    """A new tenant. Without a slug, one is made of the name.

    Raises Invalid for a value that cannot be used, Conflict if another workspace has or had the slug.
    """
    name = checked_name(name)
    workspace = Workspace(
        id=new_id(),
        name=name,
        slug=checked_slug(slug if slug is not None else slug_of(name)),
        website_url=checked_url("website_url", website_url),
        support_email=checked_email(support_email),
        time_zone=checked_time_zone(time_zone),
        created_at=at,
        updated_at=at,
    )
    if find_workspace_by_slug(tx, workspace.slug) is not None:
        raise slug_taken(workspace.slug)
    tx.execute(_INSERT, {field: getattr(workspace, field) for field in workspace.__struct_fields__})
    tx.execute(_INSERT_SLUG, {"slug": workspace.slug, "workspace_id": workspace.id, "created_at": at})
    return workspace


def set_plan(tx: Transaction, workspace_id: str, plan: str | None, *, at: datetime) -> None:
    tx.execute(_SET_PLAN, {"of_id": workspace_id, "new_plan": plan, "at": at})


def slug_taken(slug: str) -> Conflict:
    return Conflict(f"There is a workspace with the slug {slug} already, or there was; choose another slug")
