"""Credential templates: what is awarded, with which designs, for how long, and what its signed form says."""

from collections.abc import Mapping
from typing import Any, get_args

from babel import Locale
from starlette.responses import Response

from testamur.attributes.queries import list_attributes
from testamur.credential_templates.achievement import Meaning, ResultType
from testamur.credential_templates.duplicating import duplicate_credential_template
from testamur.credential_templates.editing import (
    NAME_LENGTH_MAX,
    create_credential_template,
    update_credential_template,
)
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template, search_credential_templates
from testamur.credentials.queries import COUNTED_MAX, uses_of_templates
from testamur.dashboard.once import write_once
from testamur.dashboard.parameters import id_in_path, searched
from testamur.dashboard.pictures import SAMPLE_LABELS, WIDTH_PX, Shown, sample_path, thumbnail
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.template_forms import TemplateForm, read_form, rearranged, to_form
from testamur.dashboard.visits import WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.delivery.model import EmailTemplate
from testamur.delivery.queueing import EMAIL_KINDS, EmailKind
from testamur.delivery.templates import choose_email_template, chosen_email_templates, every_email_template
from testamur.designs.model import Design
from testamur.designs.queries import find_designs, search_designs
from testamur.errors import Conflict, Invalid, NotFound, PaymentRequired
from testamur.ids import new_id, normalize_id
from testamur.imports.deleting import delete_template
from testamur.interactions.queries import NEWEST_MAX, summarize_newest
from testamur.openbadges.documents import ACHIEVEMENT_TYPES
from testamur.plans import Plan
from testamur.web.translating import gettext as _
from testamur.web.translating import locale_in_use, marked
from testamur.wire.v1.paging import read_cursor, to_page
from testamur.workspaces.allowance import plan_of

PAGE_SIZE = 20
OFFERED_MAX = 24

UNITS = {"days": marked("days"), "weeks": marked("weeks"), "months": marked("months"), "years": marked("years")}
EMAIL_LABELS: dict[EmailKind, str] = {
    "delivery": marked("Delivery"),
    "expiry_reminder": marked("Expiry reminder"),
    "expired": marked("Expired"),
}
MEANINGS: dict[Meaning, str] = {
    "result": marked("A result, such as a grade"),
    "credits": marked("Credits or hours"),
    "licenseNumber": marked("The number of a license"),
    "role": marked("The recipient's role"),
    "term": marked("The term"),
    "evidence": marked("The address of evidence"),
    "narrative": marked("What the recipient did"),
}
SUMMARY = {
    "viewed": marked("Viewed"),
    "downloaded": marked("Downloaded"),
    "shared": marked("Shared"),
    "verified": marked("Verified"),
    "opened": marked("Mail opened"),
}
# Which languages are offered for dates and numbers on credentials.
_LANGUAGES = [
    "ar",
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "en-US",
    "es",
    "et",
    "fa",
    "fi",
    "fr",
    "he",
    "hi",
    "hr",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "lt",
    "lv",
    "ms",
    "nb",
    "nl",
    "pl",
    "pt",
    "pt-BR",
    "ro",
    "ru",
    "sk",
    "sl",
    "sr",
    "sv",
    "th",
    "tr",
    "uk",
    "ur",
    "vi",
    "zh",
]


def _plan(visit: WorkspaceVisit) -> Plan:
    return plan_of(visit.workspace, visit.platform.settings.plans)


