from datetime import datetime

from sqlalchemy import bindparam, update

from testamur.credentials.model import Credential
from testamur.credentials.queries import get_credential
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.errors import Conflict

# The condition on the state decides between two requests at once: exactly one of them changes the row.
_ISSUE = (
    update(credentials)
    .where(
        credentials.c.workspace_id == bindparam("of_workspace"),
        credentials.c.id == bindparam("credential_id"),
        credentials.c.state == "draft",
    )
    .values(state="issued", issued_at=bindparam("at"), updated_at=bindparam("at"))
)


def issue_credential(tx: Transaction, workspace_id: str, credential_id: str, *, at: datetime) -> Credential:
    """A draft becomes issued. Raises NotFound, or Conflict if it is not a draft."""
    issued = tx.execute(_ISSUE, {"of_workspace": workspace_id, "credential_id": credential_id, "at": at}).rowcount
    credential = get_credential(tx, workspace_id, credential_id)
    if not issued:
        raise Conflict("Only draft credentials can be issued")
    return credential
