import re
import unicodedata
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy import bindparam, insert, update

from testamur.db import Transaction
from testamur.errors import Conflict, Invalid
from testamur.ids import new_id
from testamur.text import checked, clean_email, clean_line, clean_url
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import find_workspace_by_slug
from testamur.workspaces.tables import workspaces

NAME_LENGTH_MAX = 255
SLUG_LENGTH_MAX = 63
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_INSERT = insert(workspaces)
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

    Raises Invalid for a value that cannot be used, Conflict if the slug is taken.
    """
    name = checked("name", clean_line, name, length_max=NAME_LENGTH_MAX)
    workspace = Workspace(
        id=new_id(),
        name=name,
        slug=_checked_slug(slug if slug is not None else slug_of(name)),
        website_url=None if website_url is None else checked("website_url", clean_url, website_url),
        support_email=None if support_email is None else checked("support_email", clean_email, support_email),
        time_zone=_checked_time_zone(time_zone),
        created_at=at,
        updated_at=at,
    )
    if find_workspace_by_slug(tx, workspace.slug) is not None:
        raise Conflict(f"There is a workspace with the slug {workspace.slug} already; choose another slug")
    tx.execute(_INSERT, {field: getattr(workspace, field) for field in workspace.__struct_fields__})
    return workspace


def set_plan(tx: Transaction, workspace_id: str, plan: str | None, *, at: datetime) -> None:
    tx.execute(_SET_PLAN, {"of_id": workspace_id, "new_plan": plan, "at": at})


def slug_of(name: str) -> str:
    """`Université de Łódź` as `universite-de-lodz`: what can stand in an address."""
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L")).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:SLUG_LENGTH_MAX].strip("-")
    return slug or "workspace"


def _checked_slug(slug: str) -> str:
    if len(slug) > SLUG_LENGTH_MAX or not _SLUG.fullmatch(slug):
        raise Invalid(f"Must be 1 to {SLUG_LENGTH_MAX} of a-z, 0-9 and - (not first or last)", ("slug",))
    return slug


def _checked_time_zone(time_zone: str) -> str:
    if time_zone not in _time_zones():
        raise Invalid("Must be the name of a time zone, such as UTC or Europe/Warsaw", ("time_zone",))
    return time_zone


@cache
def _time_zones() -> set[str]:
    """Read once, as there are hundreds of files."""
    return available_timezones()
