"""Mails about expiry: two weeks before, and when it has come."""

from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import String, bindparam, cast, exists, literal, select

from testamur.clock import today
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.model import Credential
from testamur.credentials.queries import COLUMNS, to_credential
from testamur.credentials.sending import email_intent
from testamur.credentials.tables import credentials
from testamur.credentials.values import types_for
from testamur.db import Transaction
from testamur.delivery.queueing import Intent, queue_emails
from testamur.delivery.tables import emails
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import get_workspace

REMINDED_BEFORE = timedelta(days=14)
# Who expired longer ago is told no more, for instance after a server was down.
TOLD_WITHIN = timedelta(days=7)
BATCH_MAX = 500

_Kind = Literal["expiry_reminder", "expired"]

# Only who once got a mail about a credential is written to about its expiry.
_EXPIRING = (
    select(*COLUMNS)
    .where(
        credentials.c.expiry_date.between(bindparam("first"), bindparam("last")),
        credentials.c.state == "issued",
        credentials.c.revoked_at.is_(None),
        credentials.c.delivery_state.in_(("sent", "opened")),
        credentials.c.recipient_email.is_not(None),
        ~exists(
            select(literal(1)).where(
                emails.c.workspace_id == credentials.c.workspace_id,
                emails.c.intent
                == bindparam("kind", type_=String)
                + ":"
                + credentials.c.id
                + ":"
                + cast(credentials.c.expiry_date, String),
            )
        ),
    )
    # The oldest first: those of today, which wait for their time zone, must not fill the batch for ever.
    .order_by(credentials.c.expiry_date, credentials.c.id)
    .limit(BATCH_MAX)
)


def queue_expiry_emails(tx: Transaction, *, base_url: str, at: datetime) -> int:
    """Queue what is due of both kinds, a batch at most of each; how many mails that were."""
    day = at.date()
    reminded = _queue(tx, "expiry_reminder", day, day + REMINDED_BEFORE, base_url=base_url, at=at)
    return reminded + _queue(tx, "expired", day - TOLD_WITHIN, day, base_url=base_url, at=at)


def _queue(tx: Transaction, kind: _Kind, first: date, last: date, *, base_url: str, at: datetime) -> int:
    workspaces: dict[str, Workspace] = {}
    templates: dict[str, CredentialTemplate] = {}
    intents: dict[str, list[Intent]] = {}
    found = tx.execute(_EXPIRING, {"first": first, "last": last, "kind": kind}).all()
    for credential in map(to_credential, found):
        if credential.workspace_id not in workspaces:
            workspaces[credential.workspace_id] = get_workspace(tx, credential.workspace_id)
        workspace = workspaces[credential.workspace_id]
        if not _is_due(credential, kind, today(workspace.time_zone, at)):
            continue
        template_id = credential.credential_template_id
        if template_id not in templates:
            templates[template_id] = get_credential_template(tx, workspace.id, template_id)
        types = types_for(tx, workspace.id, [credential])
        key = f"{kind}:{credential.id}:{credential.expiry_date}"
        intents.setdefault(workspace.id, []).append(
            email_intent(credential, templates[template_id], workspace, kind, types=types, key=key, base_url=base_url)
        )
    for workspace_id, wanted in intents.items():
        queue_emails(tx, workspace_id, wanted, at=at)
    return sum(len(wanted) for wanted in intents.values())


def _is_due(credential: Credential, kind: _Kind, day: date) -> bool:
    assert credential.expiry_date is not None
    if kind == "expired":
        return credential.expiry_date < day
    return day <= credential.expiry_date <= day + REMINDED_BEFORE
