"""What became of the mails about one credential."""

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import bindparam, select

from testamur.db import Transaction
from testamur.delivery.tables import emails


class PastEmail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail of the outbox, as people are told of it. `last_error` is what a mail server said."""

    id: str
    kind: str
    to_address: str
    state: Literal["queued", "sent", "bounced"]
    attempts: int
    last_error: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    sent_at: datetime | None
    opened_at: datetime | None


_OF_CREDENTIAL = (
    select(*(emails.c[field] for field in PastEmail.__struct_fields__))
    .where(emails.c.workspace_id == bindparam("workspace_id"), emails.c.credential_id == bindparam("credential_id"))
    .order_by(emails.c.created_at.desc(), emails.c.id.desc())
    .limit(bindparam("limit"))
)


def list_emails_of_credential(tx: Transaction, workspace_id: str, credential_id: str, limit: int) -> list[PastEmail]:
    """The newest first."""
    place = {"workspace_id": workspace_id, "credential_id": credential_id, "limit": limit}
    return [PastEmail(**row._mapping) for row in tx.execute(_OF_CREDENTIAL, place)]  # noqa: SLF001
