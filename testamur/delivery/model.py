from datetime import datetime
from typing import Literal

import msgspec

from testamur.delivery.queueing import EmailKind
from testamur.rendering.values import Value

EmailState = Literal["queued", "sent", "bounced"]


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


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """A mail of the outbox."""

    id: str
    workspace_id: str
    credential_id: str
    credential_template_id: str
    kind: EmailKind
    to_name: str
    to_address: str
    values: dict[str, Value]
    state: EmailState
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
