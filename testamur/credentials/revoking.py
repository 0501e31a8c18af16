from datetime import datetime

from sqlalchemy import bindparam, update

from testamur.credentials.badges import publish_revocation, withdraw_revocation
from testamur.credentials.model import Credential
from testamur.credentials.queries import get_credential
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.errors import Conflict
from testamur.text import checked, clean_text
from testamur.webhooks.recording import record_events

REASON_LENGTH_MAX = 1000

_PLACE = (
    credentials.c.workspace_id == bindparam("of_workspace"),
    credentials.c.id == bindparam("credential_id"),
    credentials.c.state == "issued",
)
_REVOKE = (
    update(credentials)
    .where(*_PLACE, credentials.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"), revocation_reason=bindparam("reason"), updated_at=bindparam("at"))
)
_UNREVOKE = (
    update(credentials)
    .where(*_PLACE, credentials.c.revoked_at.is_not(None))
    .values(revoked_at=None, revocation_reason=None, updated_at=bindparam("at"))
)


def revoke_credential(
    tx: Transaction, workspace_id: str, credential_id: str, *, reason: str | None = None, at: datetime
) -> Credential:
    """An issued credential is in force no more; its page says so, and why.

    Raises NotFound, Conflict if it is not issued or was revoked before, Invalid for a reason that cannot be used.
    """
    text = (
        None if reason is None else checked("reason", clean_text, reason, length_max=REASON_LENGTH_MAX).strip() or None
    )
    place = {"of_workspace": workspace_id, "credential_id": credential_id}
    changed = tx.execute(_REVOKE, {**place, "reason": text, "at": at}).rowcount
    refusal = "Only issued credentials can be revoked, and only once"
    credential = _told(tx, workspace_id, credential_id, changed, refusal=refusal, at=at)
    publish_revocation(tx, credential, at=at)
    return credential


def unrevoke_credential(tx: Transaction, workspace_id: str, credential_id: str, *, at: datetime) -> Credential:
    """A revoked credential is in force again. Raises NotFound, or Conflict if it is not revoked."""
    changed = tx.execute(_UNREVOKE, {"of_workspace": workspace_id, "credential_id": credential_id, "at": at}).rowcount
    credential = _told(tx, workspace_id, credential_id, changed, refusal="This credential is not revoked", at=at)
    withdraw_revocation(tx, credential, at=at)
    return credential


def _told(
    tx: Transaction, workspace_id: str, credential_id: str, changed: int, *, refusal: str, at: datetime
) -> Credential:
    credential = get_credential(tx, workspace_id, credential_id)
    if not changed:
        raise Conflict(refusal)
    record_events(tx, workspace_id, ["credential.updated"], [credential_id], at=at)
    return credential
