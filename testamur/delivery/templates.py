"""Email templates of a workspace, and which one a credential template uses."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Integer, Row, bindparam, delete, insert, select, update

from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.delivery.defaults import DEFAULTS, Texts
from testamur.delivery.model import EmailTemplate
from testamur.delivery.queueing import EMAIL_KINDS, EmailKind
from testamur.delivery.tables import credential_template_emails
from testamur.delivery.tables import email_templates as table
from testamur.errors import Conflict, Invalid, NotFound
from testamur.ids import new_id, normalize_id
from testamur.text import checked, clean_email, clean_line, clean_text

NAME_LENGTH_MAX = 255
BODY_LENGTH_MAX = 20_000

_OF_WORKSPACE = select(table).where(table.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(table.c.id == bindparam("id"))
_DEFAULT = _OF_WORKSPACE.where(table.c.kind == bindparam("kind"), table.c.is_default.is_(True))
_ALL = _OF_WORKSPACE.order_by(table.c.created_at, table.c.id)
_PAGER = Pager(_OF_WORKSPACE, table.c.created_at, table.c.id)
_CHOSEN = (
    select(table)
    .join(credential_template_emails, credential_template_emails.c.email_template_id == table.c.id)
    .where(
        credential_template_emails.c.workspace_id == bindparam("workspace_id"),
        credential_template_emails.c.credential_template_id == bindparam("template_id"),
        credential_template_emails.c.kind == bindparam("kind"),
    )
)
_CHOICES = select(credential_template_emails.c.kind, credential_template_emails.c.email_template_id).where(
    credential_template_emails.c.workspace_id == bindparam("workspace_id"),
    credential_template_emails.c.credential_template_id == bindparam("template_id"),
)
_USES = (
    select(credential_template_emails.c.credential_template_id)
    .where(
        credential_template_emails.c.workspace_id == bindparam("workspace_id"),
        credential_template_emails.c.email_template_id == bindparam("id"),
    )
    .order_by(credential_template_emails.c.credential_template_id)
    .limit(bindparam("most", type_=Integer))
)
_INSERT = insert(table)
_PLACE = (table.c.workspace_id == bindparam("of_workspace"), table.c.id == bindparam("of_id"))
_CHANGED = ("name", "subject", "body", "sender_name", "reply_to", "is_default", "updated_at")
_UPDATE = update(table).where(*_PLACE).values({name: bindparam(f"new_{name}") for name in _CHANGED})
_DELETE = delete(table).where(*_PLACE)
_NO_DEFAULT = (
    update(table)
    .where(table.c.workspace_id == bindparam("of_workspace"), table.c.kind == bindparam("of_kind"))
    .values(is_default=False)
)
_UNCHOOSE = delete(credential_template_emails).where(
    credential_template_emails.c.workspace_id == bindparam("of_workspace"),
    credential_template_emails.c.credential_template_id == bindparam("of_template"),
    credential_template_emails.c.kind == bindparam("of_kind"),
)
_CHOOSE = insert(credential_template_emails)


def create_email_template(
    tx: Transaction,
    workspace_id: str,
    *,
    kind: EmailKind,
    name: str,
    subject: str,
    body: str,
    sender_name: str | None = None,
    reply_to: str | None = None,
    is_default: bool = False,
    at: datetime,
) -> EmailTemplate:
    """A new one; as the default it takes the place of the default before. Raises Invalid."""
    template = checked_email_template(
        EmailTemplate(
            id=new_id(),
            workspace_id=workspace_id,
            kind=kind,
            name=name,
            subject=subject,
            body=body,
            sender_name=sender_name,
            reply_to=reply_to,
            is_default=is_default,
            created_at=at,
            updated_at=at,
        )
    )
    if is_default:
        tx.execute(_NO_DEFAULT, {"of_workspace": workspace_id, "of_kind": kind})
    tx.execute(_INSERT, {field: getattr(template, field) for field in template.__struct_fields__})
    return template


def update_email_template(
    tx: Transaction,
    workspace_id: str,
    template_id: str,
    *,
    name: str | None = None,
    subject: str | None = None,
    body: str | None = None,
    sender_name: str | UnsetType | None = UNSET,
    reply_to: str | UnsetType | None = UNSET,
    is_default: bool | None = None,
    at: datetime,
) -> EmailTemplate:
    """None and UNSET leave a value as it is; None clears what may be empty. Raises NotFound, Invalid."""
    before = get_email_template(tx, workspace_id, template_id)
    after = checked_email_template(
        msgspec.structs.replace(
            before,
            name=before.name if name is None else name,
            subject=before.subject if subject is None else subject,
            body=before.body if body is None else body,
            sender_name=before.sender_name if isinstance(sender_name, UnsetType) else sender_name,
            reply_to=before.reply_to if isinstance(reply_to, UnsetType) else reply_to,
            is_default=before.is_default if is_default is None else is_default,
        )
    )
    if after == before:
        return before
    if after.is_default and not before.is_default:
        tx.execute(_NO_DEFAULT, {"of_workspace": workspace_id, "of_kind": before.kind})
    after = msgspec.structs.replace(after, updated_at=at)
    values = {f"new_{name}": getattr(after, name) for name in _CHANGED}
    tx.execute(_UPDATE, {"of_workspace": workspace_id, "of_id": template_id, **values})
    return after


def delete_email_template(tx: Transaction, workspace_id: str, template_id: str) -> None:
    """Raises NotFound, or Conflict while a credential template uses it."""
    template = get_email_template(tx, workspace_id, template_id)
    users = templates_with_email(tx, workspace_id, template_id, limit=1)
    if users:
        raise Conflict(
            f'"{template.name}" is used by the credential template {users[0]}; choose another one there first'
        )
    tx.execute(_DELETE, {"of_workspace": workspace_id, "of_id": template_id})


def choose_email_template(
    tx: Transaction, workspace_id: str, credential_template_id: str, kind: EmailKind, email_template_id: str | None
) -> None:
    """What a credential template sends; None is the default. Raises NotFound, or Invalid if it is of another kind."""
    place = {"of_workspace": workspace_id, "of_template": credential_template_id, "of_kind": kind}
    tx.execute(_UNCHOOSE, place)
    if email_template_id is None:
        return
    template = get_email_template(tx, workspace_id, normalize_id(email_template_id) or "")
    if template.kind != kind:
        raise Invalid(f"Must be an email template of kind {kind}, is one of kind {template.kind}")
    row = {
        "workspace_id": workspace_id,
        "credential_template_id": credential_template_id,
        "kind": kind,
        "email_template_id": template.id,
    }
    tx.execute(_CHOOSE, row)


def chosen_email_templates(tx: Transaction, workspace_id: str, credential_template_id: str) -> dict[EmailKind, str]:
    """The ids of those that a credential template uses instead of the defaults, by kind."""
    found = tx.execute(_CHOICES, {"workspace_id": workspace_id, "template_id": credential_template_id})
    return {row.kind: row.email_template_id for row in found}


def get_email_template(tx: Transaction, workspace_id: str, template_id: str) -> EmailTemplate:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": template_id}).one_or_none()
    if row is None:
        raise NotFound("The email template does not exist")
    return _model(row)


def list_email_templates(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[EmailTemplate]:
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: [_model(row) for row in rows])


def every_email_template(tx: Transaction, workspace_id: str) -> list[EmailTemplate]:
    """All of a workspace, oldest first: there are a few of each kind."""
    return [_model(row) for row in tx.execute(_ALL, {"workspace_id": workspace_id})]


def templates_with_email(tx: Transaction, workspace_id: str, email_template_id: str, *, limit: int) -> list[str]:
    """The ids of the credential templates that send it."""
    place = {"workspace_id": workspace_id, "id": email_template_id, "most": limit}
    return list(tx.execute(_USES, place).scalars())


def texts_for(tx: Transaction, workspace_id: str, credential_template_id: str, kind: EmailKind) -> Texts:
    """What a mail says: the credential template's own texts, else the workspace's default, else the built-in ones."""
    chosen = {"workspace_id": workspace_id, "template_id": credential_template_id, "kind": kind}
    row = tx.execute(_CHOSEN, chosen).first()
    if row is None:
        row = tx.execute(_DEFAULT, {"workspace_id": workspace_id, "kind": kind}).first()
    if row is None:
        return DEFAULTS[kind]
    return Texts(subject=row.subject, body=row.body, sender_name=row.sender_name, reply_to=row.reply_to)


def checked_email_template(template: EmailTemplate) -> EmailTemplate:
    """The same, cleaned. Raises Invalid with the field that cannot be used."""
    if template.kind not in EMAIL_KINDS:
        raise Invalid(f"Must be one of {', '.join(EMAIL_KINDS)}", ("kind",))
    body = checked("body", clean_text, template.body, length_max=BODY_LENGTH_MAX).strip()
    if not body:
        raise Invalid("Must not be empty", ("body",))
    sender = template.sender_name
    return msgspec.structs.replace(
        template,
        name=checked("name", clean_line, template.name, length_max=NAME_LENGTH_MAX),
        subject=checked("subject", clean_line, template.subject, length_max=NAME_LENGTH_MAX),
        body=body,
        sender_name=None if sender is None else checked("sender_name", clean_line, sender, length_max=NAME_LENGTH_MAX),
        reply_to=None if template.reply_to is None else checked("reply_to", clean_email, template.reply_to),
    )


def _model(row: Row[Any]) -> EmailTemplate:
    return EmailTemplate(**row._mapping)  # noqa: SLF001
