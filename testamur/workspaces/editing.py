from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, update

from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.workspaces.checking import (
    checked_color,
    checked_description,
    checked_email,
    checked_name,
    checked_slug,
    checked_time_zone,
    checked_url,
)
from testamur.workspaces.creating import slug_taken
from testamur.workspaces.model import EmailForm, NameForm, Workspace
from testamur.workspaces.queries import find_workspace_by_slug, get_workspace
from testamur.workspaces.tables import workspace_slugs, workspaces

_TAKE_SLUG = insert_if_new(workspace_slugs)
_UPDATE = (
    update(workspaces)
    .where(workspaces.c.id == bindparam("of_id"))
    .values(
        name=bindparam("new_name"),
        slug=bindparam("new_slug"),
        website_url=bindparam("new_website_url"),
        support_email=bindparam("new_support_email"),
        description=bindparam("new_description"),
        logo_url=bindparam("new_logo_url"),
        brand_color=bindparam("new_brand_color"),
        time_zone=bindparam("new_time_zone"),
        names_in_credentials=bindparam("new_names_in_credentials"),
        emails_in_credentials=bindparam("new_emails_in_credentials"),
        is_indexed=bindparam("new_is_indexed"),
        updated_at=bindparam("new_updated_at"),
    )
)


def update_workspace(
    tx: Transaction,
    workspace_id: str,
    *,
    name: str | None = None,
    slug: str | None = None,
    website_url: str | UnsetType | None = UNSET,
    support_email: str | UnsetType | None = UNSET,
    description: str | UnsetType | None = UNSET,
    logo_url: str | UnsetType | None = UNSET,
    brand_color: str | UnsetType | None = UNSET,
    time_zone: str | None = None,
    names_in_credentials: NameForm | None = None,
    emails_in_credentials: EmailForm | None = None,
    is_indexed: bool | None = None,
    at: datetime,
) -> Workspace:
    """The workspace with some values replaced (None and UNSET leave one as it is; None and "" clear what may be empty).

    After a change of the slug the old one goes on leading to the workspace, which may also take it again. Raises Invalid
    for a value that cannot be used, Conflict if another workspace has or had the slug, NotFound.
    """
    before = get_workspace(tx, workspace_id)
    after = msgspec.structs.replace(
        before,
        name=before.name if name is None else checked_name(name),
        slug=before.slug if slug is None else checked_slug(slug),
        website_url=before.website_url if website_url is UNSET else checked_url("website_url", website_url),
        support_email=before.support_email if support_email is UNSET else checked_email(support_email),
        description=before.description if description is UNSET else checked_description(description),
        logo_url=before.logo_url if logo_url is UNSET else checked_url("logo_url", logo_url),
        brand_color=before.brand_color if brand_color is UNSET else checked_color(brand_color),
        time_zone=before.time_zone if time_zone is None else checked_time_zone(time_zone),
        names_in_credentials=names_in_credentials or before.names_in_credentials,
        emails_in_credentials=emails_in_credentials or before.emails_in_credentials,
        is_indexed=before.is_indexed if is_indexed is None else is_indexed,
    )
    if after == before:
        return before
    after = msgspec.structs.replace(after, updated_at=at)
    if after.slug != before.slug:
        _take_slug(tx, workspace_id, after.slug, at)
    values = {
        "new_name": after.name,
        "new_slug": after.slug,
        "new_website_url": after.website_url,
        "new_support_email": after.support_email,
        "new_description": after.description,
        "new_logo_url": after.logo_url,
        "new_brand_color": after.brand_color,
        "new_time_zone": after.time_zone,
        "new_names_in_credentials": after.names_in_credentials,
        "new_emails_in_credentials": after.emails_in_credentials,
        "new_is_indexed": after.is_indexed,
        "new_updated_at": after.updated_at,
    }
    tx.execute(_UPDATE, {"of_id": workspace_id, **values})
    return after


def _take_slug(tx: Transaction, workspace_id: str, slug: str, at: datetime) -> None:
    # Whoever inserts first has it, also of two at once.
    tx.execute(_TAKE_SLUG, {"slug": slug, "workspace_id": workspace_id, "created_at": at})
    owner = find_workspace_by_slug(tx, slug)
    if owner is None or owner.id != workspace_id:
        raise slug_taken(slug)