async def show_list(visit: WorkspaceVisit) -> Response:
    named = searched(visit)
    list_name = f"credential-templates:{visit.workspace_id}:{named}"
    cursor = read_cursor(visit.query("cursor"), list_name)

    def read(tx: Transaction) -> tuple[Any, dict[str, Design], Mapping[str, Any]]:
        page = search_credential_templates(tx, visit.workspace_id, cursor, PAGE_SIZE, named=named)
        used = {design_id for template in page.items for design_id in template.design_ids}
        uses = uses_of_templates(tx, visit.workspace_id, [template.id for template in page.items])
        return page, find_designs(tx, visit.workspace_id, used), uses

    page, designs, uses = await visit.read(read)
    pages = to_page(page, list_name, lambda template: template).pagination

    def at(place: str | None) -> str | None:
        return None if place is None else visit.url("/templates", q=named, cursor=place)

    context = {
        "items": page.items,
        "designs": designs,
        "uses": uses,
        "counted_max": COUNTED_MAX,
        "thumbnail": thumbnail,
        "named": named,
        "previous": at(pages.prev),
        "next": at(pages.next),
        "once": new_id(),
    }
    return visit.page("templates/list.html", context)


async def show(visit: WorkspaceVisit) -> Response:
    template_id = id_in_path(visit)

    def read(tx: Transaction) -> dict[str, Any]:
        template = get_credential_template(tx, visit.workspace_id, template_id)
        designs = find_designs(tx, visit.workspace_id, template.design_ids)
        shown = Shown(template.name, template.language, template.expiry_rule)
        chosen = set(chosen_email_templates(tx, visit.workspace_id, template_id).values())
        return {
            "template": template,
            "designs": [designs[design_id] for design_id in template.design_ids],
            "pictures": _pictures(tx, visit, [designs[design_id] for design_id in template.design_ids], shown),
            "use": uses_of_templates(tx, visit.workspace_id, [template_id])[template_id],
            "summary": summarize_newest(tx, visit.workspace_id, template_id),
            "emails": [email for email in every_email_template(tx, visit.workspace_id) if email.id in chosen],
        }

    found = await visit.read(read)
    language = found["template"].language
    context = {
        **found,
        "labels": SUMMARY,
        "units": UNITS,
        "email_labels": EMAIL_LABELS,
        "counted_max": COUNTED_MAX,
        "newest_max": NEWEST_MAX,
        "language": _language_name(language),
        "once": new_id(),
    }
    return visit.page("templates/template.html", context)


async def show_new(visit: WorkspaceVisit) -> Response:
    wanted = normalize_id(visit.query("design"))

    def choose(tx: Transaction) -> list[str]:
        if wanted is not None:
            return list(find_designs(tx, visit.workspace_id, [wanted]))
        newest = search_designs(tx, visit.workspace_id, None, 1, type_="certificate", named="").items
        newest = newest or search_designs(tx, visit.workspace_id, None, 1, type_=None, named="").items
        return [design.id for design in newest]

    return await _form_page(visit, TemplateForm(design_ids=await visit.read(choose)), once=new_id())


