"""One credential: what it states and what happened to it, and what can be done with it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.attributes.model import Attribute
from testamur.attributes.queries import list_attributes
from testamur.change_requests.queries import list_requests_of_credential
from testamur.clock import today
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.acting import Act
from testamur.credentials.browsing import shown_status
from testamur.credentials.deleting import delete_credential
from testamur.credentials.drafting import create_credential
from testamur.credentials.issuing import issue_credential
from testamur.credentials.links import baked_url, bundle_url, document_url, page_url, rendering_url
from testamur.credentials.model import Credential
from testamur.credentials.queries import get_credential
from testamur.credentials.renderings import (
    Rendering,
    are_recorded,
    current_renderings,
    delete_files,
    record_renderings,
)
from testamur.credentials.revoking import REASON_LENGTH_MAX, revoke_credential, unrevoke_credential
from testamur.credentials.sending import queue_delivery, send_credential
from testamur.credentials.updating import update_credential
from testamur.credentials.versions import CredentialVersion, list_versions
from testamur.dashboard.credential_words import EMAIL_NAMES, INTERACTION_NAMES, WORDS
from testamur.dashboard.credentials_bulk import AUDITED
from testamur.dashboard.parameters import id_in_path
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Form, Undo, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.delivery.history import PastEmail, list_emails_of_credential
from testamur.errors import Conflict, Forbidden, Invalid, PaymentRequired, Unprocessable
from testamur.idempotency.keys import begin, settle
from testamur.ids import new_id, normalize_id
from testamur.interactions.model import Interaction
from testamur.interactions.queries import list_interactions
from testamur.plans import Plan
from testamur.text import parse_day
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.workspaces.allowance import plan_of

_INTERACTIONS_MAX = 50
_EMAILS_MAX = 20
_VERSIONS_MAX = 20
_PREVIEW_WIDTH_PX = 800
# What the next page is told lies in a cookie, which browsers take up to some size.
_UNDO_BYTES_MAX = 2000
_NOT_ALLOWED = marked("Your role in this workspace does not allow this; ask an owner or admin of it")
_CHANGES: Mapping[str, str] = {
    "recipient.name": marked("name"),
    "recipient.email": marked("email address"),
    "issue_date": marked("issue date"),
    "expiry_date": marked("expiry date"),
}
_CUSTOM = "custom_attributes."


class Happening(msgspec.Struct, frozen=True):
    """A point of the history. `kind` is that of a status."""

    at: datetime
    text: str
    about: str = ""
    kind: str = ""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A custom attribute of a credential, in a form or a list."""

    tag: str
    name: str
    type: str
    value: str

    @property
    def field(self) -> str:
        return _CUSTOM + self.tag


def _path(visit: WorkspaceVisit, credential_id: str, rest: str = "") -> str:
    return visit.url(f"/credentials/{credential_id}{rest}")


def _plan(visit: WorkspaceVisit) -> Plan:
    return plan_of(visit.workspace, visit.platform.settings.plans)


