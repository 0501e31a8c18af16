from testamur.api.v1.operations import Call, Operation
from testamur.designs.queries import get_design, list_designs
from testamur.wire.v1.designs import WireDesign, to_design
from testamur.wire.v1.paging import WirePage, read_cursor, read_limit, to_page

_TAG = "Design templates"


def list_(call: Call) -> WirePage[WireDesign]:
    list_name = f"designs:{call.workspace.id}"
    limit, cursor = read_limit(call.query.get("limit")), read_cursor(call.query.get("cursor"), list_name)
    with call.platform.database.read() as tx:
        page = list_designs(tx, call.workspace.id, cursor, limit)
    return to_page(page, list_name, lambda design: to_design(design, call.base_url))


def get(call: Call) -> WireDesign:
    with call.platform.database.read() as tx:
        return to_design(get_design(tx, call.workspace.id, call.id), call.base_url)


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
]