async def create(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    edited = read_form(form)
    # The form keeps its name, so that it makes one template however often it is refused or sent again.
    once = normalize_id(form.text("once")) or new_id()
    arranged = rearranged(form, edited)
    if arranged is not None:
        return await _form_page(visit, arranged, once=once, find=form.text("find"))
    plan = _plan(visit)

    def make(tx: Transaction) -> str:
        made = create_credential_template(
            tx,
            visit.workspace_id,
            name=edited.name,
            design_ids=edited.design_ids,
            learning_event_url=edited.learning_event_url.strip() or None,
            description=edited.description.strip() or None,
            criteria=edited.criteria.strip() or None,
            expiry_rule=edited.expiry_rule,
            language=edited.language,
            plan=plan,
            at=visit.at,
        )
        update_credential_template(
            tx,
            visit.workspace_id,
            made.id,
            design_policy=edited.policy,
            achievement=edited.achievement,
            plan=plan,
            at=visit.at,
        )
        _choose_emails(tx, visit, made.id, edited, plan)
        return made.id

    try:
        template_id = await write_once(visit, form, make, action="credential_template.created")
    except (Invalid, NotFound, PaymentRequired) as refusal:
        return await _form_page(visit, edited, once=once, faults=_faults(refusal))
    return visit.go(visit.url(f"/templates/{template_id}"), _("Saved. It can be issued now."))


async def show_edit(visit: WorkspaceVisit) -> Response:
    template_id = id_in_path(visit)

    def read(tx: Transaction) -> tuple[CredentialTemplate, TemplateForm]:
        template = get_credential_template(tx, visit.workspace_id, template_id)
        return template, to_form(template, chosen_email_templates(tx, visit.workspace_id, template_id))

    template, edited = await visit.read(read)
    return await _form_page(visit, edited, template=template)


async def update(visit: WorkspaceVisit) -> Response:
    form, template_id = await visit.form(), id_in_path(visit)
    edited, plan = read_form(form), _plan(visit)
    template = await visit.read(lambda tx: get_credential_template(tx, visit.workspace_id, template_id))
    arranged = rearranged(form, edited)
    if arranged is not None:
        return await _form_page(visit, arranged, template=template, find=form.text("find"))

    def change(tx: Transaction) -> None:
        update_credential_template(
            tx,
            visit.workspace_id,
            template_id,
            name=edited.name,
            design_ids=edited.design_ids,
            learning_event_url=edited.learning_event_url.strip() or None,
            description=edited.description.strip() or None,
            criteria=edited.criteria.strip() or None,
            expiry_rule=edited.expiry_rule,
            language=edited.language,
            design_policy=edited.policy,
            achievement=edited.achievement,
            plan=plan,
            at=visit.at,
        )
        _choose_emails(tx, visit, template_id, edited, plan)

    try:
        await visit.write(change, action="credential_template.updated", subject=template_id)
    except (Invalid, NotFound, PaymentRequired) as refusal:
        return await _form_page(visit, edited, template=template, faults=_faults(refusal))
    return visit.go(visit.url(f"/templates/{template_id}"), _("Saved"))


def _choose_emails(tx: Transaction, visit: WorkspaceVisit, template_id: str, edited: TemplateForm, plan: Plan) -> None:
    before = chosen_email_templates(tx, visit.workspace_id, template_id)
    for kind in EMAIL_KINDS:
        wanted = edited.emails.get(kind)
        if wanted == before.get(kind):
            continue
        plan.require("email_templates")
        try:
            choose_email_template(tx, visit.workspace_id, template_id, kind, wanted)
        except (Invalid, NotFound) as error:
            raise Invalid(error.message, (f"email.{kind}",)) from None


def _faults(refusal: Invalid | NotFound | PaymentRequired) -> dict[str, str]:
    if isinstance(refusal, Invalid):
        return faults_of(refusal)
    return {"design_ids" if isinstance(refusal, NotFound) else "": refusal.message}


async def _form_page(
    visit: WorkspaceVisit,
    edited: TemplateForm,
    *,
    template: CredentialTemplate | None = None,
    once: str = "",
    find: str = "",
    faults: dict[str, str] | None = None,
) -> Response:
    """The editor, of a template or of a new one."""
    looked_for = "".join(char for char in find[:200] if char.isprintable()).strip()

    def read(tx: Transaction) -> dict[str, Any]:
        found = find_designs(tx, visit.workspace_id, [given for given in edited.design_ids if given])
        chosen = [found[given] for given in edited.design_ids if given in found]
        offered = search_designs(tx, visit.workspace_id, None, OFFERED_MAX, type_=None, named=looked_for).items
        return {
            "chosen": chosen,
            "offered": [design for design in offered if design not in chosen],
            "pictures": _pictures(tx, visit, chosen, edited.shown(_("Name of the template"))),
            "attributes": list_attributes(tx, visit.workspace_id),
            "email_choices": _email_choices(every_email_template(tx, visit.workspace_id)),
        }

    known = dict(_known_languages())
    context = {
        **await visit.read(read),
        "template": template,
        "edited": edited,
        "once": once,
        "find": looked_for,
        "faults": faults or {},
        "thumbnail": thumbnail,
        "units": UNITS,
        "email_labels": EMAIL_LABELS,
        "meanings": MEANINGS,
        "result_types": get_args(ResultType),
        "achievement_types": sorted(ACHIEVEMENT_TYPES),
        "languages": list(known.items()) + ([] if edited.language in known else [(edited.language, edited.language)]),
    }
    return visit.page("templates/edit.html", context, status=422 if faults else 200)


def _pictures(
    tx: Transaction, visit: WorkspaceVisit, designs: list[Design], shown: Shown
) -> list[tuple[str, str, list[tuple[str, int, int]]]]:
    """Of each name to try, its label and the addresses and sizes of the pictures."""
    heights = [
        visit.platform.renderers.version(tx, visit.workspace_id, design.id, design.version).height_px(WIDTH_PX)
        for design in designs
    ]
    return [
        (
            sample,
            label,
            [
                (sample_path(visit, design, sample, shown), WIDTH_PX, height)
                for design, height in zip(designs, heights, strict=True)
            ],
        )
        for sample, label in SAMPLE_LABELS.items()
    ]


def _email_choices(emails: list[EmailTemplate]) -> dict[EmailKind, list[tuple[str, str]]]:
    def choices(kind: EmailKind) -> list[tuple[str, str]]:
        own = [email for email in emails if email.kind == kind]
        usual = next((email.name for email in own if email.is_default), None)
        default = _("Default text") if usual is None else _("Default: %(name)s") % {"name": usual}
        return [("", default), *((email.id, email.name) for email in own)]

    return {kind: choices(kind) for kind in EMAIL_KINDS}


def _known_languages() -> list[tuple[str, str]]:
    return sorted(((tag, _language_name(tag)) for tag in _LANGUAGES), key=lambda pair: pair[1])


def _language_name(tag: str) -> str:
    """As readers of the page call it; a tag that nobody knows is its own name."""
    try:
        return Locale.parse(tag, sep="-").get_display_name(locale_in_use().language) or tag
    except (ValueError, LookupError):
        return tag


async def duplicate(visit: WorkspaceVisit) -> Response:
    form, template_id = await visit.form(), id_in_path(visit)

    def copy(tx: Transaction) -> str:
        source = get_credential_template(tx, visit.workspace_id, template_id)
        name = (_("%(name)s (copy)") % {"name": source.name})[:NAME_LENGTH_MAX]
        return duplicate_credential_template(
            tx, visit.workspace_id, template_id, name=name, plan=_plan(visit), at=visit.at
        ).id

    try:
        made = await write_once(
            visit, form, copy, action="credential_template.created", details={"copy_of": template_id}
        )
    except PaymentRequired as refusal:
        return visit.go(visit.url(f"/templates/{template_id}"), refusal.message, kind="bad")
    return visit.go(visit.url(f"/templates/{made}/edit"), _("This is the copy"))


async def delete(visit: WorkspaceVisit) -> Response:
    await visit.form()
    template_id = id_in_path(visit)
    try:
        await visit.write(
            lambda tx: delete_template(tx, visit.workspace_id, template_id),
            action="credential_template.deleted",
            subject=template_id,
        )
    except Conflict as refusal:
        return visit.go(visit.url(f"/templates/{template_id}"), refusal.message, kind="bad")
    return visit.go(visit.url("/templates"), _("The credential template was deleted"))


SCREENS = (
    in_workspace("GET", "/templates", show_list, "view"),
    in_workspace("GET", "/templates/new", show_new, "edit_templates"),
    in_workspace("POST", "/templates/new", create, "edit_templates"),
    in_workspace("GET", "/templates/{id}", show, "view"),
    in_workspace("GET", "/templates/{id}/edit", show_edit, "edit_templates"),
    in_workspace("POST", "/templates/{id}/edit", update, "edit_templates"),
    in_workspace("POST", "/templates/{id}/duplicate", duplicate, "edit_templates"),
    in_workspace("POST", "/templates/{id}/delete", delete, "edit_templates"),
)
