from typing import Annotated, Any

import msgspec

from testamur.api.v1.operations import Call, FileAnswer, Operation
from testamur.api.v1.paging import answer_page
from testamur.credentials.deleting import delete_design
from testamur.designs.assets import add_asset
from testamur.designs.creating import create_design
from testamur.designs.editing import restore_version, update_design
from testamur.designs.exporting import export_design
from testamur.designs.fonts import font_names
from testamur.designs.importing import import_package
from testamur.designs.packages import UNPACKED_BYTES_MAX, pack, package_name, unpack
from testamur.designs.queries import get_design, get_version, list_designs, list_versions
from testamur.errors import Invalid
from testamur.rendering.document import DesignFile, Document, parse_document
from testamur.rendering.pictures import PICTURE_BYTES_MAX, prepare_picture
from testamur.wire.v1.designs import (
    CreateDesign,
    UpdateDesign,
    WireAsset,
    WireDesign,
    WireDesignVersion,
    WireDocument,
    WireDrawnVersion,
    to_design,
    to_design_version,
    to_drawn_version,
)
from testamur.wire.v1.paging import WirePage

_TAG = "Design templates"
# What both databases can hold.
_VersionNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


def list_(call: Call) -> WirePage[WireDesign]:
    return answer_page(call, "designs", list_designs, lambda design: to_design(design, call.base_url))


def get(call: Call) -> WireDesign:
    with call.platform.database.read() as tx:
        return to_design(get_design(tx, call.workspace.id, call.id), call.base_url)


def create(call: Call) -> WireDesign:
    body = call.body(CreateDesign)
    drawn = DesignFile(name=body.name, type=body.type, document=_document(call, body.document))
    with call.platform.database.write() as tx:
        design = create_design(tx, call.platform.storage, call.workspace.id, drawn, at=call.at)
        call.record(tx, design.id)
    return to_design(design, call.base_url)


def update(call: Call) -> WireDesign:
    design_id, body = call.id, call.body(UpdateDesign)
    document = _document(call, body.document) if isinstance(body.document, dict) else None
    with call.platform.database.write() as tx:
        design = update_design(
            tx,
            call.platform.storage,
            call.workspace.id,
            design_id,
            name=body.name or None,
            document=document,
            if_version=body.if_version or None,
            at=call.at,
        )
        call.record(tx)
    return to_design(design, call.base_url)


def delete(call: Call) -> None:
    with call.platform.database.write() as tx:
        delete_design(tx, call.workspace.id, call.id)
        call.record(tx)


def get_document(call: Call) -> WireDocument:
    with call.platform.database.read() as tx:
        design = get_design(tx, call.workspace.id, call.id)
        stored = get_version(tx, call.workspace.id, design.id, design.version)
    return WireDocument(version=design.version, document=msgspec.json.decode(stored.document))


def list_design_versions(call: Call) -> WirePage[WireDesignVersion]:
    with call.platform.database.read() as tx:
        design = get_design(tx, call.workspace.id, call.id)
    return answer_page(
        call,
        f"design-versions:{design.id}",
        lambda tx, workspace_id, cursor, limit: list_versions(tx, workspace_id, design.id, cursor, limit),
        lambda version: to_design_version(design, version, call.base_url),
        value_type=_VersionNumber,
    )


def get_design_version(call: Call) -> WireDrawnVersion:
    with call.platform.database.read() as tx:
        stored = get_version(tx, call.workspace.id, call.id, call.number)
        return to_drawn_version(get_design(tx, call.workspace.id, call.id), stored, call.base_url)


def restore_design_version(call: Call) -> WireDesign:
    with call.platform.database.write() as tx:
        design = restore_version(tx, call.platform.storage, call.workspace.id, call.id, call.number, at=call.at)
        call.record(tx)
    return to_design(design, call.base_url)


def export(call: Call) -> FileAnswer:
    with call.platform.database.read() as tx:
        drawn, pictures = export_design(tx, call.platform.storage, call.workspace.id, call.id)
    return FileAnswer(pack(drawn, pictures), "application/zip", package_name(drawn.name))


def import_(call: Call) -> WireDesign:
    # Decoding pictures takes a while, which nobody may wait for a lock meanwhile.
    package = unpack(call.content, fonts=_font_names(call))
    with call.platform.database.write() as tx:
        design = import_package(tx, call.platform.storage, call.workspace.id, package, at=call.at)
        call.record(tx, design.id)
    return to_design(design, call.base_url)


