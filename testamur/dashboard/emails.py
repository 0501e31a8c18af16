"""Texts of the emails that recipients get: writing them, seeing them as they will look, and a test mail."""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from typing import Any

from anyio.to_thread import run_sync
from starlette.responses import HTMLResponse, Response

from testamur.attributes.queries import list_attributes
from testamur.attributes.standard import STANDARD
from testamur.credential_templates.queries import find_credential_templates
from testamur.dashboard.attributes import STANDARD_NAMES
from testamur.dashboard.once import write_once
from testamur.dashboard.parameters import id_in_path
from testamur.dashboard.pictures import Shown, sample_values
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Form, Undo, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.delivery.composing import compose
from testamur.delivery.defaults import DEFAULTS, Texts
from testamur.delivery.model import Email, EmailTemplate
from testamur.delivery.queueing import EMAIL_KINDS, EmailKind
from testamur.delivery.templates import (
    checked_email_template,
    create_email_template,
    delete_email_template,
    every_email_template,
    get_email_template,
    templates_with_email,
    update_email_template,
)
from testamur.delivery.transports import (
    MAILS_FOLDER,
    FolderTransport,
    Refused,
    SMTPTransport,
    Unreachable,
    make_transport,
)
from testamur.errors import Conflict, Invalid, PaymentRequired, RateLimited
from testamur.ids import new_id, normalize_id
from testamur.rendering.attributes_in_text import problems_in
from testamur.rendering.values import Value
from testamur.web.html import render
from testamur.web.rate_limit import RateLimit
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.workspaces.allowance import plan_of

KINDS: dict[EmailKind, str] = {
    "delivery": marked("Delivery"),
    "expiry_reminder": marked("Expiry reminder"),
    "expired": marked("Expired"),
}
ABOUT: dict[EmailKind, str] = {
    "delivery": marked("Sent when a credential is issued, or sent again."),
    "expiry_reminder": marked("Sent 14 days before a credential expires."),
    "expired": marked("Sent when a credential has expired."),
}
TEST_RATE = "5/minute"
USERS_SHOWN = 10
# A mail carries its styles in its elements. Nothing in it may run, load or be sent, and only our own pages frame it.
_FRAME_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class EmailForm:
    """What stands in the fields."""

    kind: EmailKind
    name: str
    subject: str
    body: str
    sender_name: str
    reply_to: str
    is_default: bool

    def template(self, visit: WorkspaceVisit) -> EmailTemplate:
        """As it would be stored. Raises Invalid."""
        return checked_email_template(
            EmailTemplate(
                id="",
                workspace_id=visit.workspace_id,
                kind=self.kind,
                name=self.name,
                subject=self.subject,
                body=self.body,
                sender_name=self.sender_name.strip() or None,
                reply_to=self.reply_to.strip() or None,
                is_default=self.is_default,
                created_at=visit.at,
                updated_at=visit.at,
            )
        )


def _kind(text: str) -> EmailKind:
    return next((kind for kind in EMAIL_KINDS if kind == text), "delivery")


def _to_form(template: EmailTemplate) -> EmailForm:
    return EmailForm(
        template.kind,
        template.name,
        template.subject,
        template.body,
        template.sender_name or "",
        template.reply_to or "",
        template.is_default,
    )


def _read_form(form: Form, kind: EmailKind) -> EmailForm:
    return EmailForm(
        kind,
        form.text("name"),
        form.text("subject"),
        form.text("body").replace("\r\n", "\n"),
        form.text("sender_name"),
        form.text("reply_to"),
        form.has("is_default"),
    )


async def show_list(visit: WorkspaceVisit) -> Response:
    found = await visit.read(lambda tx: every_email_template(tx, visit.workspace_id))
    groups = [(kind, [email for email in found if email.kind == kind]) for kind in EMAIL_KINDS]
    context = {"groups": groups, "kinds": KINDS, "about": ABOUT, "defaults": DEFAULTS}
    return visit.page("emails/list.html", context)


async def show_new(visit: WorkspaceVisit) -> Response:
    kind = _kind(visit.query("kind"))
    texts = DEFAULTS[kind]
    return await _page(visit, EmailForm(kind, "", texts.subject, texts.body, "", "", is_default=False), once=new_id())


