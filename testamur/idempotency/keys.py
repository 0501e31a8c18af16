from datetime import datetime, timedelta

import msgspec
from sqlalchemy import bindparam, delete, select, update

from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.errors import Conflict, Unprocessable
from testamur.idempotency.tables import idempotency_keys as table

KEPT = timedelta(hours=24)
KEY_LENGTH_MAX = 255

_INSERT = insert_if_new(table)
_PLACE = (table.c.workspace_id == bindparam("of_workspace"), table.c.key == bindparam("of_key"))
_GET = select(table.c.request_hash, table.c.status, table.c.body, table.c.created_at).where(*_PLACE)
_SETTLE = update(table).where(*_PLACE).values(status=bindparam("new_status"), body=bindparam("new_body"))
_RELEASE = delete(table).where(*_PLACE, table.c.status.is_(None))
_EXPIRED = delete(table).where(*_PLACE, table.c.created_at < bindparam("before"))
_OLD = delete(table).where(table.c.created_at < bindparam("before"))


class Stored(msgspec.Struct, frozen=True):
    """The answer that the first request under a key got; its body is as `settle` was given it: encrypted."""

    status: int
    body: str


def begin(tx: Transaction, workspace_id: str, key: str, request_hash: str, *, at: datetime) -> Stored | None:
    """The stored answer, or None if this request is the first one under its key and is to be done now.

    Raises Conflict while another one is being done, Unprocessable if the key was used for another request.
    """
    place = {"of_workspace": workspace_id, "of_key": key}
    tx.execute(_EXPIRED, {**place, "before": at - KEPT})
    row = {"workspace_id": workspace_id, "key": key, "request_hash": request_hash, "created_at": at}
    if tx.execute(_INSERT, row).rowcount:
        return None
    found = tx.execute(_GET, place).one()
    if found.request_hash != request_hash:
        raise Unprocessable("This Idempotency-Key was used for another request; take a new one")
    if found.status is None:
        raise Conflict("A request with this Idempotency-Key is being worked on; try again later")
    return Stored(found.status, found.body)


def settle(tx: Transaction, workspace_id: str, key: str, *, status: int, body: str) -> None:
    """Keep the answer."""
    tx.execute(_SETTLE, {"of_workspace": workspace_id, "of_key": key, "new_status": status, "new_body": body})


def release(tx: Transaction, workspace_id: str, key: str) -> None:
    """Nothing was done under the key: it may be used again."""
    tx.execute(_RELEASE, {"of_workspace": workspace_id, "of_key": key})


def forget_old_keys(tx: Transaction, *, at: datetime) -> None:
    tx.execute(_OLD, {"before": at - KEPT})
