from msgspec import UnsetType

from testamur.api.v1.operations import Call, Operation
from testamur.attributes.defining import define_attribute, rename_attribute
from testamur.attributes.queries import get_attribute, list_attributes
from testamur.credentials.deleting import delete_attribute
from testamur.wire.v1.attributes import (
    CreateAttribute,
    UpdateAttribute,
    WireAttribute,
    standard_attributes,
    to_attribute,
)

_TAG = "Attributes"


def list_(call: Call) -> list[WireAttribute]:
    with call.platform.database.read() as tx:
        custom = list_attributes(tx, call.workspace.id)
    return [*standard_attributes(), *map(to_attribute, custom)]


def create(call: Call) -> WireAttribute:
    body = call.body(CreateAttribute)
    call.plan.require("custom_attributes")
    with call.platform.database.write() as tx:
        attribute = define_attribute(
            tx,
            call.workspace.id,
            tag=body.tag or None,
            name=body.name,
            type_="text" if isinstance(body.type, UnsetType) else body.type,
            at=call.at,
        )
        call.record(tx, attribute.id)
    return to_attribute(attribute)


def update(call: Call) -> WireAttribute:
    attribute_id, body = call.id, call.body(UpdateAttribute)
    with call.platform.database.write() as tx:
        if isinstance(body.name, UnsetType):
            return to_attribute(get_attribute(tx, call.workspace.id, attribute_id))
        attribute = rename_attribute(tx, call.workspace.id, attribute_id, name=body.name, at=call.at)
        call.record(tx)
    return to_attribute(attribute)


def delete(call: Call) -> None:
    with call.platform.database.write() as tx:
        delete_attribute(tx, call.workspace.id, call.id)
        call.record(tx)


OPERATIONS = [
    Operation(
        method="GET",
        path="/attributes",
        name="listAttributes",
        summary="List attributes",
        description="All of them at once: the standard ones (isDefault), then the workspace's own.",
        tag=_TAG,
        run=list_,
        answer=list[WireAttribute],
    ),
    Operation(
        method="POST",
        path="/attributes",
        name="createAttribute",
        action="attribute.created",
        summary="Define a custom attribute",
        tag=_TAG,
        run=create,
        status=201,
        body=CreateAttribute,
        answer=WireAttribute,
        errors=(402, 409),
        is_extension=True,
    ),
    Operation(
        method="PATCH",
        path="/attributes/{id}",
        name="updateAttribute",
        action="attribute.updated",
        summary="Rename a custom attribute",
        description="Its tag and type never change.",
        tag=_TAG,
        run=update,
        body=UpdateAttribute,
        answer=WireAttribute,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="DELETE",
        path="/attributes/{id}",
        name="deleteAttribute",
        action="attribute.deleted",
        summary="Delete a custom attribute",
        description="One whose tag stands in a design or a credential cannot be deleted.",
        tag=_TAG,
        run=delete,
        status=204,
        errors=(404, 409),
        is_extension=True,
    ),
]
