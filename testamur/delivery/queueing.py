from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import bindparam, insert, select

from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.delivery.tables import emails
from testamur.ids import new_id
from testamur.rendering.values import Value, encode_values

_INSERT = insert(emails)
_BY_INTENT = select(emails.c.id).where(
    emails.c.workspace_id == bindparam("workspace_id"), emails.c.intent == bindparam("intent")
)

EmailKind = Literal["delivery", "expiry_reminder", "expired"]
# A mail of the server itself, to which no workspace has a template.
SIGN_IN = "sign_in"
EMAIL_KINDS: tuple[EmailKind, ...] = ("delivery", "expiry_reminder", "expired")


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that shall be sent. `intent` is the same for what must not be sent twice."""

    credential_id: str
    credential_template_id: str
    kind: EmailKind
    intent: str
    to_name: str
    to_address: str
    values: Mapping[str, Value]


def queue_emails(tx: Transaction, workspace_id: str, intents: Sequence[Intent], *, at: datetime) -> None:
    """Put mails into the outbox; an intent that is there already is left as it is."""
    rows = [
        {
            **{field: getattr(intent, field) for field in intent.__struct_fields__},
            "values": encode_values(intent.values),
            "workspace_id": workspace_id,
            "id": new_id(),
            "state": "queued",
            "attempts": 0,
            "next_attempt_at": at,
            "created_at": at,
        }
        for intent in intents
    ]
    insert_many(tx, emails, rows)


def has_intent(tx: Transaction, workspace_id: str, intent: str) -> bool:
    """Whether this mail was put into the outbox already."""
    return tx.execute(_BY_INTENT, {"workspace_id": workspace_id, "intent": intent}).first() is not None


def queue_sign_in_email(tx: Transaction, address: str, *, at: datetime) -> None:
    """Put a sign-in mail into the outbox. It holds no link: that is made when it is sent, and kept nowhere."""
    email_id = new_id()
    row = {
        "id": email_id,
        "kind": SIGN_IN,
        "intent": f"{SIGN_IN}:{email_id}",
        "to_name": "",
        "to_address": address,
        "values": {},
        "state": "queued",
        "attempts": 0,
        "next_attempt_at": at,
        "created_at": at,
    }
    tx.execute(_INSERT, row)