async def show_credential(visit: WorkspaceVisit) -> Response:
    credential_id = id_in_path(visit)

    def read(tx: Transaction) -> tuple[dict[str, Any], list[Rendering], bool]:
        credential = get_credential(tx, visit.workspace_id, credential_id)
        template = get_credential_template(tx, visit.workspace_id, credential.credential_template_id)
        renderings = current_renderings(tx, visit.workspace, credential, visit.base_url)
        emails = list_emails_of_credential(tx, visit.workspace_id, credential_id, _EMAILS_MAX)
        interactions = list_interactions(tx, visit.workspace_id, credential_id, None, _INTERACTIONS_MAX).items
        versions = list_versions(tx, visit.workspace_id, credential_id)[:_VERSIONS_MAX]
        context = {
            "credential": credential,
            "template": template,
            "emails": emails,
            "interactions": interactions,
            "versions": versions,
            "requests": list_requests_of_credential(tx, visit.workspace_id, credential_id),
            "values": _values(list_attributes(tx, visit.workspace_id), credential, renderings),
        }
        return context, renderings, are_recorded(tx, renderings)

    context, renderings, is_recorded = await visit.read(read)
    if not is_recorded:
        # What is needed to draw the pictures that the page shows; nothing that anybody did.
        await visit.write_unrecorded(lambda tx: record_renderings(tx, renderings))
    credential = context["credential"]
    day = today(visit.workspace.time_zone, visit.at)
    status = shown_status(credential.state, credential.expiry_date, credential.revoked_at, day)
    base_url, public_id = visit.base_url, credential.public_id
    context |= {
        **WORDS,
        "status": status,
        "history": _history(context),
        "previews": [_preview(item) for item in renderings],
        "public_url": page_url(base_url, public_id),
        "files": [
            (_("PDF"), f"{page_url(base_url, public_id)}.pdf"),
            (_("Badge (PNG with the credential in it)"), baked_url(base_url, public_id)),
            (_("Signed credential (JSON)"), document_url(base_url, public_id)),
            (_("Proof bundle (ZIP)"), bundle_url(base_url, public_id)),
        ],
        # Buttons that are pressed twice do a thing once.
        "occasion": new_id(),
        "reason_max": REASON_LENGTH_MAX,
        "faults": {},
        "may_issue": visit.may("issue_credentials"),
        "may_change": _may_change(visit, credential),
    }
    return visit.page("credentials/credential.html", context)


def _preview(item: Rendering) -> dict[str, str]:
    def url(format_: str) -> str:
        return rendering_url(
            "",
            workspace_id=item.credential.workspace_id,
            credential_id=item.credential.id,
            design_id=item.design.id,
            digest=item.digest,
            format_=format_,
        )

    png = url("png")
    return {"name": item.design.name, "image": f"{png}?width={_PREVIEW_WIDTH_PX}", "png": png, "pdf": url("pdf")}


def _values(attributes: list[Attribute], credential: Credential, renderings: list[Rendering]) -> list[Value]:
    """The custom attributes that the credential has a value for or that its designs show."""
    shown = {tag for item in renderings for tag in item.values if tag.startswith("custom.")}
    known = {attribute.tag: attribute for attribute in attributes}
    tags = sorted({*credential.custom_attributes, *(shown & known.keys())})
    return [
        Value(
            tag=tag,
            name=known[tag].name if tag in known else tag,
            type=known[tag].type if tag in known else "text",
            value=credential.custom_attributes.get(tag, ""),
        )
        for tag in tags
    ]


def _history(read: Mapping[str, Any]) -> list[Happening]:
    """What happened to the credential of a page, the newest first."""
    credential: Credential = read["credential"]
    versions: list[CredentialVersion] = read["versions"]
    emails: list[PastEmail] = read["emails"]
    interactions: list[Interaction] = read["interactions"]
    changes = {name: _(label) for name, label in _CHANGES.items()} | {item.tag: item.name for item in read["values"]}
    found = [Happening(credential.created_at, _("Created"))]
    if credential.issued_at:
        found.append(Happening(credential.issued_at, _("Issued"), kind="good"))
    if credential.revoked_at:
        found.append(Happening(credential.revoked_at, _("Revoked"), credential.revocation_reason or "", "bad"))
    for version in versions:
        if version.supersedes is not None:
            about = ", ".join(changes.get(name, name) for name in version.changed)
            found.append(Happening(version.created_at, _("Corrected"), about, "info"))
    for email in emails:
        what = f"{_(EMAIL_NAMES.get(email.kind, email.kind))}: {email.to_address}"
        if email.sent_at:
            found.append(Happening(email.sent_at, _("Email sent"), what))
        if email.opened_at:
            found.append(Happening(email.opened_at, _("Email opened"), what, "good"))
        if email.state == "bounced":
            found.append(Happening(email.created_at, _("Email not delivered"), what, "bad"))
    for interaction in interactions:
        who = _("by the recipient") if interaction.triggered_by == "recipient" else _("by a visitor")
        found.append(Happening(interaction.triggered_at, _(INTERACTION_NAMES[interaction.event_type]), who))
    # What happened in the same moment stands in the order in which it must have happened.
    found.reverse()
    return sorted(found, key=lambda item: item.at, reverse=True)


