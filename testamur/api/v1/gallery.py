from testamur.api.v1.operations import Call, Operation
from testamur.designs.gallery import add_from_gallery, gallery_design
from testamur.designs.starters import GALLERY
from testamur.wire.v1.designs import WireDesign, to_design
from testamur.wire.v1.gallery import WireGalleryDesign, to_gallery_design

_TAG = "Design templates"


def list_(call: Call) -> list[WireGalleryDesign]:
    return [to_gallery_design(gallery_design(name), call.base_url) for name in GALLERY]


def add(call: Call) -> WireDesign:
    with call.platform.database.write() as tx:
        design = add_from_gallery(tx, call.platform.storage, call.workspace.id, call.path["name"], at=call.at)
        call.record(tx, design.id)
    return to_design(design, call.base_url)


OPERATIONS = [
    Operation(
        method="GET",
        path="/gallery",
        name="listGallery",
        is_long=True,
        summary="List the designs to begin with",
        tag=_TAG,
        run=list_,
        answer=list[WireGalleryDesign],
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/gallery/{name}/designs",
        name="addFromGallery",
        action="design.created",
        is_long=True,
        summary="Add a design template from the gallery",
        description="Each call adds one more, which is the workspace's own.",
        tag=_TAG,
        run=add,
        status=201,
        answer=WireDesign,
        errors=(404,),
        is_extension=True,
    ),
]
