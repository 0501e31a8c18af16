from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.delivery.tables import emails
from testamur.ids import new_id
from testamur.rendering.values import Value, encode_values

EmailKind = Literal["delivery", "expiry_reminder", "expired"]
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
