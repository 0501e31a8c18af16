from collections.abc import Sequence
from datetime import datetime

import msgspec

from testamur.delivery.queueing import EmailKind, ServerEmailKind
from testamur.rendering.values import Value


class EmailTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """Texts of a mail. Subject and body may hold attributes; blank lines in the body begin a new paragraph."""

    id: str
    workspace_id: str
    kind: EmailKind
    name: str
    subject: str
    body: str
    sender_name: str | None
    reply_to: str | None
    is_default: bool
    created_at: datetime
    updated_at: datetime


class QueuedEmail(msgspec.Struct, frozen=True, kw_only=True):
    """What all mails of the outbox have."""

    id: str
    to_address: str
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime


class Email(QueuedEmail, frozen=True, kw_only=True):
    """A mail of a workspace about a credential."""

    workspace_id: str
    credential_id: str
    credential_template_id: str
    kind: EmailKind
    to_name: str
    values: dict[str, Value]


class ServerEmail(QueuedEmail, frozen=True, kw_only=True):
    """A mail of the server itself; what it says, and whether anybody gets it, is decided when it is sent."""

    kind: ServerEmailKind
    values: dict[str, Value]


class ServerText(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail of the server says. The link, which the button leads to, may hold a secret: it exists here alone."""

    to_address: str
    from_name: str
    subject: str
    paragraphs: Sequence[str]
    button: str
    link: str
