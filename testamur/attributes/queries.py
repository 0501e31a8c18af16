from sqlalchemy import bindparam, select

from testamur.attributes.model import Attribute
from testamur.attributes.tables import attributes
from testamur.db import Transaction

_OF_WORKSPACE = (
    select(attributes).where(attributes.c.workspace_id == bindparam("workspace_id")).order_by(attributes.c.tag)
)


def list_attributes(tx: Transaction, workspace_id: str) -> list[Attribute]:
    """The custom attributes of a workspace, in the order of their tags."""
    return [Attribute(**row._mapping) for row in tx.execute(_OF_WORKSPACE, {"workspace_id": workspace_id})]  # noqa: SLF001
