"""Designs: the workspace's gallery, the one to begin with, and what can be done with a design but drawing it."""

from typing import Any

from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.credentials.deleting import delete_design, templates_with_design
from testamur.dashboard.once import write_once
from testamur.dashboard.parameters import id_in_path, number_in_path, searched
from testamur.dashboard.pictures import SAMPLE_LABELS, WIDTH_PX, draw_sample, sample_path, thumbnail
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Undo, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.designs.assets import add_asset
from testamur.designs.creating import NAME_LENGTH_MAX, duplicate_design
from testamur.designs.editing import restore_version, update_design
from testamur.designs.exporting import export_design
from testamur.designs.fonts import font_names
from testamur.designs.gallery import GalleryDesign, add_from_gallery, gallery_design
from testamur.designs.importing import import_package
from testamur.designs.links import gallery_key
from testamur.designs.model import Design
from testamur.designs.packages import UNPACKED_BYTES_MAX, DesignPackage, pack, package_name, unpack
from testamur.designs.queries import get_design, list_starters, list_versions, search_designs
from testamur.designs.starters import GALLERY
from testamur.errors import Conflict, Invalid, InvalidJSON
from testamur.ids import new_id
from testamur.rendering.document import DesignType
from testamur.rendering.pictures import PICTURE_BYTES_MAX, prepare_picture
from testamur.web.files import attachment
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.wire.v1.paging import read_cursor, to_page

PAGE_SIZE = 24
VERSIONS_SHOWN = 12
USERS_SHOWN = 10
TYPES: dict[DesignType, str] = {"certificate": marked("Certificate"), "badge": marked("Badge")}


async def show_list(visit: WorkspaceVisit) -> Response:
    wanted, named = visit.query("type"), searched(visit)
    type_: DesignType | None = next((type_ for type_ in TYPES if type_ == wanted), None)
    list_name = f"designs:{visit.workspace_id}:{type_}:{named}"
    cursor = read_cursor(visit.query("cursor"), list_name)
    page = await visit.read(
        lambda tx: search_designs(tx, visit.workspace_id, cursor, PAGE_SIZE, type_=type_, named=named)
    )
    pages = to_page(page, list_name, lambda design: design).pagination

    def at(place: str | None) -> str | None:
        return None if place is None else visit.url("/designs", type=type_, q=named, cursor=place)

    context = {
        "designs": page.items,
        "thumbnail": thumbnail,
        "types": TYPES,
        "type": type_ or "",
        "named": named,
        "previous": at(pages.prev),
        "next": at(pages.next),
        "once": new_id(),
    }
    return visit.page("designs/list.html", context)


async def show_gallery(visit: WorkspaceVisit) -> Response:
    # The first time, their files and pictures are read.
    offered = await run_sync(lambda: [gallery_design(name) for name in GALLERY])
    wanted = visit.query("type")
    shown = [design for design in offered if wanted not in TYPES or design.type == wanted]
    context = {
        "offered": shown,
        "picture": gallery_picture,
        "types": TYPES,
        "type": wanted if wanted in TYPES else "",
        "once": new_id(),
    }
    return visit.page("designs/gallery.html", context)


def gallery_picture(design: GalleryDesign) -> str:
    """The address of a picture of a design of the gallery."""
    return f"/files/{gallery_key(design.name, design.digest, 'webp')}?width=600"


