"""Issuing to one recipient by a form, with a picture of what they get beside it."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import sha256
from typing import Any, Literal

import msgspec
from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.accounts.roles import Permission
from testamur.attributes.model import Attribute, AttributeType
from testamur.attributes.queries import list_attributes
from testamur.clock import today
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template, list_template_names
from testamur.credentials.awards import Award, check_award
from testamur.credentials.bulk_issuing import CheckedRow
from testamur.credentials.checking import AwardCheck
from testamur.credentials.drafting import prepare_credential, store_draft, with_expiry
from testamur.credentials.issuing import issue_and_send, issue_credential
from testamur.credentials.links import page_url, rendering_url
from testamur.credentials.model import Credential
from testamur.credentials.queries import find_same_award, get_credential
from testamur.credentials.renderings import are_recorded, current_renderings, record_renderings
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Form, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.designs.assets import add_asset
from testamur.designs.queries import find_designs, find_shown, has_asset
from testamur.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PaymentRequired,
    Problem,
    TestamurError,
    Unavailable,
    Unprocessable,
)
from testamur.idempotency.keys import begin, settle
from testamur.ids import new_id, normalize_id
from testamur.rendering.pictures import Prepared, prepare_picture
from testamur.rendering.renderer import Finding, RenderingFailed
from testamur.text import parse_day
from testamur.web.translating import gettext as _
from testamur.web.translating import joined, marked
from testamur.workspaces.allowance import plan_of

Action = Literal["draft", "issue", "send"]

TEMPLATES_MAX = 500
PREVIEW_WIDTH_PX = 800
FILES_MAX = 20
FILE_PREFIX = "file."
# What a recipient has already, told when the same is about to be issued again.
STATES = {"draft": marked("draft"), "scheduled": marked("scheduled"), "issued": marked("issued")}
FINDINGS = {
    "overflow": marked("Too long for its place in the design: %(what)s"),
    "missing": marked("The design shows it, and it has no value: %(what)s"),
    "glyph": marked("No font of the design has some of its letters: %(what)s"),
}
ACTIONS: Mapping[str, Action] = {"draft": "draft", "issue": "issue", "send": "send"}
ACTIONS_NEED: Mapping[Action, Permission] = {
    "draft": "draft_credentials",
    "issue": "issue_credentials",
    "send": "issue_credentials",
}
AUDITED = {"draft": "credential.created", "issue": "credential.issued", "send": "credential.sent"}


LABELS = {
    "recipient.name": marked("Recipient's name"),
    "recipient.email": marked("Email address"),
    "certificate.issued_on": marked("Issue date"),
    "certificate.expired_on": marked("Expiry date"),
    "issue_date": marked("Issue date"),
    "expiry_date": marked("Expiry date"),
    "issuer.name": marked("Issuer's name"),
    "issuer.support_email": marked("Issuer's support email"),
    "group.name": marked("Name of the credential template"),
    "course.name": marked("Name of the credential template"),
}


@dataclass(frozen=True)
class Setting:
    """What the form is made for: a template, and the attributes that its designs show and those that they do not."""

    template: CredentialTemplate
    shown: Sequence[Attribute]
    others: Sequence[Attribute]

    @property
    def attributes(self) -> list[Attribute]:
        return [*self.shown, *self.others]

    @property
    def types(self) -> dict[str, AttributeType]:
        return {attribute.tag: attribute.type for attribute in self.attributes}

    def label(self, name: str) -> str:
        """What a person calls a field, an attribute's tag or a path in a fault."""
        tag = name.removeprefix("custom_attributes.")
        custom = next((attribute.name for attribute in self.attributes if attribute.tag == tag), None)
        return custom or (_(LABELS[tag]) if tag in LABELS else tag)


@dataclass
class Given:
    """What somebody filled in, and what of it cannot be read."""

    name: str
    email: str | None
    issue_date: date | None
    expiry_date: date | None
    custom: dict[str, str]
    problems: list[Problem] = field(default_factory=list)


class _Sent(Exception):
    """The form was sent before, and this is what it made."""

    def __init__(self, credential_id: str) -> None:
        self.credential_id = credential_id


