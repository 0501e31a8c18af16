from datetime import datetime

import msgspec
from sqlalchemy import bindparam, select, update

from testamur.clock import today
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.badges import sign_credentials
from testamur.credentials.drafting import insert_credential
from testamur.credentials.model import Credential
from testamur.credentials.pins import pin_credentials
from testamur.credentials.queries import get_credential
from testamur.credentials.sending import email_intent, queue_delivery
from testamur.credentials.tables import credentials
from testamur.credentials.values import types_for
from testamur.db import Transaction
from testamur.delivery.queueing import queue_emails
from testamur.errors import Conflict, PaymentRequired
from testamur.plans import UNLIMITED, Plan
from testamur.signing_keys.signers import Signers
from testamur.webhooks.recording import record_events
from testamur.workspaces.allowance import take_allowance
from testamur.workspaces.model import Workspace

# The condition on the state decides between two requests at once: exactly one of them changes the row.
_ISSUE = (
    update(credentials)
    .where(
        credentials.c.workspace_id == bindparam("of_workspace"),
        credentials.c.id == bindparam("credential_id"),
        credentials.c.state == bindparam("from_state"),
    )
    .values(state="issued", issued_at=bindparam("at"), updated_at=bindparam("at"), scheduled_for=None)
)
_DUE = (
    select(credentials.c.workspace_id, credentials.c.id, credentials.c.is_sent_when_issued)
    .where(credentials.c.state == "scheduled", credentials.c.scheduled_for <= bindparam("at"))
    .order_by(credentials.c.scheduled_for)
    .limit(bindparam("limit"))
)
_SCHEDULE = (
    update(credentials)
    .where(
        credentials.c.workspace_id == bindparam("of_workspace"),
        credentials.c.id == bindparam("credential_id"),
        credentials.c.state.in_(("draft", "scheduled")),
    )
    .values(
        state="scheduled",
        scheduled_for=bindparam("moment"),
        is_sent_when_issued=bindparam("is_sent"),
        updated_at=bindparam("at"),
    )
)


def issue_credential(
    tx: Transaction,
    workspace: Workspace,
    credential_id: str,
    *,
    signers: Signers,
    plan: Plan = UNLIMITED,
    from_state: str = "draft",
    at: datetime,
) -> Credential:
    """A draft (or one whose scheduled time has come) becomes issued.

    Raises NotFound, Conflict if it is not in that state, PaymentRequired if the year's allowance is used up.
    """
    place = {"of_workspace": workspace.id, "credential_id": credential_id, "from_state": from_state}
    issued = tx.execute(_ISSUE, {**place, "at": at}).rowcount
    credential = get_credential(tx, workspace.id, credential_id)
    if not issued:
        raise Conflict("Only draft credentials can be issued")
    template = get_credential_template(tx, workspace.id, credential.credential_template_id)
    pin_credentials(tx, workspace, template, [credential], base_url=signers.base_url, at=at)
    sign_credentials(tx, workspace, template, [credential], signers=signers, at=at)
    take_allowance(tx, workspace.id, plan, year=today(workspace.time_zone, at).year)
    record_events(tx, workspace.id, ["credential.issued"], [credential.id], at=at)
    return credential


def issue_and_send(
    tx: Transaction,
    workspace: Workspace,
    draft: Credential,
    template: CredentialTemplate,
    *,
    signers: Signers,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> Credential:
    """A draft that is not stored yet becomes an issued credential, mailed to its recipient if there is an address.

    Raises PaymentRequired if the year's allowance is used up.
    """
    has_address = draft.recipient.email is not None
    issued = msgspec.structs.replace(
        draft, state="issued", issued_at=at, delivery_state="sending" if has_address else "not_provided"
    )
    insert_credential(tx, issued)
    pin_credentials(tx, workspace, template, [issued], base_url=signers.base_url, at=at)
    sign_credentials(tx, workspace, template, [issued], signers=signers, at=at)
    take_allowance(tx, workspace.id, plan, year=today(workspace.time_zone, at).year)
    record_events(tx, workspace.id, ["credential.created", "credential.issued"], [issued.id], at=at)
    if has_address:
        key = f"delivery:{issued.id}:issued"
        types = types_for(tx, workspace.id, [issued])
        intent = email_intent(issued, template, workspace, "delivery", types=types, key=key, base_url=signers.base_url)
        queue_emails(tx, workspace.id, [intent], at=at)
    return issued


def schedule_credential(
    tx: Transaction, workspace: Workspace, credential_id: str, moment: datetime, *, is_sent: bool, at: datetime
) -> Credential:
    """A draft will be issued at that moment, and sent then if wanted.

    Raises NotFound, or Conflict if it was issued already.
    """
    place = {"of_workspace": workspace.id, "credential_id": credential_id}
    scheduled = tx.execute(_SCHEDULE, {**place, "moment": moment, "is_sent": is_sent, "at": at}).rowcount
    credential = get_credential(tx, workspace.id, credential_id)
    if not scheduled:
        raise Conflict("Only draft credentials can be scheduled")
    return credential


def find_due(tx: Transaction, at: datetime, limit: int) -> list[tuple[str, str, bool]]:
    """Scheduled credentials of all workspaces whose time has come: workspace, id, and whether to send them."""
    return [tuple(row) for row in tx.execute(_DUE, {"at": at, "limit": limit})]


def issue_due(
    tx: Transaction,
    workspace: Workspace,
    credential_id: str,
    *,
    is_sent: bool,
    signers: Signers,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> None:
    """Issue one scheduled credential. One that another worker has issued meanwhile is left alone."""
    try:
        credential = issue_credential(
            tx, workspace, credential_id, signers=signers, plan=plan, from_state="scheduled", at=at
        )
    except (Conflict, PaymentRequired):
        return
    if is_sent:
        queue_delivery(tx, workspace, [credential], base_url=signers.base_url, is_repeatable=False, at=at)
