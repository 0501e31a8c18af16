"""The issuer answers: applies what was asked for, says that it was put right by hand, or declines with a reason."""

from datetime import date, datetime
from typing import Literal

import msgspec
from sqlalchemy import bindparam, update

from testamur.change_requests.model import ChangeRequest
from testamur.change_requests.queries import get_request, lock_request
from testamur.change_requests.tables import change_requests as table
from testamur.credentials.queries import get_credential, lock_credential
from testamur.credentials.updating import update_credential
from testamur.db import Transaction
from testamur.delivery.queueing import queue_server_email
from testamur.errors import Conflict, Invalid
from testamur.plans import UNLIMITED, Plan
from testamur.signing_keys.signers import Signers
from testamur.text import checked, clean_text
from testamur.workspaces.model import Workspace

REASON_LENGTH_MAX = 1000

_CLOSE = (
    update(table)
    .where(table.c.workspace_id == bindparam("of_workspace"), table.c.id == bindparam("of_id"))
    .values(state=bindparam("new_state"), answer=bindparam("new_answer"), closed_at=bindparam("at"))
)


def apply_request(
    tx: Transaction,
    workspace: Workspace,
    request_id: str,
    *,
    signers: Signers,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> ChangeRequest:
    """Correct the credential as it was asked for, close the request and tell the recipient.

    Raises NotFound, Conflict if it is closed or proposes nothing that could be applied, Invalid for a value that the
    credential cannot have.
    """
    request = _locked(tx, workspace.id, request_id)
    # Told where the request came from: a new address has confirmed nothing yet.
    address = get_credential(tx, workspace.id, request.credential_id).recipient.email
    match request.kind:
        case "name":
            update_credential(
                tx, workspace, request.credential_id, recipient_name=request.proposed, signers=signers, plan=plan, at=at
            )
        case "email":
            update_credential(
                tx,
                workspace,
                request.credential_id,
                recipient_email=request.proposed,
                signers=signers,
                plan=plan,
                at=at,
            )
        case "date":
            day = date.fromisoformat(request.proposed)
            update_credential(tx, workspace, request.credential_id, issue_date=day, signers=signers, plan=plan, at=at)
        case "other":
            raise Conflict("This request proposes no value; correct the credential by hand, then close the request")
    return _close(tx, request, "resolved", None, address, at=at)


def resolve_request(tx: Transaction, workspace_id: str, request_id: str, *, at: datetime) -> ChangeRequest:
    """It was put right in another way; the recipient is told. Raises NotFound, or Conflict if it is closed."""
    request = _locked(tx, workspace_id, request_id)
    return _close(tx, request, "resolved", None, _address(tx, request), at=at)


def decline_request(tx: Transaction, workspace_id: str, request_id: str, *, reason: str, at: datetime) -> ChangeRequest:
    """It will not be done; the recipient is told why. Raises NotFound, Conflict if it is closed, Invalid."""
    text = checked("reason", clean_text, reason, length_max=REASON_LENGTH_MAX).replace("\r\n", "\n").strip()
    if not text:
        raise Invalid("Say why, so that the recipient understands it", ("reason",))
    request = _locked(tx, workspace_id, request_id)
    return _close(tx, request, "declined", text, _address(tx, request), at=at)


def _locked(tx: Transaction, workspace_id: str, request_id: str) -> ChangeRequest:
    """The request, and before it its credential: whoever deletes that takes them in the same order."""
    lock_credential(tx, workspace_id, get_request(tx, workspace_id, request_id).credential_id)
    request = lock_request(tx, workspace_id, request_id)
    if request.state != "open":
        raise Conflict("This request was answered before")
    return request


def _address(tx: Transaction, request: ChangeRequest) -> str | None:
    return get_credential(tx, request.workspace_id, request.credential_id).recipient.email


def _close(
    tx: Transaction,
    request: ChangeRequest,
    state: Literal["resolved", "declined"],
    answer: str | None,
    address: str | None,
    *,
    at: datetime,
) -> ChangeRequest:
    place = {"of_workspace": request.workspace_id, "of_id": request.id}
    tx.execute(_CLOSE, {**place, "new_state": state, "new_answer": answer, "at": at})
    if address is not None:
        values = {"workspace_id": request.workspace_id, "request_id": request.id}
        queue_server_email(tx, "correction_answered", address, values, at=at)
    return msgspec.structs.replace(request, state=state, answer=answer, closed_at=at)
