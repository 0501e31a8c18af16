from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, update

from testamur.attributes.defining import fold_tag
from testamur.attributes.queries import attribute_types
from testamur.clock import today
from testamur.credentials.awards import check_award
from testamur.credentials.badges import sign_anew
from testamur.credentials.drafting import search_keys
from testamur.credentials.model import Credential, Recipient
from testamur.credentials.pins import renew_pin
from testamur.credentials.queries import lock_credential
from testamur.credentials.recipients import change_recipient
from testamur.credentials.tables import credentials
from testamur.credentials.versions import keep_version
from testamur.db import Transaction
from testamur.designs.queries import has_asset
from testamur.errors import Invalid
from testamur.ids import normalize_id
from testamur.plans import UNLIMITED, Plan
from testamur.signing_keys.signers import Signers
from testamur.webhooks.recording import record_events
from testamur.workspaces.model import Workspace

_UPDATE = (
    update(credentials)
    .where(credentials.c.workspace_id == bindparam("of_workspace"), credentials.c.id == bindparam("of_id"))
    .values(
        recipient_id=bindparam("new_recipient_id"),
        recipient_name=bindparam("new_recipient_name"),
        recipient_email=bindparam("new_recipient_email"),
        recipient_name_key=bindparam("recipient_name_key_"),
        recipient_email_key=bindparam("recipient_email_key_"),
        issue_date=bindparam("new_issue_date"),
        expiry_date=bindparam("new_expiry_date"),
        custom_attributes=bindparam("new_custom_attributes"),
        version=bindparam("new_version"),
        updated_at=bindparam("new_updated_at"),
    )
)


def update_credential(
    tx: Transaction,
    workspace: Workspace,
    credential_id: str,
    *,
    recipient_id: str | None = None,
    recipient_name: str | None = None,
    recipient_email: str | UnsetType | None = UNSET,
    issue_date: date | None = None,
    expiry_date: date | UnsetType | None = UNSET,
    custom_attributes: Mapping[str, Any] | None = None,
    signers: Signers,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> Credential:
    """The credential with some values replaced; None and UNSET leave one as it is, except that an expiry date or an
    email of None is taken away. Custom attributes are merged key by key, and None removes one.

    `updated_at` moves only if something really changed. That of an issued credential is a correction: it makes the next
    version, and what the credential stated before is kept. Raises NotFound, Invalid for a value that cannot be used or a
    recipient's id that is not this credential's, PaymentRequired for what the plan does not include.
    """
    before = lock_credential(tx, workspace.id, credential_id)
    if recipient_id is not None and normalize_id(recipient_id) != before.recipient.id:
        raise Invalid("Must be the id of this credential's recipient, or be left out", ("recipient", "id"))
    given = {fold_tag(tag): value for tag, value in (custom_attributes or {}).items()}
    kept = {tag: value for tag, value in before.custom_attributes.items() if given.get(tag, UNSET) is not None}
    added = {tag: value for tag, value in given.items() if value is not None}
    if added:
        plan.require("custom_attributes")
    if isinstance(expiry_date, date):
        plan.require("expiry")
    award = check_award(
        recipient_name=before.recipient.name if recipient_name is None else recipient_name,
        recipient_email=before.recipient.email if isinstance(recipient_email, UnsetType) else recipient_email,
        issue_date=issue_date or before.issue_date,
        expiry_date=before.expiry_date if isinstance(expiry_date, UnsetType) else expiry_date,
        custom_attributes=added,
        types=attribute_types(tx, workspace.id) if added else {},
        has_picture=partial(has_asset, tx, workspace.id),
        today=today(workspace.time_zone, at),
    )
    recipient = Recipient(before.recipient.id, award.recipient_name, award.recipient_email)
    if recipient != before.recipient:
        recipient = change_recipient(tx, workspace.id, before.recipient, recipient, at=at)
    after = msgspec.structs.replace(
        before,
        recipient=recipient,
        issue_date=award.issue_date,
        expiry_date=award.expiry_date,
        custom_attributes={**kept, **award.custom_attributes},
    )
    if after == before:
        return before
    is_correction = before.state == "issued"
    after = msgspec.structs.replace(after, version=before.version + is_correction, updated_at=at)
    keys = {f"{name}_": value for name, value in search_keys(recipient).items()}
    values = {
        "new_recipient_id": recipient.id,
        "new_recipient_name": recipient.name,
        "new_recipient_email": recipient.email,
        "new_issue_date": after.issue_date,
        "new_expiry_date": after.expiry_date,
        "new_custom_attributes": after.custom_attributes,
        "new_version": after.version,
        "new_updated_at": after.updated_at,
    }
    if is_correction:
        keep_version(tx, before, at=at)
    tx.execute(_UPDATE, {"of_workspace": workspace.id, "of_id": credential_id, **keys, **values})
    if is_correction:
        renew_pin(tx, workspace, after, at=at)
        sign_anew(tx, workspace, after, signers=signers, at=at)
    record_events(tx, workspace.id, ["credential.updated"], [credential_id], at=at)
    return after