async def take_from_gallery(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    name = form.text("name")
    await run_sync(gallery_design, name)  # Raises NotFound, before anything is written.
    is_for_template = form.has("use") and visit.may("edit_templates")
    if is_for_template:
        # A workspace begins with copies of some; a second one of the same would only be in the way.
        starters = await visit.read(lambda tx: list_starters(tx, visit.workspace_id))
        own = next((design for design in starters if design.starter == name and design.version == 1), None)
        if own is not None:
            return visit.go(visit.url("/templates/new", design=own.id))

    def add(tx: Transaction) -> str:
        return add_from_gallery(tx, visit.platform.storage, visit.workspace_id, name, at=visit.at).id

    design_id = await write_once(visit, form, add, action="design.created", details={"starter": name})
    if is_for_template:
        return visit.go(visit.url("/templates/new", design=design_id))
    return visit.go(visit.url(f"/designs/{design_id}"), _("The design is one of yours now"))


async def show_import(visit: WorkspaceVisit) -> Response:
    return visit.page("designs/import.html", {"faults": {}, "once": new_id()})


async def import_file(visit: WorkspaceVisit) -> Response:
    form = await visit.form(with_files=True)
    file = form.file("file")
    try:
        if file is None:
            raise Invalid(_("Choose a file first"), ("file",))
        content = await file.read()
        await file.close()
        if len(content) > UNPACKED_BYTES_MAX:
            raise Invalid(_("The file is too large"), ("file",))
        fonts = await visit.read(lambda tx: font_names(tx, visit.workspace_id))
        # Decoding pictures takes a while, for which nobody may wait.
        package = await run_sync(_unpack, content, fonts)
        design_id = await write_once(
            visit,
            form,
            lambda tx: import_package(tx, visit.platform.storage, visit.workspace_id, package, at=visit.at).id,
            action="design.imported",
        )
    except Invalid as error:
        return visit.page("designs/import.html", {"faults": faults_of(error), "once": new_id()}, status=422)
    return visit.go(visit.url(f"/designs/{design_id}"), _("The design was imported"))


def _unpack(content: bytes, fonts: set[str]) -> DesignPackage:
    try:
        return unpack(content, fonts=fonts)
    except InvalidJSON:
        raise Invalid(_("This is not a design: choose a file that was exported here"), ("file",)) from None


async def show_upload(visit: WorkspaceVisit) -> Response:
    return visit.page("designs/pictures.html", {"faults": {}, "source": "", "picture": None})


async def upload_picture(visit: WorkspaceVisit) -> Response:
    form = await visit.form(with_files=True)
    file = form.file("file")
    try:
        if file is None:
            raise Invalid(_("Choose a file first"))
        content = await file.read(PICTURE_BYTES_MAX + 1)
        await file.close()
        picture = await run_sync(prepare_picture, content)
    except Invalid as error:
        faults = {"file": error.message}
        return visit.page("designs/pictures.html", {"faults": faults, "source": "", "picture": None}, status=422)
    digest = await visit.write(
        lambda tx: add_asset(tx, visit.platform.storage, visit.workspace_id, picture, at=visit.at),
        action="picture.added",
        subject=lambda digest: digest,
    )
    return visit.page("designs/pictures.html", {"faults": {}, "source": f"asset:{digest}", "picture": picture})


async def show(visit: WorkspaceVisit) -> Response:
    return await _page(visit, id_in_path(visit))


async def _page(
    visit: WorkspaceVisit, design_id: str, *, name: str | None = None, faults: dict[str, str] | None = None
) -> Response:
    list_name = f"design-versions:{design_id}:{visit.workspace_id}"
    cursor = read_cursor(visit.query("versions"), list_name, int)

    def read(tx: Transaction) -> tuple[Design, Any, dict[str, str], int]:
        design = get_design(tx, visit.workspace_id, design_id)
        users = templates_with_design(tx, visit.workspace_id, design_id, limit=USERS_SHOWN + 1)
        versions = list_versions(tx, visit.workspace_id, design_id, cursor, VERSIONS_SHOWN)
        height = visit.platform.renderers.version(tx, visit.workspace_id, design_id, design.version).height_px(WIDTH_PX)
        return design, versions, users, height

    design, versions, users, height = await visit.read(read)
    pages = to_page(versions, list_name, lambda version: version).pagination

    def at(place: str | None) -> str | None:
        return None if place is None else visit.url(f"/designs/{design_id}", versions=place) + "#versions"

    context = {
        "design": design,
        "versions": versions.items,
        "previous": at(pages.prev),
        "next": at(pages.next),
        "users": list(users.items())[:USERS_SHOWN],
        "has_more_users": len(users) > USERS_SHOWN,
        "pictures": [
            (sample, label, [(sample_path(visit, design, sample), WIDTH_PX, height)])
            for sample, label in SAMPLE_LABELS.items()
        ],
        "thumbnail": thumbnail,
        "types": TYPES,
        "name": design.name if name is None else name,
        "faults": faults or {},
        "once": new_id(),
    }
    return visit.page("designs/design.html", context, status=422 if faults else 200)


async def rename(visit: WorkspaceVisit) -> Response:
    form, design_id = await visit.form(), id_in_path(visit)
    before = await visit.read(lambda tx: get_design(tx, visit.workspace_id, design_id))
    try:
        after = await visit.write(
            lambda tx: update_design(
                tx, visit.platform.storage, visit.workspace_id, design_id, name=form.text("name"), at=visit.at
            ),
            action="design.renamed",
            subject=design_id,
        )
    except Invalid as error:
        return await _page(visit, design_id, name=form.text("name"), faults=faults_of(error))
    path = visit.url(f"/designs/{design_id}")
    undo = Undo(f"{path}/rename", {"name": before.name}) if after.name != before.name else None
    return visit.go(path, _("Saved"), undo=undo)


async def duplicate(visit: WorkspaceVisit) -> Response:
    form, design_id = await visit.form(), id_in_path(visit)

    def copy(tx: Transaction) -> str:
        source = get_design(tx, visit.workspace_id, design_id)
        name = (_("%(name)s (copy)") % {"name": source.name})[:NAME_LENGTH_MAX]
        return duplicate_design(tx, visit.platform.storage, visit.workspace_id, design_id, name=name, at=visit.at).id

    made = await write_once(visit, form, copy, action="design.created", details={"copy_of": design_id})
    return visit.go(visit.url(f"/designs/{made}"), _("This is the copy"))


async def restore(visit: WorkspaceVisit) -> Response:
    await visit.form()
    design_id, number = id_in_path(visit), number_in_path(visit)
    before = await visit.read(lambda tx: get_design(tx, visit.workspace_id, design_id))
    after = await visit.write(
        lambda tx: restore_version(tx, visit.platform.storage, visit.workspace_id, design_id, number, at=visit.at),
        action="design.version_restored",
        subject=design_id,
        details={"number": number},
    )
    path = visit.url(f"/designs/{design_id}")
    if after.version == before.version:
        return visit.go(path, _("The design is drawn like that already"))
    notice = _("Version %(number)s is in use again") % {"number": number}
    return visit.go(path, notice, undo=Undo(f"{path}/versions/{before.version}/restore"))


async def export(visit: WorkspaceVisit) -> Response:
    design_id = id_in_path(visit)
    drawn, pictures = await visit.read(
        lambda tx: export_design(tx, visit.platform.storage, visit.workspace_id, design_id)
    )
    content = await run_sync(pack, drawn, pictures)
    headers = {"Content-Disposition": attachment(package_name(drawn.name)), "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="application/zip")


async def delete(visit: WorkspaceVisit) -> Response:
    await visit.form()
    design_id = id_in_path(visit)
    try:
        await visit.write(
            lambda tx: delete_design(tx, visit.workspace_id, design_id), action="design.deleted", subject=design_id
        )
    except Conflict as refusal:
        return visit.go(visit.url(f"/designs/{design_id}"), refusal.message, kind="bad")
    return visit.go(visit.url("/designs"), _("The design was deleted"))


SCREENS = (
    in_workspace("GET", "/designs", show_list, "view"),
    in_workspace("GET", "/designs/gallery", show_gallery, "view"),
    in_workspace("POST", "/designs/gallery", take_from_gallery, "edit_designs"),
    in_workspace("GET", "/designs/import", show_import, "edit_designs"),
    in_workspace("POST", "/designs/import", import_file, "edit_designs"),
    in_workspace("GET", "/designs/pictures", show_upload, "edit_designs"),
    in_workspace("POST", "/designs/pictures", upload_picture, "edit_designs"),
    in_workspace("GET", "/designs/{id}", show, "view"),
    in_workspace("POST", "/designs/{id}/rename", rename, "edit_designs"),
    in_workspace("POST", "/designs/{id}/duplicate", duplicate, "edit_designs"),
    in_workspace("GET", "/designs/{id}/export", export, "view"),
    in_workspace("POST", "/designs/{id}/delete", delete, "edit_designs"),
    in_workspace("POST", "/designs/{id}/versions/{number}/restore", restore, "edit_designs"),
    in_workspace("GET", "/designs/{id}/versions/{number}/{sample}.webp", draw_sample, "view"),
)
