from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, func, select

from testamur.audit.model import Actor, AuditEntry
from testamur.audit.tables import audit_entries as table
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page

EXPORTED_AT_ONCE = 500
EXPORT_HEADINGS = ("at", "actor_kind", "actor_id", "actor_name", "action", "subject", "details", "client")
_ACTORS_MAX = 200

# The name is the newest that is known.
_ACTORS = (
    select(table.c.actor_kind, table.c.actor_id, func.max(table.c.actor_name).label("actor_name"))
    .where(table.c.workspace_id == bindparam("workspace_id"))
    .group_by(table.c.actor_kind, table.c.actor_id)
    .order_by(table.c.actor_kind, func.max(table.c.actor_name))
    .limit(_ACTORS_MAX)
)
_json = msgspec.json.Encoder()


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted; what is None or empty narrows nothing.

    `action` is the beginning of one, such as `credential.`; `since` is in the period, `before` is not.
    """

    actor_kind: str | None = None
    actor_id: str | None = None
    action: str = ""
    since: datetime | None = None
    before: datetime | None = None


def list_entries(
    tx: Transaction, workspace_id: str, wanted: AuditFilter, cursor: Cursor | None, limit: int
) -> Page[AuditEntry]:
    """The newest first."""
    statement = select(table).where(table.c.workspace_id == workspace_id)
    if wanted.actor_kind is not None:
        statement = statement.where(table.c.actor_kind == wanted.actor_kind)
    if wanted.actor_id is not None:
        statement = statement.where(table.c.actor_id == wanted.actor_id)
    if wanted.action:
        statement = statement.where(table.c.action.startswith(wanted.action, autoescape=True))
    if wanted.since is not None:
        statement = statement.where(table.c.at >= wanted.since)
    if wanted.before is not None:
        statement = statement.where(table.c.at < wanted.before)
    page = Pager(statement, table.c.at, table.c.id).rows(tx, {}, cursor, limit)
    return map_page(page, lambda rows: [_model(row) for row in rows])


def list_actors(tx: Transaction, workspace_id: str) -> list[Actor]:
    """Everybody who stands in the log."""
    found = tx.execute(_ACTORS, {"workspace_id": workspace_id})
    return [Actor(row.actor_kind, row.actor_id, row.actor_name) for row in found]


def export_rows(read: Callable[[Cursor | None], Page[AuditEntry]]) -> Iterator[tuple[str, ...]]:
    """The cells of a table with all entries, its headings first. `read` gives the page after a cursor: a page at a time
    is held, however long the log is.
    """
    yield EXPORT_HEADINGS
    cursor: Cursor | None = None
    while True:
        page = read(cursor)
        yield from map(_cells, page.items)
        if page.next is None:
            return
        cursor = page.next


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    return (
        entry.at.isoformat(),
        entry.actor.kind,
        entry.actor.id,
        entry.actor.name,
        entry.action,
        entry.subject or "",
        _json.encode(entry.details).decode() if entry.details else "",
        entry.client,
    )


def _model(row: Row[Any]) -> AuditEntry:
    values = dict(row._mapping)  # noqa: SLF001
    actor = Actor(values.pop("actor_kind"), values.pop("actor_id"), values.pop("actor_name"))
    return AuditEntry(**values, actor=actor)
