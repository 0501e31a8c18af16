from typing import Any

import msgspec

from testamur.api.v1.operations import Call, Operation
from testamur.api.v1.paging import answer_page
from testamur.credentials.deleting import delete_design
from testamur.designs.assets import add_asset
from testamur.designs.creating import create_design
from testamur.designs.editing import update_design
from testamur.designs.queries import get_design, get_version, list_designs
from testamur.errors import Invalid
from testamur.rendering.document import DesignFile, Document, parse_document
from testamur.rendering.pictures import PICTURE_BYTES_MAX, prepare_picture
from testamur.wire.v1.designs import (
    CreateDesign,
    UpdateDesign,
    WireAsset,
    WireDesign,
    WireDocument,
    to_design,
)
from testamur.wire.v1.paging import WirePage

_TAG = "Design templates"


def list_(call: Call) -> WirePage[WireDesign]:
    return answer_page(call, "designs", list_designs, lambda design: to_design(design, call.base_url))


def get(call: Call) -> WireDesign:
    with call.platform.database.read() as tx:
        return to_design(get_design(tx, call.workspace.id, call.id), call.base_url)


def create(call: Call) -> WireDesign:
    body = call.body(CreateDesign)
    drawn = DesignFile(name=body.name, type=body.type, document=_document(body.document))
    with call.platform.database.write() as tx:
        design = create_design(tx, call.platform.storage, call.workspace.id, drawn, at=call.at)
    return to_design(design, call.base_url)


def update(call: Call) -> WireDesign:
    design_id, body = call.id, call.body(UpdateDesign)
    document = _document(body.document) if isinstance(body.document, dict) else None
    with call.platform.database.write() as tx:
        design = update_design(
            tx,
            call.platform.storage,
            call.workspace.id,
            design_id,
            name=body.name or None,
            document=document,
            at=call.at,
        )
    return to_design(design, call.base_url)


def delete(call: Call) -> None:
    with call.platform.database.write() as tx:
        delete_design(tx, call.workspace.id, call.id)


def get_document(call: Call) -> WireDocument:
    with call.platform.database.read() as tx:
        design = get_design(tx, call.workspace.id, call.id)
        stored = get_version(tx, call.workspace.id, design.id, design.version)
    return WireDocument(version=design.version, document=msgspec.json.decode(stored.document))


def create_asset(call: Call) -> WireAsset:
    picture = prepare_picture(call.content)  # Takes time, so it is done before the database is asked for anything.
    with call.platform.database.write() as tx:
        digest = add_asset(tx, call.platform.storage, call.workspace.id, picture, at=call.at)
    return WireAsset(
        source=f"asset:{digest}", media_type=picture.media_type, width=picture.width_px, height=picture.height_px
    )


def _document(given: dict[str, Any]) -> Document:
    try:
        return parse_document(msgspec.json.encode(given))
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
        is_long=True,
        summary="Update a design template",
        description="Credentials that show it are rendered anew; their old previews stay what they are.",
        tag=_TAG,
        run=update,
        body=UpdateDesign,
        answer=WireDesign,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="DELETE",
        path="/designs/{id}",
        name="deleteDesign",
        summary="Delete a design template",
        description="One that a credential template shows cannot be deleted.",
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
        method="POST",
        path="/assets",
        name="createAsset",
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