class _Repeats(Exception):
    """The recipient has a credential of the template already."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential


async def show_form(visit: WorkspaceVisit) -> Response:
    template_id = visit.query("template")
    choices = await visit.read(lambda tx: list_template_names(tx, visit.workspace_id, TEMPLATES_MAX + 1))
    if not template_id and len(choices) == 1:
        template_id = choices[0][0]
    if not template_id:
        return visit.page("issue/choose.html", {"choices": choices, "template_id": "", "at": "/issue"})
    setting = await visit.read(lambda tx: read_setting(tx, visit.workspace_id, template_id))
    return _form_page(visit, setting, choices, {})


async def show_preview(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    setting = await visit.read(lambda tx: read_setting(tx, visit.workspace_id, form.text("template")))
    given = _given(form, setting)
    award, faults = await visit.read(lambda tx: _tolerant_award(tx, visit, setting, given))
    return await picture_page(visit, setting, CheckedRow(1, award, None), faults)


async def add_picture(visit: WorkspaceVisit) -> Response:
    """Keeps a picture as soon as it is chosen, so that it is in the preview; answers with its field."""
    form = await visit.form(with_files=True, files_max=FILES_MAX)
    name = next((name for name in form.names() if name.startswith(FILE_PREFIX)), "")
    tag = name.removeprefix(FILE_PREFIX)
    found = await visit.read(lambda tx: list_attributes(tx, visit.workspace_id))
    attribute = next((item for item in found if item.tag == tag and item.type == "image"), None)
    upload = form.file(name)
    if attribute is None or upload is None:
        raise NotFound
    value, fault = form.text(f"custom_attributes.{tag}"), ""
    try:
        picture = await run_sync(prepare_picture, await upload.read())
        value = await visit.write(partial(_add_asset, visit, picture), action="picture.added")
    except Invalid as failure:
        fault = failure.message
    path = f"custom_attributes.{tag}"
    context = {
        "attribute": attribute,
        "values": {path: value},
        "faults": {path: fault} if fault else {},
        "uploaded": "" if fault else upload.filename,
    }
    response = visit.page("issue/picture_field.html", context, status=422 if fault else 200)
    response.headers["HX-Trigger"] = "picture-added"
    return response


async def issue(visit: WorkspaceVisit) -> Response:
    form = await visit.form(with_files=True, files_max=FILES_MAX)
    action = ACTIONS.get(form.text("action"), "issue" if visit.may("issue_credentials") else "draft")
    try:
        visit.member.require(ACTIONS_NEED[action])
    except Forbidden as refusal:
        return visit.page("forbidden.html", {"message": refusal.message}, status=403)
    template_id = form.text("template")
    choices = await visit.read(lambda tx: list_template_names(tx, visit.workspace_id, TEMPLATES_MAX + 1))
    try:
        setting = await visit.read(lambda tx: read_setting(tx, visit.workspace_id, template_id))
    except NotFound:
        context = {"choices": choices, "template_id": "", "at": "/issue", "is_gone": bool(template_id)}
        return visit.page("issue/choose.html", context, status=422)
    values = form.values()
    try:
        values |= await _kept_pictures(visit, form, setting)
        given = _given(form, setting, values)
        if action == "send" and given.email is None:
            given.problems.append(Problem(("recipient", "email"), _("Needed to send; or choose to issue only")))
        work = partial(_issue, visit=visit, form=form, setting=setting, given=given, action=action)
        credential = await visit.write(work, action=AUDITED[action], subject=lambda made: made.id)
    except _Sent as sent:
        return visit.go(
            visit.url(f"/issue/done/{sent.credential_id}"), _("This form was sent before; nothing was done twice.")
        )
    except _Repeats as found:
        return _form_page(visit, setting, choices, values, repeats=found.credential, status=422)
    except (Invalid, Unprocessable, Conflict, PaymentRequired, Unavailable) as failure:
        return _form_page(visit, setting, choices, values, faults=_told(failure), status=422)
    return visit.go(visit.url(f"/issue/done/{credential.id}"))


async def show_issued(visit: WorkspaceVisit) -> Response:
    credential_id = normalize_id(visit.parameter("id")) or ""

    def read(tx: Transaction) -> tuple[Credential, CredentialTemplate, list[Any]]:
        credential = get_credential(tx, visit.workspace_id, credential_id)
        template = get_credential_template(tx, visit.workspace_id, credential.credential_template_id)
        return credential, template, current_renderings(tx, visit.workspace, credential, visit.base_url)

    credential, template, renderings = await visit.read(read)
    if not await visit.read(lambda tx: are_recorded(tx, renderings)):
        await visit.write_unrecorded(lambda tx: record_renderings(tx, renderings))
    pictures = [
        rendering_url(
            "",
            workspace_id=visit.workspace_id,
            credential_id=credential.id,
            design_id=rendering.design.id,
            digest=rendering.digest,
            format_="webp",
        )
        + f"?width={PREVIEW_WIDTH_PX}"
        for rendering in renderings
    ]
    context = {
        "credential": credential,
        "template": template,
        "pictures": pictures,
        "address": page_url(visit.base_url, credential.public_id),
    }
    return visit.page("issue/issued.html", context)


def read_setting(tx: Transaction, workspace_id: str, template_id: str) -> Setting:
    """Raises NotFound for a template that the workspace does not have."""
    template = get_credential_template(tx, workspace_id, normalize_id(template_id) or "")
    designs = find_designs(tx, workspace_id, template.design_ids)
    versions = find_shown(tx, workspace_id, [(design.id, design.version) for design in designs.values()])
    shown = {tag for version in versions.values() for tag in version.tags}
    attributes = list_attributes(tx, workspace_id)
    return Setting(
        template,
        [attribute for attribute in attributes if attribute.tag in shown],
        [attribute for attribute in attributes if attribute.tag not in shown],
    )


async def picture_page(
    visit: WorkspaceVisit,
    setting: Setting,
    row: CheckedRow,
    faults: Mapping[str, str],
    context: Mapping[str, Any] | None = None,
    *,
    name: str = "issue/preview.html",
) -> Response:
    """A page or a part of one with the pictures of a row's certificates, and what should be looked at in them."""
    platform = visit.platform
    pictures: list[tuple[str, str]] = []
    findings: list[str] = []
    failure = ""

    def draw() -> tuple[list[Finding], list[tuple[Any, bytes]]]:
        found = [item.finding for _row, items in check.check([row], at=visit.at) for item in items]
        return found, check.pictures(row, width_px=PREVIEW_WIDTH_PX, at=visit.at)

    try:
        check = await visit.read(
            lambda tx: AwardCheck(tx, platform.renderers, visit.workspace, setting.template, visit.base_url)
        )
        # A picture may come from a slow server: whoever waits for it keeps nobody from drawing.
        await run_sync(lambda: check.fetch_pictures(row, at=visit.at))
        found, drawn = await platform.rendering_threads.run(draw)
    except (Unavailable, RenderingFailed, Invalid):
        failure = _("The picture could not be drawn now; it will be tried again with your next change.")
    else:
        pictures = [(design.name, "data:image/webp;base64," + b64encode(content).decode()) for design, content in drawn]
        told = [_(FINDINGS[item.kind]) % {"what": joined([setting.label(tag) for tag in item.tags])} for item in found]
        findings = list(dict.fromkeys(told))
    told_faults = {setting.label(path): message for path, message in faults.items()}
    whole = {"pictures": pictures, "findings": findings, "failure": failure, "faults": told_faults, **(context or {})}
    return with_pictures(visit.page(name, {"setting": setting, "award": row.award, **whole}))


