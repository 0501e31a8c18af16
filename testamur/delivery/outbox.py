"""The outbox: claiming mails for one worker, and recording what became of each."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update

from testamur.db import Transaction
from testamur.delivery.model import Email, QueuedEmail, ServerEmail
from testamur.delivery.queueing import SERVER_EMAIL_KINDS
from testamur.delivery.tables import emails as table
from testamur.ids import new_id
from testamur.rendering.values import decode_values

BATCH_MAX = 100
# A worker that has not recorded a mail by then is taken to be dead, and another one sends it.
LEASE = timedelta(minutes=3)
# Waits between attempts, while the mail server says "later" or says nothing: a server may be down for a weekend.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 720, 1440, 2880))

# Who was sent a mail of the server itself is remembered no longer.
SERVER_EMAILS_KEPT = timedelta(days=1)

_COLUMNS = [table.c[field] for field in Email.__struct_fields__]
_DUE = (
    select(table.c.id)
    .where(table.c.state == "queued", table.c.next_attempt_at <= bindparam("at"))
    .order_by(table.c.next_attempt_at, table.c.id)
    .limit(BATCH_MAX)
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(table)
    .where(table.c.id.in_(bindparam("ids", expanding=True)))
    .values(claim=bindparam("new_claim"), next_attempt_at=bindparam("lease_ends"))
)
_CLAIMED = (
    select(*_COLUMNS).where(table.c.claim == bindparam("claimed"), table.c.state == "queued").order_by(table.c.id)
)
_MINE = (table.c.id == bindparam("of_id"), table.c.claim == bindparam("of_claim"), table.c.state == "queued")
_TAKE = (
    update(table)
    .where(*_MINE, table.c.next_attempt_at == bindparam("seen"))
    .values(next_attempt_at=bindparam("lease_ends"))
)
_SENT = update(table).where(*_MINE).values(
    state="sent", attempts=table.c.attempts + 1, claim=None, next_attempt_at=None, last_error=None, sent_at=bindparam("at")
)  # fmt: skip
_FAILED = (
    update(table)
    .where(*_MINE)
    .values(
        state=bindparam("new_state"),
        attempts=table.c.attempts + 1,
        claim=None,
        next_attempt_at=bindparam("new_next_attempt_at"),
        last_error=bindparam("new_last_error"),
    )
)
_DROP = delete(table).where(*_MINE)
_OLD_SERVER_EMAILS = delete(table).where(table.c.kind.in_(SERVER_EMAIL_KINDS), table.c.created_at < bindparam("before"))
_OPENED = (
    update(table)
    .where(
        table.c.workspace_id == bindparam("of_workspace"),
        table.c.credential_id == bindparam("of_credential"),
        table.c.state == "sent",
        table.c.opened_at.is_(None),
    )
    .values(opened_at=bindparam("at"))
)


def claim_emails(tx: Transaction, *, at: datetime) -> str | None:
    """Take a batch of what is due; the claim's id, or None if there is nothing."""
    ids = list(tx.execute(_DUE, {"at": at}).scalars())
    if not ids:
        return None
    claim = new_id()
    tx.execute(_CLAIM, {"ids": ids, "new_claim": claim, "lease_ends": at + LEASE})
    return claim


def claimed_emails(tx: Transaction, claim: str) -> list[Email | ServerEmail]:
    """What a claim holds and has not recorded yet."""
    return [_model(row) for row in tx.execute(_CLAIMED, {"claimed": claim})]


def take_email(tx: Transaction, claim: str, email: QueuedEmail, *, at: datetime) -> bool:
    """Make sure that nobody else sends this mail: of two that read the same row, one takes it.

    A claim may be worked on twice, by a worker that was thought dead and by the one that goes on with its work.
    """
    values = {"of_id": email.id, "of_claim": claim, "seen": email.next_attempt_at, "lease_ends": at + LEASE}
    return bool(tx.execute(_TAKE, values).rowcount)


def record_sent(tx: Transaction, claim: str, email: QueuedEmail, *, at: datetime) -> bool:
    """The mail server took it. False if another worker has claimed the mail meanwhile."""
    return bool(tx.execute(_SENT, {"of_id": email.id, "of_claim": claim, "at": at}).rowcount)


def record_failed(tx: Transaction, claim: str, email: QueuedEmail, *, error: str, is_final: bool, at: datetime) -> bool:
    """It was not taken: final (bounced), or to be tried again after a wait. True if it is given up."""
    is_over = is_final or email.attempts >= len(WAITS)
    values = {
        "new_state": "bounced" if is_over else "queued",
        "new_next_attempt_at": None if is_over else at + WAITS[email.attempts],
        "new_last_error": error[:500],
    }
    changed = tx.execute(_FAILED, {"of_id": email.id, "of_claim": claim, **values}).rowcount
    return bool(changed) and is_over


def drop_email(tx: Transaction, claim: str, email: QueuedEmail) -> None:
    """Forget a mail that is not to be sent after all."""
    tx.execute(_DROP, {"of_id": email.id, "of_claim": claim})


def forget_old_server_emails(tx: Transaction, *, at: datetime) -> None:
    tx.execute(_OLD_SERVER_EMAILS, {"before": at - SERVER_EMAILS_KEPT})


def record_opened(tx: Transaction, workspace_id: str, credential_id: str, *, at: datetime) -> bool:
    """The recipient came by the link of a mail. True if that is new."""
    return bool(tx.execute(_OPENED, {"of_workspace": workspace_id, "of_credential": credential_id, "at": at}).rowcount)


def _model(row: Row[Any]) -> Email | ServerEmail:
    columns = {**row._mapping, "values": decode_values(row._mapping["values"])}  # noqa: SLF001
    if columns["kind"] in SERVER_EMAIL_KINDS:
        return ServerEmail(**{field: columns[field] for field in ServerEmail.__struct_fields__})
    return Email(**columns)
