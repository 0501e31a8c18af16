from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.attributes.model import Attribute
from testamur.attributes.standard import STANDARD, StandardAttribute
from testamur.wire.v1.timestamps import timestamp

_TYPE = (
    "What its values are. text: any text. date: 2026-11-24 or 24-11-2026, stored as the former. number: 1234.50, or 12,5 "
    "where that can only be a decimal comma; stored with a point, without plus and leading zeros. image: the https "
    "address of a PNG or JPEG, fetched once when it is first drawn, or the source (asset:...) of a picture uploaded "
    "before. An empty text is no value of every type. On the wire every value is text."
)
Type = Literal["text", "date", "number", "image"]
AttributeName = Annotated[str, Meta(examples=["Final grade"], extra_json_schema={"minLength": 1, "maxLength": 255})]


class WireAttribute(Struct, rename="camel", kw_only=True):
    """An attribute: a placeholder for designs and emails."""

    id: str
    tag: Annotated[str, Meta(description="What stands in brackets in a design; custom ones start with custom.")]
    name: str
    type: Annotated[Type, Meta(description=_TYPE)]
    is_default: Annotated[bool, Meta(description="Whether every workspace has it.")]
    created_at: str
    updated_at: str


class CreateAttribute(Struct, rename="camel", kw_only=True):
    """A custom attribute to define."""

    name: AttributeName
    tag: (
        Annotated[
            str, Meta(description="Made of the name if left out; never changes.", examples=["custom.final_grade"])
        ]
        | UnsetType
        | None
    ) = UNSET
    type: Annotated[Type, Meta(description=_TYPE)] | UnsetType = UNSET


class UpdateAttribute(Struct, rename="camel", kw_only=True):
    """What to change of a custom attribute."""

    name: AttributeName | UnsetType = UNSET


def to_attribute(attribute: Attribute) -> WireAttribute:
    return WireAttribute(
        id=attribute.id,
        tag=attribute.tag,
        name=attribute.name,
        type=attribute.type,
        is_default=False,
        created_at=timestamp(attribute.created_at),
        updated_at=timestamp(attribute.updated_at),
    )


def standard_attributes() -> list[WireAttribute]:
    return [_to_standard(attribute) for attribute in STANDARD]


def _to_standard(attribute: StandardAttribute) -> WireAttribute:
    # They are the same on every server since ever, so they have fixed ids and times.
    moment = "2022-10-26T00:00:00.000Z"
    return WireAttribute(
        id=attribute.id,
        tag=attribute.tag,
        name=attribute.name,
        type=attribute.type,
        is_default=True,
        created_at=moment,
        updated_at=moment,
    )
