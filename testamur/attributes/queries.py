from sqlalchemy import bindparam, select

from testamur.attributes.model import Attribute, AttributeType
from testamur.attributes.tables import attributes
from testamur.db import Transaction
from testamur.errors import NotFound

_OF_WORKSPACE = (
    select(attributes).where(attributes.c.workspace_id == bindparam("workspace_id")).order_by(attributes.c.tag)
)


_BY_ID = _OF_WORKSPACE.where(attributes.c.id == bindparam("id"))


def get_attribute(tx: Transaction, workspace_id: str, attribute_id: str) -> Attribute:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": attribute_id}).one_or_none()
    if row is None:
        raise NotFound
    return Attribute(**row._mapping)  # noqa: SLF001


def list_attributes(tx: Transaction, workspace_id: str) -> list[Attribute]:
    """The custom attributes of a workspace, in the order of their tags."""
    return [Attribute(**row._mapping) for row in tx.execute(_OF_WORKSPACE, {"workspace_id": workspace_id})]  # noqa: SLF001


def attribute_types(tx: Transaction, workspace_id: str) -> dict[str, AttributeType]:
    """The types of a workspace's custom attributes by tag."""
    return {attribute.tag: attribute.type for attribute in list_attributes(tx, workspace_id)}