async def create(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    edited = _read_form(form, _kind(form.text("kind")))
    once = normalize_id(form.text("once")) or new_id()
    if form.has("test"):
        return await _page(visit, edited, once=once, tested=await _test(visit, edited))

    def make(tx: Transaction) -> str:
        plan_of(visit.workspace, visit.platform.settings.plans).require("email_templates")
        return create_email_template(
            tx,
            visit.workspace_id,
            kind=edited.kind,
            name=edited.name,
            subject=edited.subject,
            body=edited.body,
            sender_name=edited.sender_name.strip() or None,
            reply_to=edited.reply_to.strip() or None,
            is_default=edited.is_default,
            at=visit.at,
        ).id

    try:
        await write_once(visit, form, make, action="email_template.created")
    except Invalid as error:
        return await _page(visit, edited, once=once, faults=faults_of(error))
    except PaymentRequired as refusal:
        return await _page(visit, edited, once=once, faults={"": refusal.message})
    return visit.go(visit.url("/emails"), _("Saved"))


async def show_edit(visit: WorkspaceVisit) -> Response:
    email_id = id_in_path(visit)
    stored = await visit.read(lambda tx: get_email_template(tx, visit.workspace_id, email_id))
    return await _page(visit, _to_form(stored), stored=stored)


async def update(visit: WorkspaceVisit) -> Response:
    form, email_id = await visit.form(), id_in_path(visit)
    stored = await visit.read(lambda tx: get_email_template(tx, visit.workspace_id, email_id))
    edited = _read_form(form, stored.kind)
    if form.has("test"):
        return await _page(visit, edited, stored=stored, tested=await _test(visit, edited))
    try:
        await visit.write(
            lambda tx: update_email_template(
                tx,
                visit.workspace_id,
                email_id,
                name=edited.name,
                subject=edited.subject,
                body=edited.body,
                sender_name=edited.sender_name.strip() or None,
                reply_to=edited.reply_to.strip() or None,
                is_default=edited.is_default,
                at=visit.at,
            ),
            action="email_template.updated",
            subject=email_id,
        )
    except Invalid as error:
        return await _page(visit, edited, stored=stored, faults=faults_of(error))
    return visit.go(visit.url("/emails"), _("Saved"))


async def make_default(visit: WorkspaceVisit) -> Response:
    """Send this one, or none of the workspace's own, where a credential template names no other."""
    form, email_id = await visit.form(), id_in_path(visit)
    is_default = form.text("is_default") != "no"

    def change(tx: Transaction) -> str:
        kind = get_email_template(tx, visit.workspace_id, email_id).kind
        before = next(
            (e for e in every_email_template(tx, visit.workspace_id) if e.kind == kind and e.is_default), None
        )
        update_email_template(tx, visit.workspace_id, email_id, is_default=is_default, at=visit.at)
        return "" if before is None else before.id

    before = await visit.write(change, action="email_template.updated", subject=email_id)
    undo = (
        Undo(visit.url(f"/emails/{before or email_id}/default"), {"is_default": "yes" if before else "no"})
        if before != email_id or not is_default
        else None
    )
    return visit.go(visit.url("/emails"), _("Saved"), undo=undo)


async def delete(visit: WorkspaceVisit) -> Response:
    await visit.form()
    email_id = id_in_path(visit)
    try:
        await visit.write(
            lambda tx: delete_email_template(tx, visit.workspace_id, email_id),
            action="email_template.deleted",
            subject=email_id,
        )
    except Conflict:
        message = _("It is used by credential templates; choose another text there first")
        return visit.go(visit.url(f"/emails/{email_id}"), message, kind="bad")
    return visit.go(visit.url("/emails"), _("The text was deleted"))


async def show_preview(visit: WorkspaceVisit) -> Response:
    """The mail of a stored text, or of the built-in one of a kind, for the frame in the editor."""
    wanted = normalize_id(visit.query("id"))
    kind = _kind(visit.query("kind"))

    def read(tx: Transaction) -> EmailForm:
        if wanted is not None:
            return _to_form(get_email_template(tx, visit.workspace_id, wanted))
        texts = DEFAULTS[kind]
        return EmailForm(kind, "", texts.subject, texts.body, "", "", is_default=False)

    return await _frame(visit, await visit.read(read))


async def preview(visit: WorkspaceVisit) -> Response:
    """The mail of what stands in the form."""
    form = await visit.form()
    return await _frame(visit, _read_form(form, _kind(form.text("kind"))))


async def _frame(visit: WorkspaceVisit, edited: EmailForm) -> Response:
    try:
        message = await _composed(visit, edited, to_name="Alexandra Whitfield", to_address="alexandra@example.com")
    except Invalid as error:
        return HTMLResponse(render("emails/wrong.html", {"faults": faults_of(error)}), headers=_FRAME_HEADERS)
    part = message.get_body(("html",))
    assert part is not None
    head = {name: str(message[name]) for name in ("Subject", "From", "Reply-To") if message[name]}
    above = render("emails/above.html", {"head": head})
    # What a mail program shows above a mail stands above it here.
    framed = re.sub(r"<body[^>]*>", lambda found: found[0] + above, part.get_content(), count=1)
    return HTMLResponse(framed, headers=_FRAME_HEADERS)


async def _composed(visit: WorkspaceVisit, edited: EmailForm, *, to_name: str, to_address: str) -> EmailMessage:
    """The mail with sample values. Raises Invalid for a text that cannot be stored."""
    named = EmailForm(
        edited.kind,
        edited.name or "-",
        edited.subject,
        edited.body,
        edited.sender_name,
        edited.reply_to,
        is_default=False,
    )
    template = named.template(visit)
    values: dict[str, Value] = await visit.read(lambda tx: sample_values(tx, visit, Shown()))
    values |= {"recipient.name": to_name, "recipient.email": to_address}
    email = Email(
        id=new_id(),
        to_address=to_address,
        attempts=0,
        next_attempt_at=None,
        created_at=visit.at,
        workspace_id=visit.workspace_id,
        credential_id="",
        credential_template_id="",
        kind=edited.kind,
        to_name=to_name,
        values=values,
    )
    texts = Texts(
        subject=template.subject, body=template.body, sender_name=template.sender_name, reply_to=template.reply_to
    )
    return compose(email, texts, sender_address=visit.platform.settings.email_from)


@cache
def _test_limit(valkey_url: str | None) -> RateLimit:
    return RateLimit(TEST_RATE, valkey_url)


async def _test(visit: WorkspaceVisit, edited: EmailForm) -> tuple[str, str]:
    """Send the mail to the member's own address, now. How that went: `good` or `bad`, and in words."""
    settings = visit.platform.settings
    try:
        message = await _composed(visit, edited, to_name=visit.account.name, to_address=visit.account.email)
        _test_limit(settings.valkey_url).take(f"test-mail:{visit.account.id}")
    except Invalid as error:
        return "bad", error.message
    except RateLimited as refusal:
        return "bad", _("Too many test mails. Wait %(seconds)s seconds.") % {"seconds": refusal.retry_after_seconds}
    subject = message["Subject"]
    message.replace_header("Subject", _("Test: %(subject)s") % {"subject": subject})
    transport = make_transport(settings.smtp_url, settings.data_dir / MAILS_FOLDER)
    try:
        await run_sync(_send, transport, message)
    except Refused as refusal:
        return "bad", _("The mail server refused it: %(reason)s") % {"reason": refusal}
    except Unreachable as failure:
        return "bad", str(failure)
    if settings.smtp_url is None:
        return "good", _("No mail server is set up, so the mail was written to the folder of mails on the server.")
    return "good", _("Sent to %(address)s") % {"address": visit.account.email}


def _send(transport: FolderTransport | SMTPTransport, message: EmailMessage) -> None:
    """Raises Refused or Unreachable."""
    with transport.open() as outgoing:
        outgoing.send(message)


async def _page(
    visit: WorkspaceVisit,
    edited: EmailForm,
    *,
    stored: EmailTemplate | None = None,
    once: str = "",
    faults: dict[str, str] | None = None,
    tested: tuple[str, str] | None = None,
) -> Response:
    def read(tx: Transaction) -> dict[str, Any]:
        ids = [] if stored is None else templates_with_email(tx, visit.workspace_id, stored.id, limit=USERS_SHOWN)
        used_by = find_credential_templates(tx, visit.workspace_id, ids)
        return {"attributes": list_attributes(tx, visit.workspace_id), "users": list(used_by.values())}

    context = {
        **await visit.read(read),
        "standard": STANDARD,
        "standard_names": STANDARD_NAMES,
        "stored": stored,
        "edited": edited,
        "once": once,
        "faults": faults or {},
        "tested": tested,
        # Misspelt attributes are no fault: they would be sent as they stand.
        "warnings": [*problems_in(edited.subject), *problems_in(edited.body)],
        "kinds": KINDS,
        "about": ABOUT,
    }
    response = visit.page("emails/edit.html", context, status=422 if faults else 200)
    # The one page that holds a frame, of our own.
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = f"{policy}; frame-src 'self'"
    return response


SCREENS = (
    in_workspace("GET", "/emails", show_list, "view"),
    in_workspace("GET", "/emails/new", show_new, "edit_templates"),
    in_workspace("POST", "/emails/new", create, "edit_templates"),
    in_workspace("GET", "/emails/preview", show_preview, "view"),
    in_workspace("POST", "/emails/preview", preview, "edit_templates"),
    in_workspace("GET", "/emails/{id}", show_edit, "edit_templates"),
    in_workspace("POST", "/emails/{id}", update, "edit_templates"),
    in_workspace("POST", "/emails/{id}/default", make_default, "edit_templates"),
    in_workspace("POST", "/emails/{id}/delete", delete, "edit_templates"),
)
