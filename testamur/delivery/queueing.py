from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

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
EMAIL_KINDS: tuple[EmailKind, ...] = ("delivery", "expiry_reminder", "expired")
# Mails of the server itself, to which no workspace has a template. What each says stands in worker/server_emails.py.
ServerEmailKind = Literal[
    "sign_in",  # A recipient asked for a link to all credentials of an address.
    "invitation",  # A place in a workspace for who reads it.
    "password_reset",  # Somebody has forgotten their password.
    "new_address",  # Somebody confirms that an address is theirs.
    "address_changed",  # The old address is told of the new one.
    "correction_request",  # Somebody asked for a correction; the link makes the request real.
    "correction_answered",  # An issuer has dealt with a request for a correction, or declined it.
]
# Those that anybody can have sent to any address: nobody needs them later, and nobody is remembered for one.
ASKED_EMAIL_KINDS: tuple[ServerEmailKind, ...] = ("sign_in", "password_reset")
SERVER_EMAIL_KINDS: tuple[ServerEmailKind, ...] = get_args(ServerEmailKind)


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


def queue_server_email(
    tx: Transaction, kind: ServerEmailKind, to_address: str, values: Mapping[str, Value], *, at: datetime
) -> None:
    """Put a mail of the server itself into the outbox.

    `values` are what its text is made of when it is sent. They hold no secret: a link is made then, and kept nowhere.
    Whether anybody gets the mail is decided then, too, so that asking for it takes the same time for every address.
    """
    email_id = new_id()
    row = {
        "id": email_id,
        "kind": kind,
        "intent": f"{kind}:{email_id}",
        "to_name": "",
        "to_address": to_address,
        "values": encode_values(values),
        "state": "queued",
        "attempts": 0,
        "next_attempt_at": at,
        "created_at": at,
    }
    tx.execute(_INSERT, row)
