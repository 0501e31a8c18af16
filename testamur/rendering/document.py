"""The design document, version 1: what a design is made of, as JSON. Described in docs/design-document.md.

Lengths and positions are millimetres from the page's top left corner (inside a group: from the group's), text sizes are
points, rotations degrees clockwise. A member that is not known is refused, because a misspelt one would otherwise be
ignored in silence. What a number may be stands beside its field, for the checks here and for the JSON Schema alike.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from testamur.errors import Invalid, InvalidJSON, Problem
from testamur.rendering.attributes_in_text import tags_in
from testamur.rendering.fonts import FAMILIES

Shape = TypeVar("Shape")
DesignType = Literal["certificate", "badge"]
FontWeight = Literal[100, 200, 300, 400, 500, 600, 700, 800, 900]

VERSION = 1
ELEMENTS_MAX = 500
GROUP_DEPTH_MAX = 5
DOCUMENT_BYTES_MAX = 1024 * 1024
TEXT_LENGTH_MAX = 5000
POINTS_MAX = 200
STOPS_MAX = 10
PAGE_MM_MIN, PAGE_MM_MAX = 10, 2000
SIZE_PT_MIN, SIZE_PT_MAX = 3, 400
ASPECT_MAX = 20

_PAGE_SIZES_MM = {"A4": (210.0, 297.0), "A5": (148.0, 210.0), "Letter": (215.9, 279.4), "square": (120.0, 120.0)}
_COLOR_PATTERN = "#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})"
_COLOR = re.compile(_COLOR_PATTERN, re.ASCII)
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
Color = Annotated[str, Meta(description="#rgb, #rrggbb or #rrggbbaa", extra_json_schema={"pattern": f"^{_COLOR_PATTERN}$"})]
PictureFit = Literal["contain", "cover", "stretch"]
Focus = Annotated[tuple[float, float], Meta(description="What stays in sight when a picture is cut: 0 to 1 from the left and from the top")]
Dash = Literal["solid", "dashed", "dotted"]


class _Part(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """Anything a document is made of."""


class GradientStop(_Part, frozen=True, kw_only=True, omit_defaults=True):
    color: Color
    at: Share


class Gradient(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """A change of colour: along `angle` (0 to the right, 90 down), or from the middle outwards."""

    type: Literal["linear", "radial"] = "linear"
    angle: Degrees = 0.0
    stops: Annotated[list[GradientStop], _items(2, STOPS_MAX)]


Paint = Color | Gradient


class Page(_Part, frozen=True, kw_only=True, omit_defaults=True):
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


class BackgroundPicture(_Part, frozen=True, kw_only=True, omit_defaults=True):
    source: str
    fit: PictureFit = "cover"
    focus: Focus = (0.5, 0.5)
    opacity: Share = 1.0


class Background(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What lies under all elements: a colour or gradient, and over it a picture. It reaches into the bleed."""

    color: Color = "#ffffff"
    gradient: Gradient | None = None
    picture: BackgroundPicture | str | None = None

    @property
    def placed_picture(self) -> BackgroundPicture | None:
        """The picture; one that is only named covers the page."""
        return BackgroundPicture(source=self.picture) if isinstance(self.picture, str) else self.picture


