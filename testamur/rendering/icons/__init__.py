"""The bundled icons; README.md beside this file tells where they are from."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from testamur.errors import Invalid
from testamur.rendering.figures import COLOR, number

FILE = Path(__file__).parent / "icons.json"


@cache
def icons() -> Mapping[str, str]:
    """Each icon's name, in alphabetical order, with its drawing: SVG elements on a field of 24 x 24, drawn in lines."""
    return MappingProxyType(msgspec.json.decode(FILE.read_bytes(), type=dict[str, str]))


def icon_svg(name: str, *, color: str, stroke_width: float = 2.0) -> str:
    """The icon as SVG, square, in one colour. `stroke_width` is in 24ths of its side, 0.25 to 4.

    Raises Invalid if there is no icon of that name, and ValueError for a colour or width that was not checked.
    """
    drawing = icons().get(name)
    if drawing is None:
        near = get_close_matches(name[:60], icons(), n=3)
        raise Invalid(f'There is no icon "{name[:60]}"' + (f"; did you mean {' or '.join(near)}?" if near else ""))
    if not COLOR.fullmatch(color) or not 0.25 <= stroke_width <= 4:
        raise ValueError(f"not a colour and a width of strokes: {color!r}, {stroke_width!r}")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none" '
        f'color="{color}" stroke="{color}" stroke-width="{number(stroke_width)}" stroke-linecap="round" '
        f'stroke-linejoin="round">{drawing}</svg>'
    )
