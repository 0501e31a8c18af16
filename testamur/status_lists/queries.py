from sqlalchemy import bindparam, select

from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.status_lists.model import RevokedPlace, StatusList
from testamur.status_lists.tables import revoked_places, status_lists

_LIST = select(*(status_lists.c[name] for name in StatusList.__struct_fields__)).where(
    status_lists.c.id == bindparam("id")
)
_INDEXES = (
    select(revoked_places.c.index)
    .where(revoked_places.c.workspace_id == bindparam("workspace_id"), revoked_places.c.list_id == bindparam("list_id"))
    .order_by(revoked_places.c.index)
)
_OF_PUBLIC_ID = select(revoked_places).where(revoked_places.c.public_id == bindparam("public_id")).limit(1)


def get_status_list(tx: Transaction, list_id: str) -> StatusList:
    """A list by the id that its address holds, of whichever workspace: for the wallet only. Raises NotFound."""
    row = tx.execute(_LIST, {"id": list_id}).one_or_none()
    if row is None:
        raise NotFound
    return StatusList(**row._mapping)  # noqa: SLF001


def revoked_indexes(tx: Transaction, status_list: StatusList) -> list[int]:
    """The places whose bits are set, in order."""
    place = {"workspace_id": status_list.workspace_id, "list_id": status_list.id}
    return list(tx.execute(_INDEXES, place).scalars())


def find_revoked_place(tx: Transaction, public_id: str) -> RevokedPlace | None:
    """What is known of a credential that is revoked or gone, by its public id: for the wallet only."""
    row = tx.execute(_OF_PUBLIC_ID, {"public_id": public_id}).one_or_none()
    return None if row is None else RevokedPlace(**row._mapping)  # noqa: SLF001
