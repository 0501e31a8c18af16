import os
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from sqlalchemy import bindparam, insert, select, update

from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.ids import new_id
from testamur.openbadges.status_lists import ENTRIES, StatusIndexes
from testamur.status_lists.model import StatusPlace
from testamur.status_lists.tables import status_lists as table

_SECRET_BYTES = 32
_INSERT = insert(table)
_NEWEST = (
    select(table.c.id, table.c.url, table.c.sealed_secret)
    .where(table.c.workspace_id == bindparam("workspace_id"), table.c.did == bindparam("did"))
    .order_by(table.c.id.desc())
    .limit(1)
)
# Of two transactions at once, the second waits here for the end of the first: so no place is given twice.
_TAKE = (
    update(table)
    .where(
        table.c.workspace_id == bindparam("of_workspace"),
        table.c.id == bindparam("list_id"),
        table.c.used <= ENTRIES - bindparam("count"),
    )
    .values(used=table.c.used + bindparam("count"))
    .returning(table.c.used)
)


_CLOSE = update(table).where(table.c.used < ENTRIES).values(used=ENTRIES)


def allocate_places(
    tx: Transaction,
    workspace_id: str,
    did: str,
    count: int,
    *,
    list_url: Callable[[str], str],
    master_key: MasterKey,
    at: datetime,
) -> list[StatusPlace]:
    """As many places, at most 131,072, all in one list of that issuer: the newest, or a new one if they do not fit.

    `list_url` gives the address of a list by its id. Raises WrongMasterKey if the list's secret cannot be decrypted.
    """
    row = tx.execute(_NEWEST, {"workspace_id": workspace_id, "did": did}).one_or_none()
    used = None if row is None else _take(tx, workspace_id, row.id, count)
    if row is not None and used is not None:
        list_id, url, secret = row.id, row.url, master_key.decrypt(row.sealed_secret, _purpose(row.id))
    else:
        list_id, secret, used = new_id(), os.urandom(_SECRET_BYTES).hex(), count
        url = list_url(list_id)
        row_values = {
            "workspace_id": workspace_id,
            "id": list_id,
            "did": did,
            "url": url,
            "sealed_secret": master_key.encrypt(secret, _purpose(list_id)),
            "used": used,
            "version": 1,
            "changed_at": at,
            "created_at": at,
        }
        tx.execute(_INSERT, row_values)
    indexes = _indexes(secret, list_id)
    return [
        StatusPlace(list_id=list_id, url=url, index=indexes.index(counter)) for counter in range(used - count, used)
    ]


def _take(tx: Transaction, workspace_id: str, list_id: str, count: int) -> int | None:
    taken = tx.execute(_TAKE, {"of_workspace": workspace_id, "list_id": list_id, "count": count}).scalar()
    return None if taken is None else int(taken)


@lru_cache(maxsize=1000)
def _indexes(secret: str, list_id: str) -> StatusIndexes:
    return StatusIndexes(bytes.fromhex(secret), list_id)


def _purpose(list_id: str) -> str:
    return f"status list {list_id}"


def close_lists(tx: Transaction) -> int:
    """Give no more places in the lists there are, of all workspaces; how many were closed.

    After an older backup was restored, they have forgotten which places they gave. What is issued next begins new ones.
    """
    return tx.execute(_CLOSE).rowcount