def create_asset(call: Call) -> WireAsset:
    picture = prepare_picture(call.content)  # Takes time, so it is done before the database is asked for anything.
    with call.platform.database.write() as tx:
        digest = add_asset(tx, call.platform.storage, call.workspace.id, picture, at=call.at)
        call.record(tx, digest)
    return WireAsset(
        source=f"asset:{digest}", media_type=picture.media_type, width=picture.width_px, height=picture.height_px
    )


def _font_names(call: Call) -> set[str]:
    with call.platform.database.read() as tx:
        return font_names(tx, call.workspace.id)


def _document(call: Call, given: dict[str, Any]) -> Document:
    try:
        return parse_document(msgspec.json.encode(given), fonts=_font_names(call))
    except Invalid as error:
        raise error.under("document") from None


OPERATIONS = [
    Operation(
        method="GET",
        path="/designs",
        name="listDesigns",
        summary="List design templates",
        tag=_TAG,
        run=list_,
        answer=WirePage[WireDesign],
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/designs/{id}",
        name="getDesign",
        summary="Get a design template",
        tag=_TAG,
        run=get,
        answer=WireDesign,
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/designs",
        name="createDesign",
        action="design.created",
        is_long=True,
        summary="Add a design template",
        tag=_TAG,
        run=create,
        status=201,
        body=CreateDesign,
        answer=WireDesign,
        is_extension=True,
    ),
    Operation(
        method="PATCH",
        path="/designs/{id}",
        name="updateDesign",
        action="design.updated",
        is_long=True,
        summary="Update a design template",
        description="Another document becomes the next version. Credentials that follow the design are rendered anew; "
        "pinned ones and old previews stay what they are.",
        tag=_TAG,
        run=update,
        body=UpdateDesign,
        answer=WireDesign,
        errors=(404, 409),
        is_extension=True,
    ),
    Operation(
        method="DELETE",
        path="/designs/{id}",
        name="deleteDesign",
        action="design.deleted",
        summary="Delete a design template",
        description="One that a credential template shows, or that a credential was made with, cannot be deleted.",
        tag=_TAG,
        run=delete,
        status=204,
        errors=(404, 409),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/designs/{id}/document",
        name="getDesignDocument",
        summary="Get a design template's document",
        tag=_TAG,
        run=get_document,
        answer=WireDocument,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/designs/{id}/versions",
        name="listDesignVersions",
        summary="List a design template's versions",
        tag=_TAG,
        run=list_design_versions,
        answer=WirePage[WireDesignVersion],
        is_list=True,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/designs/{id}/versions/{number}",
        name="getDesignVersion",
        summary="Get a version of a design template, with its document",
        tag=_TAG,
        run=get_design_version,
        answer=WireDrawnVersion,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/designs/{id}/versions/{number}/restore",
        name="restoreDesignVersion",
        action="design.version_restored",
        is_long=True,
        summary="Draw a design template as it was in a version",
        description="The document of that version becomes the next one; the versions between stay.",
        tag=_TAG,
        run=restore_design_version,
        answer=WireDesign,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/designs/{id}/export",
        name="exportDesign",
        is_long=True,
        summary="Get a design template as one file",
        description="A ZIP archive of the design file and its pictures; the same design gives the same bytes.",
        tag=_TAG,
        run=export,
        answer=FileAnswer,
        file_type="application/zip",
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/designs/import",
        name="importDesign",
        action="design.imported",
        is_long=True,
        summary="Add a design template from a file",
        description="The body is what an export gave: at most 200 entries and 50 MiB unpacked. A design file alone, as "
        "JSON, is taken too, if its pictures are assets of the workspace.",
        tag=_TAG,
        run=import_,
        status=201,
        upload="application/zip",
        body_bytes_max=UNPACKED_BYTES_MAX,
        answer=WireDesign,
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/assets",
        name="createAsset",
        action="picture.added",
        is_long=True,
        summary="Add a picture for design templates",
        description=(
            "PNG (image/png), JPEG (image/jpeg), WebP (image/webp), still GIF (image/gif) or SVG (image/svg+xml, at "
            "most 1 MiB), at most 10 MiB, 8000 pixels a side and 30 million in all. What is stored is a PNG or JPEG "
            "in sRGB or grey, upright and without metadata, or an SVG without scripts and references to elsewhere; the "
            "answer tells which. The same picture again is the same asset."
        ),
        tag=_TAG,
        run=create_asset,
        status=201,
        upload="image/png",
        body_bytes_max=PICTURE_BYTES_MAX + 1,
        answer=WireAsset,
        is_extension=True,
    ),
]
