from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.designs.links import preview_url
from testamur.designs.model import Design, DesignVersion
from testamur.wire.v1.timestamps import timestamp


class WireDesign(Struct, rename="camel", kw_only=True):
    """A design template."""

    id: str
    name: str
    type: Literal["certificate", "badge"]
    preview_url: str
    created_at: str
    updated_at: str


DesignName = Annotated[str, Meta(examples=["Spring course"], extra_json_schema={"minLength": 1, "maxLength": 255})]
DesignDocument = Annotated[
    dict[str, Any],
    Meta(
        description="A design document, version 1; docs/design-document.md describes it.",
        examples=[{"version": 1, "page": {"size": "A4", "orientation": "landscape"}, "elements": []}],
    ),
]


class CreateDesign(Struct, kw_only=True):
    """A design template to add."""

    name: DesignName
    type: Annotated[Literal["certificate", "badge"], Meta(examples=["certificate"])]
    document: DesignDocument


class UpdateDesign(Struct, rename="camel", kw_only=True):
    """What to change of a design template; another document becomes its next version."""

    name: DesignName | UnsetType | None = UNSET
    document: DesignDocument | UnsetType | None = UNSET
    if_version: (
        Annotated[int, Meta(ge=1, description="Changes nothing, and answers 409, if the newest version is another.")]
        | UnsetType
        | None
    ) = UNSET


class WireDocument(Struct, kw_only=True):
    """What is drawn, in one version of a design template."""

    version: int
    document: dict[str, Any]


class WireDesignVersion(Struct, rename="camel", kw_only=True):
    """A version of a design template."""

    number: int
    is_current: Annotated[bool, Meta(description="Whether it is the newest one.")]
    preview_url: str
    created_at: str


class WireDrawnVersion(WireDesignVersion, kw_only=True):
    """A version of a design template, with what is drawn in it."""

    document: dict[str, Any]


class WireAsset(Struct, rename="camel", kw_only=True):
    """A picture that design documents may name."""

    source: Annotated[str, Meta(description="What an image in a design document names as its source.")]
    media_type: str
    width: int
    height: int


def to_design(design: Design, base_url: str) -> WireDesign:
    return WireDesign(
        id=design.id,
        name=design.name,
        type=design.type,
        preview_url=preview_url(base_url, design),
        created_at=timestamp(design.created_at),
        updated_at=timestamp(design.updated_at),
    )


def to_design_version(design: Design, version: DesignVersion, base_url: str) -> WireDesignVersion:
    return WireDesignVersion(**_version_members(design, version, base_url))


def to_drawn_version(design: Design, version: DesignVersion, base_url: str) -> WireDrawnVersion:
    document = msgspec.json.decode(version.document)
    return WireDrawnVersion(**_version_members(design, version, base_url), document=document)


def _version_members(design: Design, version: DesignVersion, base_url: str) -> dict[str, Any]:
    return {
        "number": version.number,
        "is_current": version.number == design.version,
        "preview_url": preview_url(base_url, msgspec.structs.replace(design, version=version.number)),
        "created_at": timestamp(version.created_at),
    }
