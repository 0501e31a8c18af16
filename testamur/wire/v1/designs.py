from typing import Literal

from msgspec import Struct

from testamur.designs.links import preview_url
from testamur.designs.model import Design
from testamur.wire.v1.timestamps import timestamp


class WireDesign(Struct, rename="camel", kw_only=True):
    """A design template."""

    id: str
    name: str
    type: Literal["certificate", "badge"]
    preview_url: str
    created_at: str
    updated_at: str


def to_design(design: Design, base_url: str) -> WireDesign:
    return WireDesign(
        id=design.id,
        name=design.name,
        type=design.type,
        preview_url=preview_url(base_url, design),
        created_at=timestamp(design.created_at),
        updated_at=timestamp(design.updated_at),
    )
