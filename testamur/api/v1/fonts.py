from testamur.api.v1.operations import Call, Operation
from testamur.api.v1.paging import answer_page
from testamur.designs.fonts import add_font, delete_font, delete_font_file, list_fonts
from testamur.rendering.font_files import FONT_BYTES_MAX, check_font
from testamur.wire.v1.fonts import WireFont, to_font
from testamur.wire.v1.paging import WirePage

_TAG = "Design templates"


def list_(call: Call) -> WirePage[WireFont]:
    return answer_page(call, "fonts", list_fonts, to_font)


def create(call: Call) -> WireFont:
    file = check_font(call.content)
    with call.platform.database.write() as tx:
        font = add_font(tx, call.platform.storage, call.workspace.id, file, at=call.at)
        call.record(tx, font.id)
    return to_font(font)


def delete(call: Call) -> None:
    with call.platform.database.write() as tx:
        font = delete_font(tx, call.workspace.id, call.id)
        call.record(tx)
    delete_font_file(call.platform.storage, font)


OPERATIONS = [
    Operation(
        method="GET",
        path="/fonts",
        name="listFonts",
        summary="List fonts",
        description="Those that the workspace uploaded; the bundled ones are in docs/fonts.md.",
        tag=_TAG,
        run=list_,
        answer=WirePage[WireFont],
        is_list=True,
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/fonts",
        name="createFont",
        action="font.added",
        is_long=True,
        summary="Add a font for design templates",
        description="TrueType or OpenType, at most 10 MiB, with a licence that permits to embed it. The same font again "
        "is the same font. Files of one family are its weights and its italic.",
        tag=_TAG,
        run=create,
        status=201,
        upload="font/sfnt",
        body_bytes_max=FONT_BYTES_MAX + 1,
        answer=WireFont,
        is_extension=True,
    ),
    Operation(
        method="DELETE",
        path="/fonts/{id}",
        name="deleteFont",
        action="font.deleted",
        summary="Delete a font",
        description="One that a version of a design template names cannot be deleted.",
        tag=_TAG,
        run=delete,
        status=204,
        errors=(404, 409),
        is_extension=True,
    ),
]