def with_pictures(response: Response) -> Response:
    """A page that may show pictures which stand in it: what was not issued has no address that could be asked for."""
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace("img-src 'self'", "img-src 'self' data:")
    return response


def _form_page(
    visit: WorkspaceVisit,
    setting: Setting,
    choices: Sequence[tuple[str, str]],
    values: Mapping[str, str],
    *,
    faults: Mapping[str, str] | None = None,
    repeats: Credential | None = None,
    status: int = 200,
) -> Response:
    paths = ("recipient.name", "recipient.email", "issue_date", "expiry_date")
    labels = {path: setting.label(path) for path in faults or ()} | {path: setting.label(path) for path in paths}
    context = {
        "setting": setting,
        "choices": choices,
        "at": "/issue",
        "template_id": setting.template.id,
        "values": values,
        "faults": faults or {},
        "labels": labels,
        "repeats": repeats,
        "repeats_state": _(STATES[repeats.state]) if repeats else "",
        # A refused form made nothing, and what is sent next is another one.
        "token": new_id(),
        "today": today(visit.workspace.time_zone, visit.at),
        "is_open": any(path in (faults or {}) for path in ("issue_date", "expiry_date"))
        or any(f"custom_attributes.{attribute.tag}" in (faults or {}) for attribute in setting.others),
    }
    return with_pictures(visit.page("issue/form.html", context, status=status))


def _told(failure: TestamurError) -> dict[str, str]:
    """What a refused form says, by field."""
    if isinstance(failure, Invalid):
        return faults_of(failure)
    if isinstance(failure, Unprocessable):
        return {
            "": _(
                "This form was sent before, with other entries, and made a credential then. "
                "Send it again to make another one of what stands here now."
            )
        }
    return {"": failure.message}


