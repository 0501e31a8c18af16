"""QR codes as vector pictures."""

import re
from typing import Any

import zxingcpp

from testamur.errors import Invalid
from testamur.rendering.elements import QRCode

# From the strongest to the weakest.
_LEVELS = "HQML"
# The largest code has 177 modules to a side.
_RUNS = [f"h{length}v1h-{length}z" for length in range(178)]
_DARK = re.compile(rb"\0+")


def qr_svg(content: str, element: QRCode) -> str:
    """An SVG of the code: one path whose unit is a module, with the margin the design asks for. Raises Invalid.

    zxing-cpp finds the modules; its own SVG draws a rectangle for each, which is several times as much to read.
    """
    code = _code(content, element.correction)
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    view: Any = memoryview(image)
    width = view.shape[1]
    pixels = view.tobytes()
    margin = element.margin
    side = width + 2 * margin
    runs: list[str] = []
    names = [str(x + margin) for x in range(width)]
    for y in range(width):
        row = f" {y + margin}"
        for dark in _DARK.finditer(pixels, y * width, (y + 1) * width):
            start, end = dark.span()
            runs += ("M", names[start - y * width], row, _RUNS[end - start])
    ground = f'<path fill="{element.background}" d="M0 0h{side}v{side}h-{side}z"/>' if element.background else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'{ground}<path fill="{element.color}" d="{"".join(runs)}"/></svg>'
    )


def _code(content: str, correction: str) -> zxingcpp.Barcode:
    """With as much error correction as was asked for, or as there is room for. Raises Invalid if it is too long."""
    for level in _LEVELS[_LEVELS.index(correction) :]:
        try:
            return zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
        except ValueError:
            continue
    raise Invalid(f"A QR code cannot hold {len(content)} characters; make its content shorter")
