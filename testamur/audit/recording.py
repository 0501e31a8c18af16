from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from testamur.audit.model import Actor
from testamur.audit.tables import audit_entries
from testamur.db import Transaction
from testamur.ids import new_id

_INSERT = insert(audit_entries)


def record_action(
    tx: Transaction,
    workspace_id: str,
    actor: Actor,
    action: str,
    *,
    subject: str | None = None,
    details: Mapping[str, Any] | None = None,
    client: str = "",
    at: datetime,
) -> None:
    """Write down what is done in this transaction. `details` must be JSON and hold no personal data of recipients."""
    row = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "at": at,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "action": action,
        "subject": subject,
        "details": details or {},
        "client": client,
    }
    tx.execute(_INSERT, row)
