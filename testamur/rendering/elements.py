"""What a design document is made of, version 1: the page, its background, and each kind of element.

Lengths and positions are millimetres from the page's top left corner (inside a group: from the group's), text sizes are
points, rotations degrees clockwise. What a number may be stands beside its field, for `faults` and for the JSON Schema.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from testamur.rendering.attributes_in_text import tags_in

FontWeight = Literal[100, 200, 300, 400, 500, 600, 700, 800, 900]

ELEMENTS_MAX = 500
GROUP_DEPTH_MAX = 5
TEXT_LENGTH_MAX = 5000
POINTS_MAX = 200
STOPS_MAX = 10
PAGE_MM_MIN, PAGE_MM_MAX = 10, 2000
SIZE_PT_MIN, SIZE_PT_MAX = 3, 400
ASPECT_MAX = 20

_PAGE_SIZES_MM = {"A4": (210.0, 297.0), "A5": (148.0, 210.0), "Letter": (215.9, 279.4), "square": (120.0, 120.0)}
COLOR_PATTERN = "#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})"
ASSET = re.compile(r"asset:[0-9a-f]{64}", re.ASCII)
_ONE_ATTRIBUTE = re.compile(r"\[[^\[\]]+\]")


def _between(low: float, high: float) -> Meta:
    return Meta(extra_json_schema={"minimum": low, "maximum": high})


def _at_most(length: int) -> Meta:
    return Meta(extra_json_schema={"maxLength": length})


def _items(low: int, high: int) -> Meta:
    return Meta(extra_json_schema={"minItems": low, "maxItems": high})


Position = Annotated[float, _between(-PAGE_MM_MAX, PAGE_MM_MAX)]
Length = Annotated[float, _between(0.1, PAGE_MM_MAX)]
Distance = Annotated[float, _between(0, PAGE_MM_MAX)]
Share = Annotated[float, _between(0, 1)]
Degrees = Annotated[float, _between(-360, 360)]
StrokeWidth = Annotated[float, _between(0, 100)]
Points = Annotated[float, _between(SIZE_PT_MIN, SIZE_PT_MAX)]
Color = Annotated[
    str, Meta(description="#rgb, #rrggbb or #rrggbbaa", extra_json_schema={"pattern": f"^{COLOR_PATTERN}$"})
]
PictureFit = Literal["contain", "cover", "stretch"]
Focus = Annotated[
    tuple[float, float],
    Meta(description="What stays in sight when a picture is cut: 0 to 1 from the left and from the top"),
]
Dash = Literal["solid", "dashed", "dotted"]


class Part(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """Anything a document is made of."""


class GradientStop(Part, frozen=True, kw_only=True, omit_defaults=True):
    color: Color
    at: Share


class Gradient(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A change of colour: along `angle` (0 to the right, 90 down), or from the middle outwards."""

    type: Literal["linear", "radial"] = "linear"
    angle: Degrees = 0.0
    stops: Annotated[list[GradientStop], _items(2, STOPS_MAX)]


Paint = Color | Gradient


class Page(Part, frozen=True, kw_only=True, omit_defaults=True):
    """The sheet: a named size with an orientation, or a width and a height in mm; `bleed` is what a printer cuts off."""

    size: Literal["A4", "A5", "Letter", "square"] | None = None
    orientation: Literal["portrait", "landscape"] = "portrait"
    width: Annotated[float, _between(PAGE_MM_MIN, PAGE_MM_MAX)] | None = None
    height: Annotated[float, _between(PAGE_MM_MIN, PAGE_MM_MAX)] | None = None
    bleed: Annotated[float, _between(0, 20)] = 0.0

    @property
    def size_mm(self) -> tuple[float, float]:
        if self.size is None:
            return self.width or 0, self.height or 0
        short, long = _PAGE_SIZES_MM[self.size]
        return (long, short) if self.orientation == "landscape" else (short, long)


