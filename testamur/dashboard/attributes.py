"""Attributes: the workspace's own, and the standard ones to copy."""

from typing import Any, get_args

from starlette.responses import Response

from testamur.attributes.defining import PREFIX, define_attribute, rename_attribute
from testamur.attributes.model import AttributeType
from testamur.attributes.queries import get_attribute, list_attributes
from testamur.attributes.standard import STANDARD
from testamur.credentials.deleting import delete_attribute
from testamur.dashboard.parameters import id_in_path
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Undo, WorkspaceVisit, faults_of
from testamur.errors import Conflict, Invalid, PaymentRequired
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.workspaces.allowance import plan_of

TYPES: dict[AttributeType, str] = {
    "text": marked("Text"),
    "date": marked("Date"),
    "number": marked("Number"),
    "image": marked("Picture"),
}
ABOUT_TYPES: dict[AttributeType, str] = {
    "text": marked("Any text."),
    "date": marked("Written as the language of the template asks for."),
    "number": marked("Written with the separators of the language."),
    "image": marked("A picture, such as a signature: its address, or one that was uploaded."),
}
# As `STANDARD` calls them, for translators.
STANDARD_NAMES = {
    "recipient.name": marked("Recipient name"),
    "recipient.email": marked("Recipient email"),
    "certificate.issued_on": marked("Issue date"),
    "certificate.expired_on": marked("Expiry date"),
    "certificate.uuid": marked("Public id"),
    "certificate.id": marked("Credential id"),
    "issuer.name": marked("Issuer name"),
    "issuer.support_email": marked("Issuer support email"),
    "group.name": marked("Credential template name"),
    "course.name": marked("Course name"),
    "credential.url": marked("Credential page"),
}


async def show(visit: WorkspaceVisit) -> Response:
    return await _page(visit)


async def _page(
    visit: WorkspaceVisit,
    *,
    typed: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
    renamed: str = "",
) -> Response:
    """`renamed` is the id of the attribute whose new name was refused."""
    own = await visit.read(lambda tx: list_attributes(tx, visit.workspace_id))
    context: dict[str, Any] = {
        "own": own,
        "standard": STANDARD,
        "standard_names": STANDARD_NAMES,
        "types": TYPES,
        "about_types": ABOUT_TYPES,
        "typed": {"name": "", "tag": "", "type": "text", **(typed or {})},
        "faults": faults or {},
        "renamed": renamed,
    }
    return visit.page("attributes/list.html", context, status=422 if faults else 200)


async def define(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    name, tag, wanted = form.text("name"), form.text("tag").strip(), form.text("type")
    type_ = next((known for known in get_args(AttributeType) if known == wanted), None)
    try:
        if type_ is None:
            raise Invalid(_("Choose what its values are"), ("type",))
        if not name.strip():
            raise Invalid("Must not be empty", ("name",))
        plan_of(visit.workspace, visit.platform.settings.plans).require("custom_attributes")
        # Whoever writes a tag without its beginning means it with it.
        full = None if not tag else tag if tag.startswith(PREFIX) else PREFIX + tag
        await visit.write(
            lambda tx: define_attribute(tx, visit.workspace_id, tag=full, name=name, type_=type_, at=visit.at),
            action="attribute.created",
            subject=lambda made: made.id,
        )
    except Invalid as error:
        return await _page(visit, typed=form.values(), faults=faults_of(error))
    except Conflict as refusal:
        return await _page(visit, typed=form.values(), faults={"tag": refusal.message})
    except PaymentRequired as refusal:
        return await _page(visit, typed=form.values(), faults={"": refusal.message})
    return visit.go(visit.url("/attributes"), _("The attribute is defined"))


async def rename(visit: WorkspaceVisit) -> Response:
    form, attribute_id = await visit.form(), id_in_path(visit)
    before = await visit.read(lambda tx: get_attribute(tx, visit.workspace_id, attribute_id))
    try:
        after = await visit.write(
            lambda tx: rename_attribute(tx, visit.workspace_id, attribute_id, name=form.text("name"), at=visit.at),
            action="attribute.updated",
            subject=attribute_id,
        )
    except Invalid as error:
        faults = {"renamed": faults_of(error)["name"]}
        return await _page(visit, typed={"renamed": form.text("name")}, faults=faults, renamed=attribute_id)
    undo = Undo(visit.url(f"/attributes/{attribute_id}/rename"), {"name": before.name}) if after != before else None
    return visit.go(visit.url("/attributes"), _("Saved"), undo=undo)


async def delete(visit: WorkspaceVisit) -> Response:
    await visit.form()
    attribute_id = id_in_path(visit)
    before = await visit.read(lambda tx: get_attribute(tx, visit.workspace_id, attribute_id))
    try:
        await visit.write(
            lambda tx: delete_attribute(tx, visit.workspace_id, attribute_id),
            action="attribute.deleted",
            subject=attribute_id,
            details={"tag": before.tag},
        )
    except Conflict as refusal:
        return visit.go(visit.url("/attributes"), refusal.message, kind="bad")
    # Nothing had a value for it, so defining it anew brings all of it back.
    undo = Undo(visit.url("/attributes"), {"name": before.name, "tag": before.tag, "type": before.type})
    return visit.go(visit.url("/attributes"), _("[%(tag)s] was deleted") % {"tag": before.tag}, undo=undo)


SCREENS = (
    in_workspace("GET", "/attributes", show, "view"),
    in_workspace("POST", "/attributes", define, "edit_templates"),
    in_workspace("POST", "/attributes/{id}/rename", rename, "edit_templates"),
    in_workspace("POST", "/attributes/{id}/delete", delete, "edit_templates"),
)
