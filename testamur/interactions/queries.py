from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, func, literal, select

from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.db.planning import off_index
from testamur.interactions.model import Interaction
from testamur.interactions.tables import credential_interactions as table

_OF_WORKSPACE = select(table).where(table.c.workspace_id == bindparam("workspace_id"))
_PAGER = Pager(_OF_WORKSPACE, table.c.triggered_at, table.c.id)
_OF_CREDENTIAL = select(table).where(
    off_index(table.c.workspace_id) == bindparam("workspace_id"), table.c.credential_id == bindparam("credential_id")
)
_OF_CREDENTIAL_PAGER = Pager(_OF_CREDENTIAL, table.c.triggered_at, table.c.id)
_SUMMARY = (
    select(table.c.event_type, func.count().label("number"))
    .join(credentials, credentials.c.id == table.c.credential_id)
    .where(
        table.c.workspace_id == bindparam("workspace_id"),
        credentials.c.credential_template_id == bindparam("template_id"),
    )
    .group_by(table.c.event_type)
)
# A page need not wait for millions of rows: these read those of the newest credentials.
NEWEST_MAX = 1000
_NEWEST = (
    select(credentials.c.id, credentials.c.delivery_state)
    .where(
        credentials.c.workspace_id == bindparam("workspace_id"),
        credentials.c.credential_template_id == bindparam("template_id"),
    )
    .order_by(credentials.c.created_at.desc(), credentials.c.id.desc())
    .limit(NEWEST_MAX)
    .subquery()
)
_SUMMARY_OF_NEWEST = (
    select(table.c.event_type, func.count().label("number"))
    .join(_NEWEST, _NEWEST.c.id == table.c.credential_id)
    .where(table.c.workspace_id == bindparam("workspace_id"))
    .group_by(table.c.event_type)
)
_OPENED_OF_NEWEST = select(func.count()).select_from(_NEWEST).where(_NEWEST.c.delivery_state == "opened")
_VIEWED = select(credentials.c.id).where(
    credentials.c.workspace_id == bindparam("workspace_id"),
    credentials.c.id.in_(bindparam("ids", expanding=True)),
    exists(
        select(literal(1)).where(
            table.c.credential_id == credentials.c.id, table.c.event_type == literal("credential_viewed")
        )
    ),
)
_OPENED = (
    select(func.count())
    .select_from(credentials)
    .where(
        credentials.c.workspace_id == bindparam("workspace_id"),
        credentials.c.credential_template_id == bindparam("template_id"),
        credentials.c.delivery_state == "opened",
    )
)


def list_interactions(
    tx: Transaction, workspace_id: str, credential_id: str | None, cursor: Cursor | None, limit: int
) -> Page[Interaction]:
    """Newest first; of one credential, or of all."""
    parameters = {"workspace_id": workspace_id}
    if credential_id is None:
        page = _PAGER.rows(tx, parameters, cursor, limit)
    else:
        page = _OF_CREDENTIAL_PAGER.rows(tx, {**parameters, "credential_id": credential_id}, cursor, limit)
    return map_page(page, lambda rows: [_model(row) for row in rows])


def find_viewed(tx: Transaction, workspace_id: str, credential_ids: Sequence[str]) -> set[str]:
    """Those of a page of credentials whose page somebody has looked at."""
    return set(tx.execute(_VIEWED, {"workspace_id": workspace_id, "ids": credential_ids}).scalars())


def summarize_template(tx: Transaction, workspace_id: str, template_id: str) -> Mapping[str, int]:
    """How often the credentials of a template were viewed, downloaded, shared, verified, and opened from their mail."""
    return _summary(tx, workspace_id, template_id, _SUMMARY, _OPENED)


def summarize_newest(tx: Transaction, workspace_id: str, template_id: str) -> Mapping[str, int]:
    """The same of the template's newest credentials, at most NEWEST_MAX of them."""
    return _summary(tx, workspace_id, template_id, _SUMMARY_OF_NEWEST, _OPENED_OF_NEWEST)


def _summary(
    tx: Transaction, workspace_id: str, template_id: str, counts: Select[Any], opened: Select[Any]
) -> Mapping[str, int]:
    parameters = {"workspace_id": workspace_id, "template_id": template_id}
    summary = dict.fromkeys(("viewed", "downloaded", "shared", "verified"), 0)
    for event_type, number in tx.execute(counts, parameters):
        action = event_type.removeprefix("credential_")
        shared = action.startswith(("shared_", "added_")) or action == "link_copied"
        summary["shared" if shared else action] += number
    return {**summary, "opened": int(tx.execute(opened, parameters).scalar_one())}


def _model(row: Row[Any]) -> Interaction:
    return Interaction(**row._mapping)  # noqa: SLF001