def _may_change(visit: WorkspaceVisit, credential: Credential) -> bool:
    return visit.may("issue_credentials" if credential.state == "issued" else "draft_credentials")


async def _acted(
    visit: WorkspaceVisit,
    act: Act,
    work: Callable[[Transaction, str], object],
    notice: str,
    *,
    back: str | None = None,
    undo: str = "",
) -> Response:
    """Do it and say so, or say why it was refused."""
    credential_id = id_in_path(visit)
    here = _path(visit, credential_id)
    try:
        await visit.write(lambda tx: work(tx, credential_id), action=AUDITED[act], subject=credential_id)
    except (Conflict, PaymentRequired, Unprocessable) as refusal:
        return visit.go(here, refusal.message, kind="bad")
    except Invalid as refusal:
        return visit.go(here, refusal.problems[0].message, kind="bad")
    return visit.go(back or here, notice, undo=Undo(f"{here}/{undo}") if undo else None)


async def issue(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    is_sent = form.has("send")

    def work(tx: Transaction, credential_id: str) -> None:
        credential = get_credential(tx, visit.workspace_id, credential_id)
        issued = issue_credential(
            tx,
            visit.workspace,
            credential_id,
            signers=visit.platform.signers,
            plan=_plan(visit),
            from_state="scheduled" if credential.state == "scheduled" else "draft",
            at=visit.at,
        )
        if is_sent:
            queue_delivery(tx, visit.workspace, [issued], base_url=visit.base_url, is_repeatable=False, at=visit.at)

    notice = _("The credential was issued and is being sent.") if is_sent else _("The credential was issued.")
    return await _acted(visit, "issue", work, notice)


async def send(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    occasion = normalize_id(form.text("occasion")) or new_id()
    return await _acted(
        visit,
        "send",
        lambda tx, id_: send_credential(
            tx, visit.workspace, id_, base_url=visit.base_url, occasion=occasion, at=visit.at
        ),
        _("The email is being sent."),
    )


async def revoke(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    reason = form.text("reason")
    return await _acted(
        visit,
        "revoke",
        lambda tx, id_: revoke_credential(tx, visit.workspace_id, id_, reason=reason, at=visit.at),
        _("The credential was revoked. To give another one instead, choose Issue again."),
        undo="reinstate",
    )


async def reinstate(visit: WorkspaceVisit) -> Response:
    await visit.form()
    return await _acted(
        visit,
        "reinstate",
        lambda tx, id_: unrevoke_credential(tx, visit.workspace_id, id_, at=visit.at),
        _("The credential is in force again."),
    )


async def delete(visit: WorkspaceVisit) -> Response:
    await visit.form()
    credential_id = id_in_path(visit)
    credential = await visit.read(lambda tx: get_credential(tx, visit.workspace_id, credential_id))
    if not _may_change(visit, credential):
        return visit.page("forbidden.html", {"message": _(_NOT_ALLOWED)}, status=403)
    await run_sync(lambda: delete_files(visit.platform.storage, visit.workspace_id, credential_id))
    return await _acted(
        visit,
        "delete",
        lambda tx, id_: delete_credential(tx, visit.workspace_id, id_, at=visit.at),
        _("The credential was deleted."),
        back=visit.url("/credentials"),
    )


async def show_correction(visit: WorkspaceVisit) -> Response:
    return await _form(visit, "edit")


async def show_again(visit: WorkspaceVisit) -> Response:
    return await _form(visit, "again")


async def _form(
    visit: WorkspaceVisit, kind: str, faults: Mapping[str, str] | None = None, typed: Form | None = None
) -> Response:
    """What a credential states, to be corrected (`edit`) or to be awarded once more (`again`)."""
    credential_id = id_in_path(visit)

    def read(tx: Transaction) -> tuple[Credential, str, list[Value]]:
        credential = get_credential(tx, visit.workspace_id, credential_id)
        template = get_credential_template(tx, visit.workspace_id, credential.credential_template_id)
        renderings = current_renderings(tx, visit.workspace, credential, visit.base_url)
        return credential, template.name, _values(list_attributes(tx, visit.workspace_id), credential, renderings)

    credential, template_name, values = await visit.read(read)
    if kind == "edit" and not _may_change(visit, credential):
        return visit.page("forbidden.html", {"message": _(_NOT_ALLOWED)}, status=403)
    day = today(visit.workspace.time_zone, visit.at)
    given = _stated(credential) if typed is None else typed.values()
    if kind == "again" and typed is None:
        # An award that is made anew lasts as long as the first one was to last.
        lasts = None if credential.expiry_date is None else credential.expiry_date - credential.issue_date
        given |= {"issue_date": day.isoformat(), "expiry_date": (day + lasts).isoformat() if lasts is not None else ""}
    context = {
        "kind": kind,
        "credential": credential,
        "template_name": template_name,
        "values": values,
        "given": given,
        "faults": faults or {},
        "occasion": new_id() if typed is None else typed.text("occasion"),
        "labels": {
            **{name: _(label).capitalize() for name, label in _CHANGES.items()},
            **{value.field: value.name for value in values},
        },
    }
    return visit.page("credentials/form.html", context, status=422 if faults else 200)


def _stated(credential: Credential) -> dict[str, str]:
    return {
        "recipient.name": credential.recipient.name,
        "recipient.email": credential.recipient.email or "",
        "issue_date": credential.issue_date.isoformat(),
        "expiry_date": credential.expiry_date.isoformat() if credential.expiry_date else "",
        **{_CUSTOM + tag: value for tag, value in credential.custom_attributes.items()},
    }


def _read_day(form: Form, name: str) -> date | None:
    """None for an empty field. Raises Invalid."""
    text = form.text(name).strip()
    try:
        return parse_day(text) if text else None
    except Invalid as fault:
        raise fault.under(name) from None


def _read_custom(form: Form) -> dict[str, str | None]:
    """A value that was emptied is taken away."""
    tags = [name.removeprefix(_CUSTOM) for name in form.names() if name.startswith(_CUSTOM)]
    return {tag: form.text(_CUSTOM + tag) or None for tag in dict.fromkeys(tags)}


async def correct(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    credential_id = id_in_path(visit)
    before: list[Credential] = []

    def work(tx: Transaction) -> Credential:
        credential = get_credential(tx, visit.workspace_id, credential_id)
        if not _may_change(visit, credential):
            raise Forbidden(_(_NOT_ALLOWED))
        before.append(credential)
        custom = _read_custom(form)
        return update_credential(
            tx,
            visit.workspace,
            credential_id,
            recipient_name=form.text("recipient.name"),
            recipient_email=form.text("recipient.email").strip() or None,
            issue_date=_read_day(form, "issue_date"),
            expiry_date=_read_day(form, "expiry_date"),
            # What stays as it is is not checked again: its attribute may have got another type since.
            custom_attributes={
                tag: value for tag, value in custom.items() if value != credential.custom_attributes.get(tag)
            },
            signers=visit.platform.signers,
            plan=_plan(visit),
            at=visit.at,
        )

    try:
        after = await visit.write(work, action="credential.corrected", subject=credential_id)
    except Forbidden as refusal:
        return visit.page("forbidden.html", {"message": refusal.message}, status=403)
    except Invalid as failure:
        return await _form(visit, "edit", faults_of(failure), form)
    except (Conflict, PaymentRequired, Unprocessable) as refusal:
        return await _form(visit, "edit", {"": refusal.message}, form)
    here = _path(visit, credential_id)
    if after == before[0]:
        return visit.go(here, _("Nothing was changed."))
    empty = dict.fromkeys((_CUSTOM + tag for tag in after.custom_attributes), "")
    undo = Undo(f"{here}/edit", {**empty, **_stated(before[0])})
    notice = (
        _("Corrected: this is version %(number)s of the credential now.") % {"number": after.version}
        if after.state == "issued"
        else _("The draft was changed.")
    )
    is_small = len(msgspec.json.encode(undo)) <= _UNDO_BYTES_MAX
    return visit.go(here, notice, undo=undo if is_small else None)


async def award_again(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    credential_id = id_in_path(visit)
    occasion = normalize_id(form.text("occasion")) or new_id()
    act = form.text("then")
    if act not in {"draft", "issue", "issue_send"}:
        act = "draft"
    if act != "draft" and not visit.may("issue_credentials"):
        return visit.page("forbidden.html", {"message": _(_NOT_ALLOWED)}, status=403)

    def work(tx: Transaction) -> str:
        old = get_credential(tx, visit.workspace_id, credential_id)
        # The same form, sent twice, leads to the one credential that it made.
        key = f"dashboard-again:{occasion}"
        made = begin(tx, visit.workspace_id, key, credential_id, at=visit.at)
        if made is not None:
            return made.body
        custom = {tag: value for tag, value in _read_custom(form).items() if value is not None}
        new = create_credential(
            tx,
            visit.workspace,
            credential_template_id=old.credential_template_id,
            recipient_name=form.text("recipient.name"),
            recipient_email=form.text("recipient.email").strip() or None,
            issue_date=_read_day(form, "issue_date"),
            expiry_date=_read_day(form, "expiry_date"),
            custom_attributes=custom,
            plan=_plan(visit),
            at=visit.at,
        )
        if act != "draft":
            new = issue_credential(
                tx, visit.workspace, new.id, signers=visit.platform.signers, plan=_plan(visit), at=visit.at
            )
        if act == "issue_send":
            queue_delivery(tx, visit.workspace, [new], base_url=visit.base_url, is_repeatable=False, at=visit.at)
        settle(tx, visit.workspace_id, key, status=201, body=new.id)
        return new.id

    details = {"instead_of": credential_id}
    action = "credential.created" if act == "draft" else "credential.issued"
    try:
        made_id = await visit.write(work, action=action, subject=lambda id_: id_, details=details)
    except Invalid as failure:
        return await _form(visit, "again", faults_of(failure), form)
    except (Conflict, PaymentRequired, Unprocessable) as refusal:
        return await _form(visit, "again", {"": refusal.message}, form)
    notice = {
        "draft": _("A draft was made with these values."),
        "issue": _("A new credential was issued."),
        "issue_send": _("A new credential was issued and is being sent."),
    }[act]
    return visit.go(_path(visit, made_id), notice)


SCREENS = (
    in_workspace("GET", "/credentials/{id}", show_credential, "view"),
    in_workspace("POST", "/credentials/{id}/issue", issue, "issue_credentials"),
    in_workspace("POST", "/credentials/{id}/send", send, "issue_credentials"),
    in_workspace("POST", "/credentials/{id}/revoke", revoke, "issue_credentials"),
    in_workspace("POST", "/credentials/{id}/reinstate", reinstate, "issue_credentials"),
    in_workspace("POST", "/credentials/{id}/delete", delete, "draft_credentials"),
    in_workspace("GET", "/credentials/{id}/edit", show_correction, "draft_credentials"),
    in_workspace("POST", "/credentials/{id}/edit", correct, "draft_credentials"),
    in_workspace("GET", "/credentials/{id}/again", show_again, "draft_credentials"),
    in_workspace("POST", "/credentials/{id}/again", award_again, "draft_credentials"),
)
