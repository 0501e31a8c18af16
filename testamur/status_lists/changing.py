from datetime import datetime

from sqlalchemy import bindparam, delete, update

from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.status_lists.tables import revoked_places, status_lists

_SET = insert_if_new(revoked_places)
_CLEAR = delete(revoked_places).where(
    revoked_places.c.workspace_id == bindparam("of_workspace"),
    revoked_places.c.list_id == bindparam("of_list"),
    revoked_places.c.index == bindparam("of_index"),
)
_CHANGED = (
    update(status_lists)
    .where(status_lists.c.workspace_id == bindparam("of_workspace"), status_lists.c.id == bindparam("of_list"))
    .values(version=status_lists.c.version + 1, changed_at=bindparam("at"))
)


def set_bit(tx: Transaction, workspace_id: str, list_id: str, index: int, *, public_id: str, at: datetime) -> bool:
    """The credential at that place is revoked; whether it was not so before."""
    row = {
        "workspace_id": workspace_id,
        "list_id": list_id,
        "index": index,
        "public_id": public_id,
        "revoked_at": at,
    }
    return _change(tx, workspace_id, list_id, tx.execute(_SET, row).rowcount, at)


def clear_bit(tx: Transaction, workspace_id: str, list_id: str, index: int, *, at: datetime) -> bool:
    """The credential at that place is in force again; whether it was not so before."""
    place = {"of_workspace": workspace_id, "of_list": list_id, "of_index": index}
    return _change(tx, workspace_id, list_id, tx.execute(_CLEAR, place).rowcount, at)


def _change(tx: Transaction, workspace_id: str, list_id: str, bits: int, at: datetime) -> bool:
    if bits:
        tx.execute(_CHANGED, {"of_workspace": workspace_id, "of_list": list_id, "at": at})
    return bits > 0