class BackgroundPicture(Part, frozen=True, kw_only=True, omit_defaults=True):
    source: str
    fit: PictureFit = "cover"
    focus: Focus = (0.5, 0.5)
    opacity: Share = 1.0


class Background(Part, frozen=True, kw_only=True, omit_defaults=True):
    """What lies under all elements: a colour or gradient, and over it a picture. It reaches into the bleed."""

    color: Color = "#ffffff"
    gradient: Gradient | None = None
    picture: BackgroundPicture | str | None = None

    @property
    def placed_picture(self) -> BackgroundPicture | None:
        """The picture; one that is only named covers the page."""
        return BackgroundPicture(source=self.picture) if isinstance(self.picture, str) else self.picture


class AnyElement(Part, frozen=True, kw_only=True, omit_defaults=True):
    """`locked` is for the editor alone; `reading_order` puts what screen readers say before what lies below it."""

    name: Annotated[str, _at_most(500)] = ""
    alt: Annotated[str, _at_most(500)] = ""
    opacity: Share = 1.0
    locked: bool = False
    reading_order: Annotated[int, _between(0, 10_000)] | None = None


class Boxed(AnyElement, frozen=True, kw_only=True, omit_defaults=True):
    x: Position
    y: Position
    width: Length
    height: Length
    rotation: Degrees = 0.0


class Figure(Boxed, frozen=True, kw_only=True, omit_defaults=True):
    fill: Paint | None = None
    stroke: Color | None = None
    stroke_width: StrokeWidth = 0.3
    dash: Dash = "solid"


