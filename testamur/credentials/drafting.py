from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import insert

from testamur.attributes.queries import attribute_types
from testamur.clock import today
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.awards import Award, check_award
from testamur.credentials.model import Credential, Recipient, State
from testamur.credentials.recipients import find_or_create_recipients, get_recipient
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.designs.queries import has_asset
from testamur.errors import NotFound
from testamur.ids import new_id, new_public_id, normalize_id
from testamur.plans import UNLIMITED, Plan
from testamur.text import fold_email
from testamur.webhooks.recording import record_events
from testamur.workspaces.model import Workspace

_INSERT = insert(credentials)


def create_credential(
    tx: Transaction,
    workspace: Workspace,
    *,
    credential_template_id: str,
    recipient_name: str,
    recipient_email: str | None = None,
    recipient_id: str | None = None,
    issue_date: date | None = None,
    expiry_date: date | None = None,
    custom_attributes: Mapping[str, Any] | None = None,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> Credential:
    """A new draft; without an expiry date the template's rule gives it one.

    Raises Invalid for a value that cannot be used, NotFound for a credential template or a recipient that the
    workspace does not have, PaymentRequired for what the plan does not include.
    """
    credential, _ = prepare_credential(
        tx,
        workspace,
        credential_template_id=credential_template_id,
        recipient_name=recipient_name,
        recipient_email=recipient_email,
        recipient_id=recipient_id,
        issue_date=issue_date,
        expiry_date=expiry_date,
        custom_attributes=custom_attributes,
        plan=plan,
        at=at,
    )
    return store_draft(tx, credential, at=at)


def store_draft(tx: Transaction, credential: Credential, *, at: datetime) -> Credential:
    """Store a draft that was prepared."""
    insert_credential(tx, credential)
    record_events(tx, credential.workspace_id, ["credential.created"], [credential.id], at=at)
    return credential


def prepare_credential(
    tx: Transaction,
    workspace: Workspace,
    *,
    credential_template_id: str,
    recipient_name: str,
    recipient_email: str | None = None,
    recipient_id: str | None = None,
    issue_date: date | None = None,
    expiry_date: date | None = None,
    custom_attributes: Mapping[str, Any] | None = None,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> tuple[Credential, CredentialTemplate]:
    """A draft that is checked and not stored yet, and its template. Raises as `create_credential` does."""
    if custom_attributes:
        plan.require("custom_attributes")
    if expiry_date is not None:
        plan.require("expiry")
    # A workspace has few attributes, and most awards have no custom value at all.
    award = check_award(
        recipient_name=recipient_name,
        recipient_email=recipient_email,
        issue_date=issue_date,
        expiry_date=expiry_date,
        custom_attributes=custom_attributes or {},
        types=attribute_types(tx, workspace.id) if custom_attributes else {},
        has_picture=partial(has_asset, tx, workspace.id),
        today=today(workspace.time_zone, at),
    )
    template_id = normalize_id(credential_template_id)
    if template_id is None:
        raise NotFound("The credential template does not exist")
    template = get_credential_template(tx, workspace.id, template_id)
    award = with_expiry(award, template, expiry_date)
    if recipient_id is None:
        (found_id,) = find_or_create_recipients(tx, workspace.id, [award], at=at)
        email = award.recipient_email
    else:
        recipient = get_recipient(tx, workspace.id, recipient_id)
        found_id, email = recipient.id, award.recipient_email or recipient.email
    owner = Recipient(found_id, award.recipient_name, email)
    return new_credential(workspace.id, template_id, award, owner, state="draft", at=at), template


def insert_credential(tx: Transaction, credential: Credential) -> None:
    tx.execute(_INSERT, credential_row(credential))


def with_expiry(award: Award, template: CredentialTemplate, given: date | None) -> Award:
    """The award with the expiry date that the template's rule gives, if none was given."""
    if given is not None or template.expiry_rule is None:
        return award
    return msgspec.structs.replace(award, expiry_date=template.expiry_rule.expiry_date(award.issue_date))


def new_credential(
    workspace_id: str,
    credential_template_id: str,
    award: Award,
    recipient: Recipient,
    *,
    public_id: str | None = None,
    state: State,
    at: datetime,
) -> Credential:
    """A credential with fresh ids, unless it was given one before; not stored yet."""
    return Credential(
        id=new_id(),
        workspace_id=workspace_id,
        public_id=public_id or new_public_id(),
        credential_template_id=credential_template_id,
        recipient=recipient,
        state=state,
        issue_date=award.issue_date,
        expiry_date=award.expiry_date,
        custom_attributes=award.custom_attributes,
        issued_at=at if state == "issued" else None,
        created_at=at,
        updated_at=at,
    )


def search_keys(recipient: Recipient) -> dict[str, str | None]:
    """The columns by which a recipient is searched for."""
    return {
        "recipient_name_key": recipient.name.casefold(),
        "recipient_email_key": None if recipient.email is None else fold_email(recipient.email),
    }


def credential_row(credential: Credential, *, issuing_key: str | None = None) -> dict[str, object]:
    """The values of a credential's columns."""
    return {
        "workspace_id": credential.workspace_id,
        "id": credential.id,
        "public_id": credential.public_id,
        "credential_template_id": credential.credential_template_id,
        "recipient_id": credential.recipient.id,
        "recipient_name": credential.recipient.name,
        "recipient_email": credential.recipient.email,
        **search_keys(credential.recipient),
        "state": credential.state,
        "issue_date": credential.issue_date,
        "expiry_date": credential.expiry_date,
        "custom_attributes": credential.custom_attributes,
        "version": credential.version,
        "issuing_key": issuing_key,
        "issued_at": credential.issued_at,
        "scheduled_for": credential.scheduled_for,
        "is_sent_when_issued": credential.is_sent_when_issued,
        "revoked_at": credential.revoked_at,
        "revocation_reason": credential.revocation_reason,
        "delivery_state": credential.delivery_state,
        "created_at": credential.created_at,
        "updated_at": credential.updated_at,
    }
