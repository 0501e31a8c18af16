"""What waits for somebody: asked when it is shown, with a cost that no amount of credentials raises."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, func, literal, literal_column, or_, select, true

from testamur.change_requests.queries import count_open_requests
from testamur.credentials.model import Credential
from testamur.credentials.queries import COLUMNS, to_credential
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.imports.tables import imports
from testamur.statistics.model import COUNTED_MAX, Attention
from testamur.webhooks.tables import webhook_deliveries, webhook_endpoints

EXPIRING_WITHIN = timedelta(days=30)
# An import with faulty rows is news for so long.
IMPORT_IS_NEWS = timedelta(days=30)
DELIVERIES_LOOKED_AT = 200


def _count(table: FromClause, *conditions: ColumnElement[bool]) -> Select[Any]:
    """How many rows there are, of which no more than are counted are looked at."""
    found = select(literal(1)).select_from(table).where(*conditions).limit(COUNTED_MAX).subquery()
    return select(func.count()).select_from(found)


def _rows(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*COLUMNS).where(credentials.c.workspace_id == bindparam("workspace_id"), *conditions)


# Written out and not bound, so that the databases see that their indexes of just these rows serve.
_is_bounced = (credentials.c.delivery_state == literal_column("'bounced'"),)
_is_expiring = (
    credentials.c.state == literal_column("'issued'"),
    credentials.c.expiry_date.between(bindparam("first"), bindparam("last")),
    credentials.c.revoked_at.is_(None),
)
_of_workspace = credentials.c.workspace_id == bindparam("workspace_id")
# In that order, because SQLite else goes through all credentials by an index that more of its conditions begin.
_BOUNCED = select(func.count()).select_from(
    select(credentials.c.id)
    .where(_of_workspace, *_is_bounced)
    .order_by(credentials.c.id.desc())
    .limit(COUNTED_MAX)
    .subquery()
)
_EXPIRING = _count(credentials, _of_workspace, *_is_expiring)
_BOUNCED_ROWS = _rows(*_is_bounced).order_by(credentials.c.id.desc()).limit(COUNTED_MAX)
_EXPIRING_ROWS = _rows(*_is_expiring).order_by(credentials.c.expiry_date).limit(COUNTED_MAX)
_ENDPOINTS = (
    select(webhook_endpoints.c.id)
    .where(webhook_endpoints.c.workspace_id == bindparam("workspace_id"), webhook_endpoints.c.is_active == true())
    .limit(COUNTED_MAX)
)
_newest = (
    select(webhook_deliveries.c.state, webhook_deliveries.c.attempts)
    .where(
        webhook_deliveries.c.workspace_id == bindparam("workspace_id"),
        webhook_deliveries.c.endpoint_id == bindparam("endpoint_id"),
    )
    .order_by(webhook_deliveries.c.event_created_at.desc(), webhook_deliveries.c.id.desc())
    .limit(DELIVERIES_LOOKED_AT)
    .subquery()
)
# Those that wait for their first attempt tell nothing yet.
_NEWEST_TRIED = select(_newest.c.state).where(or_(_newest.c.attempts > 0, _newest.c.state != "pending")).limit(1)
_STOPPED = _count(
    imports,
    imports.c.workspace_id == bindparam("workspace_id"),
    imports.c.created_at >= bindparam("since"),
    or_(imports.c.state == "failed", (imports.c.state == "completed") & (imports.c.faulty > 0)),
)


def get_attention(tx: Transaction, workspace_id: str, *, today: date, at: datetime) -> Attention:
    """What waits in a workspace; `today` is the day in its time zone."""
    place = {"workspace_id": workspace_id}
    return Attention(
        bounced_credentials=_number(tx, _BOUNCED, place),
        failing_webhooks=sum(_is_failing(tx, workspace_id, id_) for id_ in tx.execute(_ENDPOINTS, place).scalars()),
        expiring_credentials=_number(tx, _EXPIRING, {**place, "first": today, "last": today + EXPIRING_WITHIN}),
        open_requests=count_open_requests(tx, workspace_id, limit=COUNTED_MAX),
        stopped_imports=_number(tx, _STOPPED, {**place, "since": at - IMPORT_IS_NEWS}),
    )


def list_bounced(tx: Transaction, workspace_id: str) -> list[Credential]:
    """The newest credentials whose mail could not be delivered, at most COUNTED_MAX."""
    return [to_credential(row) for row in tx.execute(_BOUNCED_ROWS, {"workspace_id": workspace_id})]


def list_expiring(tx: Transaction, workspace_id: str, *, today: date) -> list[Credential]:
    """The credentials that expire soon, the first first, at most COUNTED_MAX."""
    place = {"workspace_id": workspace_id, "first": today, "last": today + EXPIRING_WITHIN}
    return [to_credential(row) for row in tx.execute(_EXPIRING_ROWS, place)]


def _number(tx: Transaction, statement: Select[Any], parameters: dict[str, Any]) -> int:
    return int(tx.execute(statement, parameters).scalar_one())


def _is_failing(tx: Transaction, workspace_id: str, endpoint_id: str) -> bool:
    """Whether the newest event that it was told of did not reach it, at least not at once."""
    place = {"workspace_id": workspace_id, "endpoint_id": endpoint_id}
    state = tx.execute(_NEWEST_TRIED, place).scalar_one_or_none()
    return state is not None and state != "delivered"