class _Element(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """`locked` is for the editor alone; `reading_order` puts what screen readers say before what lies below it."""

    name: Annotated[str, _at_most(500)] = ""
    alt: Annotated[str, _at_most(500)] = ""
    opacity: Share = 1.0
    locked: bool = False
    reading_order: Annotated[int, _between(0, 10_000)] | None = None


class _Boxed(_Element, frozen=True, kw_only=True, omit_defaults=True):
    x: Position
    y: Position
    width: Length
    height: Length
    rotation: Degrees = 0.0


class _Figure(_Boxed, frozen=True, kw_only=True, omit_defaults=True):
    fill: Paint | None = None
    stroke: Color | None = None
    stroke_width: StrokeWidth = 0.3
    dash: Dash = "solid"


class Run(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of a text; what it does not say is as its element says."""

    text: Annotated[str, _at_most(TEXT_LENGTH_MAX)]
    font: str | None = None
    size: Points | None = None
    weight: FontWeight | None = None
    italic: bool | None = None
    underline: bool | None = None
    color: Color | None = None
    letter_spacing: Annotated[float, _between(-0.5, 5)] | None = None


class Text(_Boxed, tag="text", frozen=True, kw_only=True, omit_defaults=True):
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


class Image(_Boxed, tag="image", frozen=True, kw_only=True, omit_defaults=True):
    """A picture; `source` is `asset:` and the SHA-256 of its bytes (a design file may name a file beside it), or an
    image attribute such as `[custom.photo]`, drawn only where it has a value."""

    source: str
    fit: PictureFit = "contain"
    focus: Focus = (0.5, 0.5)
    radius: Distance = 0.0


class Signature(_Boxed, tag="signature", frozen=True, kw_only=True, omit_defaults=True):
    """The picture of a signature, standing on a line."""

    source: str
    line: Color | None = "#000000"
    line_width: StrokeWidth = 0.25


class Rectangle(_Figure, tag="rectangle", frozen=True, kw_only=True, omit_defaults=True):
    radius: Distance = 0.0


class Ellipse(_Figure, tag="ellipse", frozen=True, kw_only=True, omit_defaults=True):
    pass


class Line(_Element, tag="line", frozen=True, kw_only=True, omit_defaults=True):
    x1: Position
    y1: Position
    x2: Position
    y2: Position
    stroke: Color = "#000000"
    stroke_width: StrokeWidth = 0.3
    dash: Dash = "solid"


class Polygon(_Element, tag="polygon", frozen=True, kw_only=True, omit_defaults=True):
    points: Annotated[list[tuple[float, float]], _items(3, POINTS_MAX)]
    fill: Paint | None = None
    stroke: Color | None = None
    stroke_width: StrokeWidth = 0.3
    dash: Dash = "solid"


class Path(_Figure, tag="path", frozen=True, kw_only=True, omit_defaults=True):
    """An outline in the language of SVG paths, in a view box that is stretched to the element's box."""

    d: Annotated[str, _at_most(20_000)]
    view_box: Annotated[tuple[float, float], Meta(description="Width and height")] | None = None


class Seal(_Figure, tag="seal", frozen=True, kw_only=True, omit_defaults=True):
    """A star, a scalloped disc and the like: `points` around the edge, `depth` of the notches between them."""

    style: Literal["star", "scallop", "rosette", "gear", "burst"] = "scallop"
    points: Annotated[int, _between(3, 120)] = 32
    depth: Annotated[float, _between(0, 0.9)] = 0.08


class Ribbon(_Boxed, tag="ribbon", frozen=True, kw_only=True, omit_defaults=True):
    """A ribbon; `fold` is the colour of what is turned away from the light."""

    style: Literal["banner", "tails", "corner", "swallowtail"] = "banner"
    fill: Paint = "#7f1d1d"
    fold: Color = "#4c0f0f"


class Icon(_Element, tag="icon", frozen=True, kw_only=True, omit_defaults=True):
    """One of the bundled icons."""

    icon: str
    x: Position
    y: Position
    size: Length
    rotation: Degrees = 0.0
    color: Color = "#000000"
    stroke_width: Annotated[float, _between(0.25, 4)] = 2.0


class QRCode(_Element, tag="qr", frozen=True, kw_only=True, omit_defaults=True):
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


class Group(_Boxed, tag="group", frozen=True, kw_only=True, omit_defaults=True):
    """Elements that are placed, turned and faded together; their positions start at the group's corner."""

    elements: list["Element"]


Element = (
    Text | Image | Signature | Rectangle | Ellipse | Line | Polygon | Path | Seal | Ribbon | Icon | QRCode | Group
)


class Document(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A design: the page, its background, and elements from the lowest to the topmost."""

    version: Literal[1]
    page: Page
    background: Background = Background()
    elements: list[Element] = []


class DesignFile(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A design as a file: what `testamur design import` reads."""

    name: str
    type: DesignType
    document: Document


def parse_document(data: bytes | str, *, fonts: Collection[str] = ()) -> Document:
    """A design document from JSON; one of an older version is brought to the newest. `fonts` are the names of fonts
    that may be asked for beside the bundled ones.

    Raises InvalidJSON if it is not JSON, else Invalid with the path of every fault that was found.
    """
    document = _decode(data, Document, upgraded)
    _check(document, (), fonts)
    return document


def parse_design_file(data: bytes | str, *, fonts: Collection[str] = ()) -> DesignFile:
    """A design file from JSON. Raises as `parse_document` does."""

    def upgrade(raw: dict[str, Any]) -> dict[str, Any]:
        document = raw.get("document")
        return {**raw, "document": upgraded(document)} if isinstance(document, dict) else raw

    file = _decode(data, DesignFile, upgrade)
    _check(file.document, ("document",), fonts)
    return file


def to_json(document: Document) -> bytes:
    """The document as compact JSON, the same bytes for the same document."""
    return msgspec.json.encode(document)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a design document."""
    (schema,), components = msgspec.json.schema_components([Document], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Testamur design document, version 1",
        **schema,
        "$defs": components,
    }


# By the version from which each leads to the next.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def upgraded(raw: dict[str, Any]) -> dict[str, Any]:
    """A document of an older version, as JSON values, in the shape of the newest."""
    while raw.get("version") in UPGRADES:
        raw = UPGRADES[raw["version"]](raw)
    return raw


def every_element(elements: Iterable[Element]) -> Iterator[Element]:
    """All elements from the lowest to the topmost, a group before what is in it."""
    for element in elements:
        yield element
        if isinstance(element, Group):
            yield from every_element(element.elements)


def picture_sources(document: Document) -> list[str]:
    """The source of every picture of the design itself, without repetition, in the order in which they come."""
    found = [document.background.placed_picture] if document.background.placed_picture else []
    sources = [picture.source for picture in found]
    for element in every_element(document.elements):
        source = _source_of(element)
        if source is not None and attribute_of_source(source) is None:
            sources.append(source)
    return list(dict.fromkeys(sources))


def picture_tags(document: Document) -> set[str]:
    """The tags of the attributes that stand for a picture."""
    tags = (attribute_of_source(_source_of(element) or "") for element in every_element(document.elements))
    return {tag for tag in tags if tag is not None}


def fonts_in(document: Document) -> set[str]:
    """The names of all fonts that the document asks for."""
    texts = [element for element in every_element(document.elements) if isinstance(element, Text)]
    return {text.font for text in texts} | {run.font for text in texts for run in text.runs if run.font is not None}


def attribute_of_source(source: str) -> str | None:
    """`custom.photo` for the source `[custom.photo]`; None for a picture of the design itself."""
    if not _ONE_ATTRIBUTE.fullmatch(source):
        return None
    tags = tags_in(source)
    return tags.pop() if len(tags) == 1 else None


def with_sources(document: Document, by_source: Mapping[str, str]) -> Document:
    """The document with picture sources replaced."""
    background = document.background
    if background.placed_picture:
        picture = background.placed_picture
        named = by_source.get(picture.source, picture.source)
        replaced = named if isinstance(background.picture, str) else msgspec.structs.replace(picture, source=named)
        background = msgspec.structs.replace(background, picture=replaced)
    elements = [_with_sources(element, by_source) for element in document.elements]
    return msgspec.structs.replace(document, background=background, elements=elements)


def _with_sources(element: Element, by_source: Mapping[str, str]) -> Element:
    match element:
        case Image() | Signature():
            return msgspec.structs.replace(element, source=by_source.get(element.source, element.source))
        case QRCode(logo=str()):
            return msgspec.structs.replace(element, logo=by_source.get(element.logo or "", element.logo))
        case Group():
            return msgspec.structs.replace(element, elements=[_with_sources(e, by_source) for e in element.elements])
        case _:
            return element


def _source_of(element: Element) -> str | None:
    match element:
        case Image() | Signature():
            return element.source
        case QRCode():
            return element.logo
        case _:
            return None


def _decode(data: bytes | str, shape: type[Shape], upgrade: Callable[[dict[str, Any]], dict[str, Any]]) -> Shape:
    if len(data) > DOCUMENT_BYTES_MAX:
        raise Invalid(f"The design document is larger than {DOCUMENT_BYTES_MAX // 1024} KiB")
    try:
        if UPGRADES:
            raw = msgspec.json.decode(data)
            return msgspec.convert(upgrade(raw) if isinstance(raw, dict) else raw, shape)
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise InvalidJSON("The design document is not JSON") from None


_AT = re.compile(r"^(?P<reason>.*) - at `(?:key )?\$?(?P<path>[^`]*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `(.+)`", re.DOTALL)
_MISSING = re.compile(r"missing required field `(.+)`", re.DOTALL)


def _explained(text: str) -> Invalid:
    found = _AT.match(text)
    reason, at = (found["reason"], found["path"]) if found else (text, "")
    path = tuple(name or int(index) for name, index in _STEP.findall(at))
    unknown, missing = _UNKNOWN.search(reason), _MISSING.search(reason)
    if unknown:
        near = [name for name in get_close_matches(unknown[1], _MEMBERS, n=1) if name != unknown[1]]
        return Invalid("Is not a member" + (f"; did you mean {near[0]}?" if near else ""), (*path, unknown[1][:60]))
    if missing:
        return Invalid("Required", (*path, missing[1]))
    if path and path[-1] == "type":
        return Invalid(f"{reason}; the types are {', '.join(TYPES)}", path)
    if path[-1:] == ("version",):
        return Invalid(f"Must be {VERSION}, the newest version of the design document", path)
    return Invalid(reason, path)


ELEMENTS: tuple[type[Struct], ...] = get_args(Element)
TYPES = tuple(str(kind.__struct_config__.tag) for kind in ELEMENTS)
_KINDS: tuple[type[Struct], ...] = (
    DesignFile, Document, Page, Background, BackgroundPicture, Gradient, GradientStop, Run, *ELEMENTS,
)  # fmt: skip
_MEMBERS = sorted({field.encode_name for kind in _KINDS for field in msgspec.structs.fields(kind)} | {"type"})


def _check(document: Document, prefix: tuple[str, ...], fonts: Collection[str]) -> None:
    count = sum(1 for _ in every_element(document.elements))
    if count > ELEMENTS_MAX:
        raise Invalid(f"Must be at most {ELEMENTS_MAX}, are {count}", (*prefix, "elements"))
    problems = [*_page_problems(document.page), *_part_problems(document, ())]
    for position, element in enumerate(document.elements):
        problems += _element_problems(element, ("elements", position), 1)
    problems += _order_problems(document.elements, ())
    unknown = fonts_in(document) - {*FAMILIES, *fonts}
    if unknown:
        known = ", ".join(dict.fromkeys([*FAMILIES, *fonts]))
        problems += [Problem(path, f'There is no font "{name[:60]}"; the fonts are {known}')
                     for path, name in _fonts_used(document.elements, ("elements",)) if name in unknown]
    if problems:
        raise Invalid.of([Problem((*prefix, *problem.path), problem.message) for problem in problems])


def _page_problems(page: Page) -> Iterator[Problem]:
    if page.size is None:
        for name in ("width", "height"):
            if getattr(page, name) is None:
                yield Problem(("page", name), "Required, unless the page has a size")
    elif page.width is not None or page.height is not None:
        yield Problem(("page", "size"), "Must not be given together with width and height")
    width, height = page.size_mm
    if min(width, height) > 0 and max(width, height) / min(width, height) > ASPECT_MAX:
        yield Problem(("page",), f"Must not be more than {ASPECT_MAX} times as long as it is wide")


class _Rule(Struct, frozen=True):
    """What the annotation of a field asks of its value."""

    member: str
    low: float | None = None
    high: float | None = None
    length_max: int | None = None
    items: tuple[int, int] | None = None
    is_color: bool = False


@cache
def _rules(kind: type[Struct]) -> dict[str, _Rule]:
    found = {}
    for field in msgspec.structs.fields(kind):
        schema = _schema_of(field.type)
        items = (schema["minItems"], schema["maxItems"]) if "minItems" in schema else None
        found[field.name] = _Rule(
            field.encode_name,
            schema.get("minimum"),
            schema.get("maximum"),
            schema.get("maxLength"),
            items,
            is_color="pattern" in schema,
        )
    return found


def _schema_of(annotation: Any) -> dict[str, Any]:
    """What `Meta` says in an annotation, also inside a union."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metas = get_args(annotation)
        found = _schema_of(inner)
        for meta in metas:
            found |= meta.extra_json_schema or {}
        return found
    if origin in {Union, UnionType}:
        return {key: value for part in get_args(annotation) for key, value in _schema_of(part).items()}
    return {}


def _part_problems(part: Struct, path: tuple[str | int, ...]) -> Iterator[Problem]:
    """Of the plain values of a part and of the parts in it, except for elements, which have checks of their own."""
    for name, rule in _rules(type(part)).items():
        value = getattr(part, name)
        here = (*path, rule.member)
        if isinstance(value, str):
            if rule.is_color and not _COLOR.fullmatch(value):
                yield Problem(here, f'Must be a colour such as #1a2b3c, is "{value[:40]}"')
            if rule.length_max is not None and len(value) > rule.length_max:
                yield Problem(here, f"Must have at most {rule.length_max} characters, has {len(value)}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if rule.low is not None and rule.high is not None and not rule.low <= value <= rule.high:
                yield Problem(here, f"Must be a number from {rule.low} to {rule.high}, is {value}")
        elif isinstance(value, list):
            if rule.items is not None and not rule.items[0] <= len(value) <= rule.items[1]:
                yield Problem(here, f"Must be {rule.items[0]} to {rule.items[1]}, are {len(value)}")
            for position, item in enumerate(value):
                if isinstance(item, Struct) and not isinstance(item, _Element):
                    yield from _part_problems(item, (*here, position))
        elif isinstance(value, Struct):
            yield from _part_problems(value, here)
        if isinstance(part, Image | BackgroundPicture) and name == "focus" and not all(0 <= at <= 1 for at in value):
            yield Problem(here, "Must be two numbers from 0 to 1")
    if isinstance(part, Background) and isinstance(part.picture, str):
        yield from _source_problems(part.picture, (*path, "picture"))
    if isinstance(part, BackgroundPicture):
        yield from _source_problems(part.source, (*path, "source"))


def _element_problems(element: Element, path: tuple[str | int, ...], depth: int) -> Iterator[Problem]:
    yield from _part_problems(element, path)
    match element:
        case Text():
            yield from _text_problems(element, path)
        case Image() | Signature():
            yield from _source_problems(element.source, (*path, "source"), may_be_attribute=True)
        case Polygon():
            for position, point in enumerate(element.points[:POINTS_MAX]):
                if not all(math.isfinite(value) and abs(value) <= PAGE_MM_MAX for value in point):
                    yield Problem((*path, "points", position), f"Must be within {PAGE_MM_MAX} mm")
        case QRCode():
            if not element.content:
                yield Problem((*path, "content"), "Must have 1 to 1000 characters")
            if element.logo is not None:
                yield from _source_problems(element.logo, (*path, "logo"), may_be_attribute=True)
        case Group():
            if depth > GROUP_DEPTH_MAX:
                yield Problem(path, f"Groups may lie in each other {GROUP_DEPTH_MAX} deep at most")
                return
            for position, inner in enumerate(element.elements):
                yield from _element_problems(inner, (*path, "elements", position), depth + 1)
            yield from _order_problems(element.elements, path)


def _text_problems(element: Text, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if element.text is None and not element.runs:
        yield Problem((*path, "text"), "Required, unless there are runs")
    if element.text is not None and element.runs:
        yield Problem((*path, "runs"), "Must not be given together with text")
    if sum(len(run.text) for run in element.runs) > TEXT_LENGTH_MAX:
        yield Problem((*path, "runs"), f"Must have at most {TEXT_LENGTH_MAX} characters in all")
    if element.size_min is not None and element.size_min > element.size:
        yield Problem((*path, "sizeMin"), "Must not be larger than size")


def _fonts_used(
    elements: list[Element], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for position, element in enumerate(elements):
        here = (*path, position)
        if isinstance(element, Text):
            yield (*here, "font"), element.font
            for at, run in enumerate(element.runs):
                if run.font is not None:
                    yield (*here, "runs", at, "font"), run.font
        elif isinstance(element, Group):
            yield from _fonts_used(element.elements, (*here, "elements"))


def _source_problems(value: str, path: tuple[str | int, ...], *, may_be_attribute: bool = False) -> Iterator[Problem]:
    if value.startswith("["):
        if not may_be_attribute:
            yield Problem(path, "Must be the same picture in each certificate, so it cannot be an attribute")
        elif attribute_of_source(value) is None:
            yield Problem(path, "Must be one attribute such as [custom.photo]")
    elif value.startswith("asset:") and not ASSET.fullmatch(value):
        yield Problem(path, "Must be asset: and 64 hexadecimal digits")
    elif not 1 <= len(value) <= 300 or "://" in value:
        yield Problem(path, "Must be the name of a picture file, or asset: and its SHA-256")


def in_reading_order(elements: Iterable[Element]) -> list[Element]:
    """The elements in the order in which they are drawn and said.

    A screen reader says elements as they are drawn. Those that have a reading order come by it, each in the place of
    another that has one; `_order_problems` refuses orders that would put something on top of what covers it.
    """
    drawn = list(elements)
    places = [at for at, element in enumerate(drawn) if element.reading_order is not None]
    ordered = sorted((drawn[at] for at in places), key=lambda element: element.reading_order or 0)
    for at, element in zip(places, ordered, strict=True):
        drawn[at] = element
    return drawn


def _order_problems(elements: list[Element], path: tuple[str | int, ...]) -> Iterator[Problem]:
    if all(element.reading_order is None for element in elements):
        return
    before = {id(element): at for at, element in enumerate(elements)}
    drawn = in_reading_order(elements)
    boxes = [bounds(element) for element in drawn]
    for upper, element in enumerate(drawn):
        for lower in range(upper):
            if before[id(drawn[lower])] > before[id(element)] and overlap(boxes[lower], boxes[upper]):
                at = before[id(element)]
                yield Problem(
                    (*path, "elements", at, "readingOrder"),
                    f"Would draw this over elements[{before[id(drawn[lower])]}], which lies on top of it; move them apart",
                )
                return


def bounds(element: Element) -> tuple[float, float, float, float]:
    """The box around an element: left, top, right, bottom; generous for what is turned."""
    match element:
        case Line():
            xs, ys = (element.x1, element.x2), (element.y1, element.y2)
            return min(xs), min(ys), max(xs), max(ys)
        case Polygon():
            xs, ys = tuple(x for x, _ in element.points), tuple(y for _, y in element.points)
            return (min(xs), min(ys), max(xs), max(ys)) if xs else (0, 0, 0, 0)
        case QRCode() | Icon():
            return element.x, element.y, element.x + element.size, element.y + element.size
        case _:
            x, y, width, height = element.x, element.y, element.width, element.height
            if not element.rotation:
                return x, y, x + width, y + height
            reach = math.hypot(width, height) / 2
            middle_x, middle_y = x + width / 2, y + height / 2
            return middle_x - reach, middle_y - reach, middle_x + reach, middle_y + reach


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
