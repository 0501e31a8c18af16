from sqlalchemy import bindparam, delete

from testamur.credential_templates.queries import get_credential_template
from testamur.credential_templates.tables import credential_templates
from testamur.credentials.queries import count_credentials_of_template
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.errors import Conflict, NotFound

_DELETE = delete(credentials).where(
    credentials.c.workspace_id == bindparam("of_workspace"), credentials.c.id == bindparam("credential_id")
)
_DELETE_TEMPLATE = delete(credential_templates).where(
    credential_templates.c.workspace_id == bindparam("of_workspace"),
    credential_templates.c.id == bindparam("template_id"),
)


def delete_credential(tx: Transaction, workspace_id: str, credential_id: str) -> None:
    """The credential is gone, and with it the values it was rendered from. Raises NotFound.

    The files rendered from it stay until `renderings.delete_files` is called, after the commit: without their row
    they are served to nobody.
    """
    if not tx.execute(_DELETE, {"of_workspace": workspace_id, "credential_id": credential_id}).rowcount:
        raise NotFound


def delete_credential_template(tx: Transaction, workspace_id: str, template_id: str) -> None:
    """Raises NotFound, or Conflict while credentials of the template exist, drafts included.

    A foreign key refuses what a credential made at the same moment would make wrong.
    """
    template = get_credential_template(tx, workspace_id, template_id)
    count = count_credentials_of_template(tx, workspace_id, template_id)
    if count:
        noun = "credential" if count == 1 else "credentials"
        raise Conflict(f'"{template.name}" has {count} {noun}; delete them first')
    tx.execute(_DELETE_TEMPLATE, {"of_workspace": workspace_id, "template_id": template_id})