def _issue(
    tx: Transaction, *, visit: WorkspaceVisit, form: Form, setting: Setting, given: Given, action: Action
) -> Credential:
    token = normalize_id(form.text("token"))
    if token is None:
        raise Invalid(_("The form cannot be read; open its page again and send it from there"))
    asked = [setting.template.id, action, given.name, given.email, given.issue_date, given.expiry_date, given.custom]
    digest = sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()
    key = f"form:{token}"
    stored = begin(tx, visit.workspace_id, key, digest, at=visit.at)
    if stored is not None:
        raise _Sent(stored.body)
    platform = visit.platform
    plan = plan_of(visit.workspace, platform.settings.plans)
    values: dict[str, Any] = {
        "credential_template_id": setting.template.id,
        "recipient_name": given.name,
        "recipient_email": given.email,
        "issue_date": given.issue_date,
        "expiry_date": given.expiry_date,
        "custom_attributes": given.custom or None,
        "plan": plan,
        "at": visit.at,
    }
    try:
        draft, template = prepare_credential(tx, visit.workspace, **values)
    except Invalid as failure:
        raise Invalid.of([*given.problems, *failure.problems]) from None
    if given.problems:
        raise Invalid.of(given.problems)
    if not form.has("again"):
        owner = draft.recipient
        found = find_same_award(tx, visit.workspace_id, setting.template.id, name=owner.name, email=owner.email)
        if found is not None:
            raise _Repeats(found)
    options: dict[str, Any] = {"signers": platform.signers, "plan": plan, "at": visit.at}
    if action == "send":
        made = issue_and_send(tx, visit.workspace, draft, template, **options)
    else:
        made = store_draft(tx, draft, at=visit.at)
        if action == "issue":
            made = issue_credential(tx, visit.workspace, made.id, **options)
    settle(tx, visit.workspace_id, key, status=303, body=made.id)
    return made


def _given(form: Form, setting: Setting, values: Mapping[str, str] | None = None) -> Given:
    sent = form.values() if values is None else values
    problems: list[Problem] = []

    def day(name: str) -> date | None:
        text = sent.get(name, "").strip()
        try:
            return parse_day(text) if text else None
        except Invalid as failure:
            problems.append(Problem((name,), failure.message))
            return None

    # Browsers send line breaks as two characters, whatever the system.
    custom = {
        attribute.tag: value.replace("\r\n", "\n")
        for attribute in setting.attributes
        if (value := sent.get(f"custom_attributes.{attribute.tag}", "").strip())
    }
    name, email = sent.get("recipient.name", ""), sent.get("recipient.email", "").strip() or None
    return Given(name, email, day("issue_date"), day("expiry_date"), custom, problems)


def _tolerant_award(
    tx: Transaction, visit: WorkspaceVisit, setting: Setting, given: Given
) -> tuple[Award, dict[str, str]]:
    """An award of what can be used of a form that is being filled in, and what is wrong with the rest."""
    values: dict[str, Any] = {
        # Nobody has done anything wrong who has not filled it in yet.
        "recipient_name": given.name.strip() or _("Recipient's name"),
        "recipient_email": given.email,
        "issue_date": given.issue_date,
        "expiry_date": given.expiry_date,
        "custom_attributes": dict(given.custom),
    }
    rules: dict[str, Any] = {
        "types": setting.types,
        "has_picture": partial(has_asset, tx, visit.workspace_id),
        "today": today(visit.workspace.time_zone, visit.at),
    }
    problems = list(given.problems)
    try:
        award = check_award(**values, **rules)
    except Invalid as failure:
        problems.extend(failure.problems)
        for problem in failure.problems:
            match problem.path:
                case ("recipient", "name"):
                    values["recipient_name"] = _("Recipient's name")
                case ("recipient", "email"):
                    values["recipient_email"] = None
                case ("custom_attributes", tag):
                    values["custom_attributes"].pop(tag, None)
                case (name, *_rest):
                    values[str(name)] = None
        award = check_award(**values, **rules)
    faults = faults_of(Invalid.of(problems)) if problems else {}
    return with_expiry(award, setting.template, given.expiry_date), faults


async def _kept_pictures(visit: WorkspaceVisit, form: Form, setting: Setting) -> dict[str, str]:
    """The values of image attributes whose files came with the form, as they do without a script. Raises Invalid."""
    kept: dict[str, str] = {}
    problems: list[Problem] = []
    for attribute in setting.attributes:
        upload = form.file(FILE_PREFIX + attribute.tag) if attribute.type == "image" else None
        if upload is None:
            continue
        try:
            picture = await run_sync(prepare_picture, await upload.read())
        except Invalid as failure:
            problems.append(Problem(("custom_attributes", attribute.tag), failure.message))
            continue
        source = await visit.write(partial(_add_asset, visit, picture), action="picture.added")
        kept[f"custom_attributes.{attribute.tag}"] = source
    if problems:
        raise Invalid.of(problems)
    return kept


def _add_asset(visit: WorkspaceVisit, picture: Prepared, tx: Transaction) -> str:
    return "asset:" + add_asset(tx, visit.platform.storage, visit.workspace_id, picture, at=visit.at)


SCREENS = (
    in_workspace("GET", "/issue", show_form, "draft_credentials"),
    in_workspace("POST", "/issue", issue, "draft_credentials"),
    in_workspace("POST", "/issue/preview", show_preview, "draft_credentials"),
    in_workspace("POST", "/issue/pictures", add_picture, "draft_credentials"),
    in_workspace("GET", "/issue/done/{id}", show_issued, "draft_credentials"),
)
