from typing import Annotated, Literal

from msgspec import Meta, Struct

from testamur.designs.gallery import GalleryDesign
from testamur.designs.links import gallery_url


class WireGalleryDesign(Struct, rename="camel", kw_only=True):
    """A design that workspaces may begin with."""

    name: Annotated[str, Meta(description="By which it is added.", examples=["hexagon-badge"])]
    title: str
    type: Literal["certificate", "badge"]
    preview_url: str


def to_gallery_design(design: GalleryDesign, base_url: str) -> WireGalleryDesign:
    return WireGalleryDesign(
        name=design.name,
        title=design.title,
        type=design.type,
        preview_url=gallery_url(base_url, design.name, design.digest),
    )
