"""The deliveries that wait: claiming them for one worker, and recording what became of each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, delete, func, insert, or_, select, update

from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.errors import Conflict, NotFound
from testamur.ids import new_id
from testamur.webhooks.model import Attempt, Delivery
from testamur.webhooks.tables import webhook_attempts
from testamur.webhooks.tables import webhook_deliveries as table

BATCH_MAX = 500
# A worker that has not recorded a delivery by then is taken to be dead, and another one tries it.
LEASE = timedelta(minutes=5)
# Waits between the seven attempts; 84 hours in all (wire contract, section 12).
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360, 1440, 3180))
KEPT = timedelta(days=30)

_COLUMNS = [column for column in table.c if column.key != "claim"]
_ENDPOINTS_DUE = (
    select(table.c.endpoint_id)
    .where(table.c.state == "pending", table.c.next_attempt_at <= bindparam("at"))
    .group_by(table.c.endpoint_id)
    .order_by(func.min(table.c.next_attempt_at))
)
_DUE = (
    select(table.c.id)
    .where(
        table.c.state == "pending",
        table.c.next_attempt_at <= bindparam("at"),
        table.c.endpoint_id == bindparam("endpoint_id"),
    )
    .order_by(table.c.event_created_at, table.c.event_id)
    .limit(BATCH_MAX)
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(table)
    .where(table.c.id.in_(bindparam("ids", expanding=True)))
    .values(claim=bindparam("new_claim"), next_attempt_at=bindparam("lease_ends"))
)
_CLAIMED = (
    select(*_COLUMNS)
    .where(table.c.claim == bindparam("claimed"), table.c.state == "pending")
    .order_by(table.c.event_created_at, table.c.event_id)
)
_RECORD = (
    update(table)
    .where(table.c.id == bindparam("of_id"), table.c.claim == bindparam("of_claim"))
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        next_attempt_at=bindparam("new_next_attempt_at"),
        claim=None,
        last_status=bindparam("new_last_status"),
        last_error=bindparam("new_last_error"),
        finished_at=bindparam("new_finished_at"),
    )
)
_INSERT_ATTEMPT = insert(webhook_attempts)
_OF_ENDPOINT = select(*_COLUMNS).where(
    table.c.workspace_id == bindparam("workspace_id"), table.c.endpoint_id == bindparam("endpoint_id")
)
_PAGER = Pager(_OF_ENDPOINT, table.c.event_created_at, table.c.id)
_BY_ID = select(*_COLUMNS).where(table.c.workspace_id == bindparam("workspace_id"), table.c.id == bindparam("id"))
_ATTEMPTS = (
    select(*[column for column in webhook_attempts.c if column.key != "workspace_id"])
    .where(
        webhook_attempts.c.workspace_id == bindparam("workspace_id"),
        webhook_attempts.c.delivery_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(webhook_attempts.c.at)
)
_REDELIVER = (
    update(table)
    .where(
        table.c.workspace_id == bindparam("of_workspace"),
        table.c.id == bindparam("of_id"),
        or_(table.c.state != "pending", table.c.claim.is_(None)),
    )
    .values(state="pending", attempts=0, next_attempt_at=bindparam("at"), finished_at=None)
)
_OLD = delete(table).where(table.c.finished_at < bindparam("before"))


def endpoints_due(tx: Transaction, at: datetime) -> list[str]:
    """The endpoints that have deliveries to be tried now, the longest waiting first."""
    return list(tx.execute(_ENDPOINTS_DUE, {"at": at}).scalars())


def claim_deliveries(tx: Transaction, endpoint_id: str, *, at: datetime) -> str | None:
    """Take what is due for one endpoint, a batch at most; the claim's id, or None if there is nothing."""
    ids = list(tx.execute(_DUE, {"at": at, "endpoint_id": endpoint_id}).scalars())
    if not ids:
        return None
    claim = new_id()
    tx.execute(_CLAIM, {"ids": ids, "new_claim": claim, "lease_ends": at + LEASE})
    return claim


def claimed_deliveries(tx: Transaction, claim: str) -> list[Delivery]:
    """What a claim holds and has not recorded yet."""
    return [_model(row) for row in tx.execute(_CLAIMED, {"claimed": claim})]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt: a status of 2xx is success."""

    delivery: Delivery
    at: datetime
    status: int | None
    error: str | None
    milliseconds: int
    # Whether trying again is of no use.
    is_final: bool = False

    @property
    def is_done(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def record_outcomes(tx: Transaction, claim: str, outcomes: Sequence[Outcome]) -> None:
    """Settle attempts: done, to be tried again after a wait, or given up after the seventh.

    A delivery that another worker has claimed meanwhile is left to it.
    """
    if not outcomes:
        return
    rows, attempts = [], []
    for outcome in outcomes:
        number = outcome.delivery.attempts + 1
        is_over = outcome.is_done or outcome.is_final or number > len(WAITS)
        waits = None if is_over else WAITS[number - 1]
        state = "delivered" if outcome.is_done else "failed" if waits is None else "pending"
        rows.append(
            {
                "of_id": outcome.delivery.id,
                "of_claim": claim,
                "new_state": state,
                "new_attempts": number,
                "new_next_attempt_at": None if waits is None else outcome.at + waits,
                "new_last_status": outcome.status,
                "new_last_error": outcome.error,
                "new_finished_at": outcome.at if waits is None else None,
            }
        )
        attempts.append(
            {
                "workspace_id": outcome.delivery.workspace_id,
                "delivery_id": outcome.delivery.id,
                "number": number,
                "at": outcome.at,
                "status": outcome.status,
                "error": outcome.error,
                "milliseconds": outcome.milliseconds,
            }
        )
    tx.execute(_RECORD, rows)
    tx.execute(_INSERT_ATTEMPT, attempts)


def list_deliveries(
    tx: Transaction, workspace_id: str, endpoint_id: str, cursor: Cursor | None, limit: int
) -> Page[tuple[Delivery, list[Attempt]]]:
    """The log of an endpoint, newest events first, each with its attempts."""

    def with_attempts(rows: list[Row[Any]]) -> list[tuple[Delivery, list[Attempt]]]:
        deliveries = [_model(row) for row in rows]
        by_delivery: dict[str, list[Attempt]] = {delivery.id: [] for delivery in deliveries}
        if deliveries:
            for row in tx.execute(_ATTEMPTS, {"workspace_id": workspace_id, "ids": list(by_delivery)}):
                by_delivery[row.delivery_id].append(Attempt(**row._mapping))  # noqa: SLF001
        return [(delivery, by_delivery[delivery.id]) for delivery in deliveries]

    parameters = {"workspace_id": workspace_id, "endpoint_id": endpoint_id}
    return map_page(_PAGER.rows(tx, parameters, cursor, limit), with_attempts)


def redeliver(tx: Transaction, workspace_id: str, delivery_id: str, *, at: datetime) -> Delivery:
    """Deliver an event again, with all attempts anew. Raises NotFound, or Conflict while it is being tried."""
    changed = tx.execute(_REDELIVER, {"of_workspace": workspace_id, "of_id": delivery_id, "at": at}).rowcount
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": delivery_id}).one_or_none()
    if row is None:
        raise NotFound
    if not changed:
        raise Conflict("This delivery is being tried at this moment")
    return _model(row)


def forget_old_deliveries(tx: Transaction, *, at: datetime) -> None:
    tx.execute(_OLD, {"before": at - KEPT})


def _model(row: Row[Any]) -> Delivery:
    return Delivery(**row._mapping)  # noqa: SLF001
