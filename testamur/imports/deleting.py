"""Deleting a credential template, with the imports that it was issued by."""

from sqlalchemy import bindparam, delete, select

from testamur.credentials.deleting import delete_credential_template
from testamur.db import Transaction
from testamur.errors import Conflict
from testamur.imports.tables import imports

_OF_TEMPLATE = (
    imports.c.workspace_id == bindparam("of_workspace"),
    imports.c.credential_template_id == bindparam("template_id"),
)
_CAN_GO_ON = select(imports.c.file_name).where(*_OF_TEMPLATE, imports.c.has_file).limit(1)
_DELETE = delete(imports).where(*_OF_TEMPLATE)


def delete_template(tx: Transaction, workspace_id: str, template_id: str) -> None:
    """Delete a credential template that nothing was issued from; imports of it that are over go with it.

    Raises NotFound, or Conflict while credentials of the template exist or an import of it could still go on.
    """
    place = {"of_workspace": workspace_id, "template_id": template_id}
    file_name = tx.execute(_CAN_GO_ON, place).scalar()
    if file_name is not None:
        raise Conflict(f'The import of "{file_name}" issues from it and is not over; discard or finish it first')
    tx.execute(_DELETE, place)
    delete_credential_template(tx, workspace_id, template_id)