class Run(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of a text; what it does not say is as its element says."""

    text: Annotated[str, _at_most(TEXT_LENGTH_MAX)]
    font: str | None = None
    size: Points | None = None
    weight: FontWeight | None = None
    italic: bool | None = None
    underline: bool | None = None
    color: Color | None = None
    letter_spacing: Annotated[float, _between(-0.5, 5)] | None = None


class Text(Boxed, tag="text", frozen=True, kw_only=True, omit_defaults=True):
    """Text in a box, as `text` or as `runs`, with attributes such as `[recipient.name]` in it.

    `fit` "shrink": one line, made smaller down to `size_min` if it is too wide, then wrapped. "wrap": wrapped at its
    full size, made smaller if it is too high. "ellipsis": wrapped, made smaller down to `size_min` if that is given, and
    then cut, with three dots at its end. Whatever its length, text stays in its box.
    """

    text: Annotated[str, _at_most(TEXT_LENGTH_MAX)] | None = None
    runs: Annotated[list[Run], _items(0, 50)] = []
    font: str = "EB Garamond"
    size: Points = 14.0
    size_min: Points | None = None
    weight: FontWeight = 400
    italic: bool = False
    underline: bool = False
    color: Color = "#000000"
    align: Literal["left", "center", "right", "justify", "start", "end"] = "left"
    vertical_align: Literal["top", "middle", "bottom"] = "top"
    letter_spacing: Annotated[float, _between(-0.5, 5)] = 0.0
    line_height: Annotated[float, _between(0.5, 5)] = 1.25
    uppercase: bool = False
    direction: Literal["auto", "ltr", "rtl"] = "auto"
    fit: Literal["shrink", "wrap", "ellipsis"] = "shrink"

    @property
    def styled_runs(self) -> list[Run]:
        """The text as runs, whichever way it was written."""
        return self.runs or [Run(text=self.text or "")]


class Image(Boxed, tag="image", frozen=True, kw_only=True, omit_defaults=True):
    """A picture; `source` is `asset:` and the SHA-256 of its bytes (a design file may name a file beside it), or an
    image attribute such as `[custom.photo]`, drawn only where it has a value.
    """

    source: str
    fit: PictureFit = "contain"
    focus: Focus = (0.5, 0.5)
    radius: Distance = 0.0


class Signature(Boxed, tag="signature", frozen=True, kw_only=True, omit_defaults=True):
    """The picture of a signature, standing on a line."""

    source: str
    line: Color | None = "#000000"
    line_width: StrokeWidth = 0.25


class Rectangle(Figure, tag="rectangle", frozen=True, kw_only=True, omit_defaults=True):
    radius: Distance = 0.0


class Ellipse(Figure, tag="ellipse", frozen=True, kw_only=True, omit_defaults=True):
    pass


class Line(AnyElement, tag="line", frozen=True, kw_only=True, omit_defaults=True):
    x1: Position
    y1: Position
    x2: Position
    y2: Position
    stroke: Color = "#000000"
    stroke_width: StrokeWidth = 0.3
    dash: Dash = "solid"


class Polygon(AnyElement, tag="polygon", frozen=True, kw_only=True, omit_defaults=True):
    points: Annotated[list[tuple[float, float]], _items(3, POINTS_MAX)]
    fill: Paint | None = None
    stroke: Color | None = None
    stroke_width: StrokeWidth = 0.3
    dash: Dash = "solid"


class Path(Figure, tag="path", frozen=True, kw_only=True, omit_defaults=True):
    """An outline in the language of SVG paths, in a view box that is stretched to the element's box."""

    d: Annotated[str, _at_most(20_000)]
    view_box: Annotated[tuple[float, float], Meta(description="Width and height")] | None = None


class Seal(Figure, tag="seal", frozen=True, kw_only=True, omit_defaults=True):
    """A star, a scalloped disc and the like: `points` around the edge, `depth` of the notches between them."""

    style: Literal["star", "scallop", "rosette", "gear", "burst"] = "scallop"
    points: Annotated[int, _between(3, 120)] = 32
    depth: Annotated[float, _between(0, 0.9)] = 0.08


class Ribbon(Boxed, tag="ribbon", frozen=True, kw_only=True, omit_defaults=True):
    """A ribbon; `fold` is the colour of what is turned away from the light."""

    style: Literal["banner", "tails", "corner", "swallowtail"] = "banner"
    fill: Paint = "#7f1d1d"
    fold: Color = "#4c0f0f"


class Icon(AnyElement, tag="icon", frozen=True, kw_only=True, omit_defaults=True):
    """One of the bundled icons."""

    icon: str
    x: Position
    y: Position
    size: Length
    rotation: Degrees = 0.0
    color: Color = "#000000"
    stroke_width: Annotated[float, _between(0.25, 4)] = 2.0


class QRCode(AnyElement, tag="qr", frozen=True, kw_only=True, omit_defaults=True):
    """A square QR code; without content it leads to the credential's page. `margin` is in modules.

    A `logo` lies in the middle on a fifth of the code's width; choose correction H for it.
    """

    x: Position
    y: Position
    size: Annotated[float, _between(5, PAGE_MM_MAX)]
    content: Annotated[str, _at_most(1000)] = "[credential.url]"
    color: Color = "#000000"
    background: Color | None = None
    margin: Annotated[int, _between(0, 20)] = 0
    correction: Literal["L", "M", "Q", "H"] = "M"
    logo: str | None = None


class Group(Boxed, tag="group", frozen=True, kw_only=True, omit_defaults=True):
    """Elements that are placed, turned and faded together; their positions start at the group's corner."""

    elements: list["Element"]


Element = Text | Image | Signature | Rectangle | Ellipse | Line | Polygon | Path | Seal | Ribbon | Icon | QRCode | Group


def every_element(elements: Iterable[Element]) -> Iterator[Element]:
    """All elements from the lowest to the topmost, a group before what is in it."""
    for element in elements:
        yield element
        if isinstance(element, Group):
            yield from every_element(element.elements)


def attribute_of_source(source: str) -> str | None:
    """`custom.photo` for the source `[custom.photo]`; None for a picture of the design itself."""
    if not _ONE_ATTRIBUTE.fullmatch(source):
        return None
    tags = tags_in(source)
    return tags.pop() if len(tags) == 1 else None
