"""What a workspace says of itself, what it may use, and its data."""

from anyio.to_thread import run_sync
from starlette.responses import Response, StreamingResponse

from testamur.clock import today
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Form, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.designs.assets import add_asset
from testamur.errors import Conflict, Invalid
from testamur.plans import Feature
from testamur.rendering.pictures import prepare_picture
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.workspace_data.deleting import close_workspace
from testamur.workspace_data.exporting import export_workspace
from testamur.workspaces.allowance import find_usage, plan_of
from testamur.workspaces.checking import time_zones
from testamur.workspaces.editing import update_workspace
from testamur.workspaces.model import EmailForm, NameForm, Workspace

LOGO_BYTES_MAX = 2 * 1024 * 1024
NAME_FORMS: dict[NameForm, str] = {
    "plain": marked("The name, so that everybody who verifies sees whose it is"),
    "hidden": marked("No name"),
}
EMAIL_FORMS: dict[EmailForm, str] = {
    "hashed": marked("A hash: whoever knows the address can confirm it"),
    "plain": marked("The address itself"),
    "hidden": marked("Nothing"),
}
FEATURES: dict[Feature, str] = {
    "expiry": marked("Expiry dates"),
    "custom_attributes": marked("Custom attributes"),
    "webhooks": marked("Webhooks"),
    "email_templates": marked("Texts of emails"),
    "imports": marked("Spreadsheets"),
}
_FIELDS = (
    "name",
    "slug",
    "website_url",
    "support_email",
    "description",
    "brand_color",
    "time_zone",
    "names_in_credentials",
    "emails_in_credentials",
)


async def show_profile(visit: WorkspaceVisit) -> Response:
    return _profile_page(visit, {field: getattr(visit.workspace, field) or "" for field in _FIELDS}, {})


def _profile_page(
    visit: WorkspaceVisit, values: dict[str, str], faults: dict[str, str], *, is_indexed: bool | None = None
) -> Response:
    logo = visit.workspace.logo_url or ""
    context = {
        "values": values,
        "faults": faults,
        # One that lies elsewhere is not shown: pages load nothing from other hosts.
        "logo": logo.removeprefix(visit.base_url) if logo.startswith(f"{visit.base_url}/i/") else "",
        "is_indexed": visit.workspace.is_indexed if is_indexed is None else is_indexed,
        "name_forms": [(form, _(text)) for form, text in NAME_FORMS.items()],
        "email_forms": [(form, _(text)) for form, text in EMAIL_FORMS.items()],
        "time_zones": [(zone, zone) for zone in sorted(time_zones())],
    }
    return visit.page("settings/profile.html", context, status=422 if faults else 200)


async def save_profile(visit: WorkspaceVisit) -> Response:
    form = await visit.form(with_files=True)
    try:
        workspace = await _save(visit, form)
    except Invalid as failure:
        return _profile_page(visit, _texts(form), faults_of(failure), is_indexed=form.has("is_indexed"))
    except Conflict as failure:
        return _profile_page(visit, _texts(form), {"slug": failure.message}, is_indexed=form.has("is_indexed"))
    # The page is now at the address of the new slug.
    return visit.go(f"/w/{workspace.slug}/settings", _("The settings are saved"))


def _texts(form: Form) -> dict[str, str]:
    return {field: form.text(field) for field in _FIELDS}


async def _save(visit: WorkspaceVisit, form: Form) -> Workspace:
    upload = form.file("logo")
    picture = None
    if upload is not None:
        content = await upload.read(LOGO_BYTES_MAX + 1)
        try:
            if len(content) > LOGO_BYTES_MAX:
                raise Invalid("Must have at most 2 MB")
            picture = await run_sync(prepare_picture, content)
            if picture.media_type not in {"image/png", "image/svg+xml"}:
                raise Invalid("Must be a PNG or SVG picture")
        except Invalid as failure:
            raise failure.under("logo") from None
    names = next((known for known in NAME_FORMS if known == form.text("names_in_credentials")), None)
    emails = next((known for known in EMAIL_FORMS if known == form.text("emails_in_credentials")), None)
    if names is None or emails is None:
        raise Invalid(
            "Must be one of the choices", ("names_in_credentials" if names is None else "emails_in_credentials",)
        )

    def save(tx: Transaction) -> Workspace:
        logo_url = visit.workspace.logo_url
        if form.has("remove_logo"):
            logo_url = None
        if picture is not None:
            digest = add_asset(tx, visit.platform.storage, visit.workspace_id, picture, at=visit.at)
            logo_url = f"{visit.base_url}/i/{visit.workspace.slug}/logo/{digest}"
        return update_workspace(
            tx,
            visit.workspace_id,
            name=form.text("name"),
            slug=form.text("slug").strip(),
            website_url=form.text("website_url"),
            support_email=form.text("support_email"),
            description=form.text("description"),
            logo_url=logo_url,
            brand_color=form.text("brand_color") if form.has("has_brand_color") else None,
            time_zone=form.text("time_zone"),
            names_in_credentials=names,
            emails_in_credentials=emails,
            is_indexed=form.has("is_indexed"),
            at=visit.at,
        )

    return await visit.write(save, action="workspace.updated", subject=visit.workspace_id)


async def show_plan(visit: WorkspaceVisit) -> Response:
    plan = plan_of(visit.workspace, visit.platform.settings.plans)
    year = today(visit.workspace.time_zone, visit.at).year
    used = await visit.read(lambda tx: find_usage(tx, visit.workspace_id, year))
    context = {"plan": plan, "plan_name": visit.workspace.plan, "year": year, "used": used, "features": FEATURES}
    return visit.page("settings/plan.html", context)


async def show_data(visit: WorkspaceVisit) -> Response:
    return visit.page("settings/data.html", {"faults": {}})


async def export_data(visit: WorkspaceVisit) -> Response:
    """A form sends for it, so that no link that somebody follows starts it."""
    await visit.form()
    await visit.write(lambda _tx: None, action="workspace.exported", subject=visit.workspace_id)
    content = export_workspace(visit.platform.database, visit.platform.storage, visit.workspace_id, at=visit.at)
    headers = {
        "Content-Disposition": f'attachment; filename="{visit.workspace.slug}-{visit.at:%Y-%m-%d}.zip"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(content, media_type="application/zip", headers=headers)


async def delete_data(visit: WorkspaceVisit) -> Response:
    confirmation = (await visit.form()).text("confirmation")
    try:
        await visit.write_unrecorded(
            lambda tx: close_workspace(tx, visit.workspace, confirmation=confirmation, at=visit.at)
        )
    except Invalid as failure:
        return visit.page("settings/data.html", {"faults": faults_of(failure)}, status=422)
    visit.platform.wake_worker()
    return visit.go("/workspaces", _("The workspace is deleted; what it held is being removed"))


SCREENS = (
    in_workspace("GET", "/settings", show_profile, "view"),
    in_workspace("POST", "/settings", save_profile, "manage_settings"),
    in_workspace("GET", "/settings/plan", show_plan, "view"),
    in_workspace("GET", "/settings/data", show_data, "manage_workspace"),
    in_workspace("POST", "/settings/data/export", export_data, "manage_workspace"),
    in_workspace("POST", "/settings/data/delete", delete_data, "manage_workspace"),
)
