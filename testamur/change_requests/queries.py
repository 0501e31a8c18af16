from typing import Any

from sqlalchemy import Row, bindparam, func, literal, select

from testamur.change_requests.model import ChangeRequest, ListedRequest, ListedState
from testamur.change_requests.tables import change_requests as table
from testamur.credential_templates.tables import credential_templates
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.errors import NotFound

# Requests that one credential may have open at a time.
OPEN_MAX = 3

COLUMNS = [table.c[field] for field in ChangeRequest.__struct_fields__]
_OF_WORKSPACE = table.c.workspace_id == bindparam("workspace_id")
_IS_OPEN = table.c.state == "open"
_CONFIRMED = select(*COLUMNS).where(_OF_WORKSPACE, table.c.confirmed_at.is_not(None))
_BY_ID = _CONFIRMED.where(table.c.id == bindparam("id"))
_LOCKED = _BY_ID.with_for_update(key_share=True)
_OF_CREDENTIAL = _CONFIRMED.where(table.c.credential_id == bindparam("credential_id")).order_by(
    table.c.confirmed_at.desc(), table.c.id.desc()
)
_PAGER = Pager(
    select(
        *COLUMNS,
        credentials.c.recipient_name.label("recipient_name"),
        credential_templates.c.name.label("template_name"),
    )
    .join(
        credentials, (credentials.c.workspace_id == table.c.workspace_id) & (credentials.c.id == table.c.credential_id)
    )
    .join(credential_templates, credential_templates.c.id == credentials.c.credential_template_id)
    .where(_OF_WORKSPACE, table.c.state == bindparam("state")),
    table.c.confirmed_at,
    table.c.id,
)
_COUNT_OPEN = select(func.count()).select_from(
    select(literal(1)).where(_OF_WORKSPACE, _IS_OPEN).limit(bindparam("limit")).subquery()
)
_COUNT_OPEN_OF_CREDENTIAL = (
    select(func.count())
    .select_from(table)
    .where(_OF_WORKSPACE, table.c.credential_id == bindparam("credential_id"), _IS_OPEN)
)


def get_request(tx: Transaction, workspace_id: str, request_id: str) -> ChangeRequest:
    """A request that was confirmed. Raises NotFound."""
    return _one(tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": request_id}).one_or_none())


def lock_request(tx: Transaction, workspace_id: str, request_id: str) -> ChangeRequest:
    """A confirmed request that nobody else changes until the transaction ends. Raises NotFound."""
    return _one(tx.execute(_LOCKED, {"workspace_id": workspace_id, "id": request_id}).one_or_none())


def list_requests(
    tx: Transaction, workspace_id: str, state: ListedState, cursor: Cursor | None, limit: int
) -> Page[ListedRequest]:
    """Those in a state, the newest first."""
    page = _PAGER.rows(tx, {"workspace_id": workspace_id, "state": state}, cursor, limit)
    return map_page(
        page, lambda rows: [ListedRequest(to_request(row), row.recipient_name, row.template_name) for row in rows]
    )


def list_requests_of_credential(tx: Transaction, workspace_id: str, credential_id: str) -> list[ChangeRequest]:
    """Confirmed ones, the newest first."""
    place = {"workspace_id": workspace_id, "credential_id": credential_id}
    return [to_request(row) for row in tx.execute(_OF_CREDENTIAL, place)]


def count_open_requests(tx: Transaction, workspace_id: str, *, limit: int) -> int:
    """How many wait for an answer, counted no further than `limit`."""
    return int(tx.execute(_COUNT_OPEN, {"workspace_id": workspace_id, "limit": limit}).scalar_one())


def count_open_of_credential(tx: Transaction, workspace_id: str, credential_id: str) -> int:
    place = {"workspace_id": workspace_id, "credential_id": credential_id}
    return int(tx.execute(_COUNT_OPEN_OF_CREDENTIAL, place).scalar_one())


def to_request(row: Row[Any]) -> ChangeRequest:
    return ChangeRequest(**{field: row._mapping[field] for field in ChangeRequest.__struct_fields__})  # noqa: SLF001


def _one(row: Row[Any] | None) -> ChangeRequest:
    if row is None:
        raise NotFound
    return to_request(row)
