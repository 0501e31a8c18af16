"""Sending: an issued credential's delivery email goes into the outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, update

from testamur.attributes.model import AttributeType
from testamur.clock import today
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.links import recipient_url
from testamur.credentials.model import Credential, DeliveryState
from testamur.credentials.queries import get_credential
from testamur.credentials.tables import credentials
from testamur.credentials.values import attribute_values, types_for
from testamur.db import Transaction
from testamur.delivery.queueing import EmailKind, Intent, has_intent, queue_emails
from testamur.errors import Conflict, Invalid
from testamur.ids import new_id
from testamur.workspaces.model import Workspace

_STATE = (
    update(credentials)
    .where(credentials.c.workspace_id == bindparam("of_workspace"), credentials.c.id == bindparam("credential_id"))
    .values(delivery_state=bindparam("new_state"))
)


def send_credential(
    tx: Transaction, workspace: Workspace, credential_id: str, *, base_url: str, occasion: str = "", at: datetime
) -> Credential:
    """Mail an issued credential to its recipient; again, if it was mailed before, but once for one occasion: an id of
    whoever asks, who may ask twice by mistake.

    Raises NotFound, Conflict if it is not issued or has expired, Invalid if its recipient has no address.
    """
    credential = get_credential(tx, workspace.id, credential_id)
    status = credential.status_on(today(workspace.time_zone, at))
    if status != "issued":
        raise Conflict(f"Only issued credentials can be sent; this one is {status}")
    if credential.recipient.email is None:
        raise Invalid("The recipient has no email address; add one first", ("recipient", "email"))
    if occasion and has_intent(tx, workspace.id, _intent(credential.id, occasion)):
        return credential
    queue_delivery(tx, workspace, [credential], base_url=base_url, is_repeatable=True, occasion=occasion, at=at)
    return get_credential(tx, workspace.id, credential_id)


def queue_delivery(
    tx: Transaction,
    workspace: Workspace,
    issued: Sequence[Credential],
    *,
    base_url: str,
    is_repeatable: bool,
    occasion: str = "",
    at: datetime,
) -> None:
    """Put the delivery mails of credentials into the outbox; those without an address are marked so.

    Unless repeatable, a credential is delivered this way once, however often it is asked for.
    """
    templates: dict[str, CredentialTemplate] = {}
    types = types_for(tx, workspace.id, issued)
    intents: list[Intent] = []
    states: dict[str, DeliveryState] = {}
    for credential in issued:
        template_id = credential.credential_template_id
        if credential.recipient.email is None:
            states[credential.id] = "not_provided"
            continue
        if template_id not in templates:
            templates[template_id] = get_credential_template(tx, workspace.id, template_id)
        key = _intent(credential.id, (occasion or new_id()) if is_repeatable else "issued")
        intents.append(
            email_intent(
                credential, templates[template_id], workspace, "delivery", types=types, key=key, base_url=base_url
            )
        )
        states[credential.id] = "sending"
    queue_emails(tx, workspace.id, intents, at=at)
    set_delivery_states(tx, workspace.id, states)


def _intent(credential_id: str, occasion: str) -> str:
    return f"delivery:{credential_id}:{occasion}"


def email_intent(
    credential: Credential,
    template: CredentialTemplate,
    workspace: Workspace,
    kind: EmailKind,
    *,
    types: Mapping[str, AttributeType],
    key: str,
    base_url: str,
) -> Intent:
    """A mail about a credential to its recipient, who must have an address."""
    assert credential.recipient.email is not None
    values = attribute_values(credential, template, workspace, base_url, types)
    return Intent(
        credential_id=credential.id,
        credential_template_id=template.id,
        kind=kind,
        intent=key,
        to_name=credential.recipient.name,
        to_address=credential.recipient.email,
        # The address in a mail tells the page that its visitor is the recipient (wire contract, section 9.4).
        values={**values, "credential.url": recipient_url(base_url, credential.public_id)},
    )


def set_delivery_states(tx: Transaction, workspace_id: str, states: dict[str, DeliveryState]) -> None:
    """What became of the delivery of credentials, by id."""
    rows = [
        {"of_workspace": workspace_id, "credential_id": credential_id, "new_state": state}
        for credential_id, state in states.items()
    ]
    if rows:
        tx.execute(_STATE, rows)
