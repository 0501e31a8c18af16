from typing import Annotated

from msgspec import Meta, Struct

from testamur.designs.model import Font
from testamur.wire.v1.timestamps import timestamp


class WireFont(Struct, rename="camel", kw_only=True):
    """A font file that the workspace uploaded."""

    id: str
    family: Annotated[str, Meta(description="What a text in a design document names as its font.")]
    style: str
    weight: int
    is_italic: bool
    may_subset: Annotated[
        bool,
        Meta(
            description="Whether the font's maker permits to embed only the letters that are used, as every PDF here "
            "does. If not, ask the maker."
        ),
    ]
    size_bytes: int
    created_at: str


def to_font(font: Font) -> WireFont:
    return WireFont(
        id=font.id,
        family=font.family,
        style=font.style,
        weight=font.weight,
        is_italic=font.is_italic,
        may_subset=font.may_subset,
        size_bytes=font.size_bytes,
        created_at=timestamp(font.created_at),
    )
