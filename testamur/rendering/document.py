"""The design document, version 1: what a design is made of, as JSON. Described in docs/design-document.md.

Lengths and positions are millimetres from the page's top left corner, text sizes are points, rotations degrees
clockwise. A member that is not known is refused, because a misspelt one would otherwise be ignored in silence.
"""

import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from testamur.errors import Invalid, InvalidJSON, Problem
from testamur.rendering.fonts import FAMILIES

Shape = TypeVar("Shape")
DesignType = Literal["certificate", "badge"]
FontWeight = Literal[400, 500, 600, 700]

VERSION = 1
ELEMENTS_MAX = 500
DOCUMENT_BYTES_MAX = 1024 * 1024
TEXT_LENGTH_MAX = 5000
POINTS_MAX = 200
PAGE_MM_MIN, PAGE_MM_MAX = 10, 2000
SIZE_PT_MIN, SIZE_PT_MAX = 3, 400

_PAGE_SIZES_MM = {"A4": (210.0, 297.0), "Letter": (215.9, 279.4), "square": (120.0, 120.0)}
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})", re.ASCII)
ASSET = re.compile(r"asset:[0-9a-f]{64}", re.ASCII)


class Page(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """The sheet: a named size with an orientation, or a width and a height in mm."""

    size: Literal["A4", "Letter", "square"] | None = None
    orientation: Literal["portrait", "landscape"] = "portrait"
    width: float | None = None
    height: float | None = None

    @property
    def size_mm(self) -> tuple[float, float]:
        if self.size is None:
            return self.width or 0, self.height or 0
        short, long = _PAGE_SIZES_MM[self.size]
        return (long, short) if self.orientation == "landscape" else (short, long)


class Background(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """What lies under all elements: a colour, and over it a picture that covers the page."""

    color: str = "#ffffff"
    picture: str | None = None


class _Element(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    name: str = ""
    alt: str = ""
    opacity: float = 1.0


class _Boxed(_Element, frozen=True, kw_only=True, omit_defaults=True):
    x: float
    y: float
    width: float
    height: float
    rotation: float = 0.0


class Text(_Boxed, tag="text", frozen=True, kw_only=True, omit_defaults=True):
    """Text in a box, with attributes such as `[recipient.name]` in it.

    `fit` "shrink": one line, made smaller down to `size_min` if it is too wide, then wrapped. "wrap": wrapped at its
    full size, made smaller if it is too high. Whatever its length, text stays in its box.
    """

    text: str
    font: str = "EB Garamond"
    size: float = 14.0
    size_min: float | None = None
    weight: FontWeight = 400
    italic: bool = False
    color: str = "#000000"
    align: Literal["left", "center", "right"] = "left"
    vertical_align: Literal["top", "middle", "bottom"] = "top"
    letter_spacing: float = 0.0
    line_height: float = 1.25
    uppercase: bool = False
    fit: Literal["shrink", "wrap"] = "shrink"


class Image(_Boxed, tag="image", frozen=True, kw_only=True, omit_defaults=True):
    """A picture; `source` is `asset:` and the SHA-256 of its bytes (a design file may name a file beside it)."""

    source: str
    fit: Literal["contain", "cover", "stretch"] = "contain"


class Rectangle(_Boxed, tag="rectangle", frozen=True, kw_only=True, omit_defaults=True):
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 0.3
    radius: float = 0.0


class Ellipse(_Boxed, tag="ellipse", frozen=True, kw_only=True, omit_defaults=True):
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 0.3


class Line(_Element, tag="line", frozen=True, kw_only=True, omit_defaults=True):
    x1: float
    y1: float
    x2: float
    y2: float
    stroke: str = "#000000"
    stroke_width: float = 0.3


class Polygon(_Element, tag="polygon", frozen=True, kw_only=True, omit_defaults=True):
    points: list[tuple[float, float]]
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 0.3


class QRCode(_Element, tag="qr", frozen=True, kw_only=True, omit_defaults=True):
    """A square QR code; without content it leads to the credential's page. `margin` is in modules."""

    x: float
    y: float
    size: float
    content: str = "[credential.url]"
    color: str = "#000000"
    background: str | None = None
    margin: int = 0
    correction: Literal["L", "M", "Q", "H"] = "M"


Element = Text | Image | Rectangle | Ellipse | Line | Polygon | QRCode


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


def parse_document(data: bytes | str) -> Document:
    """A design document from JSON.

    Raises InvalidJSON if it is not JSON, else Invalid with the path of every fault that was found.
    """
    document = _decode(data, Document)
    _check(document, ())
    return document


def parse_design_file(data: bytes | str) -> DesignFile:
    """A design file from JSON. Raises as `parse_document` does."""
    file = _decode(data, DesignFile)
    _check(file.document, ("document",))
    return file


def to_json(document: Document) -> bytes:
    """The document as compact JSON, the same bytes for the same document."""
    return msgspec.json.encode(document)


def picture_sources(document: Document) -> list[str]:
    """The source of every picture, without repetition, in the order in which they come."""
    sources = [document.background.picture] if document.background.picture else []
    sources += [element.source for element in document.elements if isinstance(element, Image)]
    return list(dict.fromkeys(sources))


def with_sources(document: Document, by_source: Mapping[str, str]) -> Document:
    """The document with picture sources replaced."""
    background = document.background
    if background.picture:
        background = msgspec.structs.replace(background, picture=by_source.get(background.picture, background.picture))
    elements: list[Element] = [
        msgspec.structs.replace(element, source=by_source.get(element.source, element.source))
        if isinstance(element, Image)
        else element
        for element in document.elements
    ]
    return msgspec.structs.replace(document, background=background, elements=elements)


def _decode(data: bytes | str, shape: type[Shape]) -> Shape:
    if len(data) > DOCUMENT_BYTES_MAX:
        raise Invalid(f"The design document is larger than {DOCUMENT_BYTES_MAX // 1024} KiB")
    try:
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
        return Invalid(f"{reason}; the types are {', '.join(_TYPES)}", path)
    if path == ("version",):
        return Invalid(f"Must be {VERSION}, the only version of the design document so far", path)
    return Invalid(reason, path)


_TYPES = ("text", "image", "rectangle", "ellipse", "line", "polygon", "qr")
_KINDS: tuple[type[Struct], ...] = (
    DesignFile, Document, Page, Background, Text, Image, Rectangle, Ellipse, Line, Polygon, QRCode,
)  # fmt: skip
_MEMBERS = sorted({field.encode_name for kind in _KINDS for field in msgspec.structs.fields(kind)} | {"type"})


def _check(document: Document, prefix: tuple[str, ...]) -> None:
    problems = [*_page_problems(document.page), *_background_problems(document.background)]
    if len(document.elements) > ELEMENTS_MAX:
        problems.append(Problem(("elements",), f"Must be at most {ELEMENTS_MAX}, are {len(document.elements)}"))
    for position, element in enumerate(document.elements[:ELEMENTS_MAX]):
        problems += [
            Problem(("elements", position, *problem.path), problem.message) for problem in _element_problems(element)
        ]
    if problems:
        raise Invalid.of([Problem((*prefix, *problem.path), problem.message) for problem in problems])


def _page_problems(page: Page) -> Iterator[Problem]:
    if page.size is None:
        for name in ("width", "height"):
            value = getattr(page, name)
            if value is None:
                yield Problem(("page", name), "Required, unless the page has a size")
            elif not PAGE_MM_MIN <= value <= PAGE_MM_MAX:
                yield Problem(("page", name), f"Must be {PAGE_MM_MIN} to {PAGE_MM_MAX} mm")
    elif page.width is not None or page.height is not None:
        yield Problem(("page", "size"), "Must not be given together with width and height")


def _background_problems(background: Background) -> Iterator[Problem]:
    yield from _color_problems("color", background.color, ("background",))
    if background.picture is not None:
        yield from _source_problems("picture", background.picture, ("background",))


def _element_problems(  # noqa: C901, PLR0912 - one case per type of element.
    element: Element,
) -> Iterator[Problem]:
    yield from _range_problems(element, "opacity", 0, 1)
    for name in ("name", "alt"):
        if len(getattr(element, name)) > 500:
            yield Problem((name,), "Must have at most 500 characters")
    if isinstance(element, _Boxed):
        yield from _box_problems(element)
    for name in ("color", "fill", "stroke", "background"):
        yield from _color_problems(name, getattr(element, name, None))
    if hasattr(element, "stroke_width"):
        yield from _range_problems(element, "stroke_width", 0, 100)
    match element:
        case Text():
            yield from _text_problems(element)
        case Image():
            yield from _source_problems("source", element.source)
        case Rectangle():
            yield from _range_problems(element, "radius", 0, PAGE_MM_MAX)
        case Line():
            for name in ("x1", "y1", "x2", "y2"):
                yield from _range_problems(element, name, -PAGE_MM_MAX, PAGE_MM_MAX)
        case Polygon():
            yield from _polygon_problems(element)
        case QRCode():
            for name in ("x", "y"):
                yield from _range_problems(element, name, -PAGE_MM_MAX, PAGE_MM_MAX)
            yield from _range_problems(element, "size", 5, PAGE_MM_MAX)
            yield from _range_problems(element, "margin", 0, 20)
            if not 1 <= len(element.content) <= 1000:
                yield Problem(("content",), "Must have 1 to 1000 characters")


def _box_problems(element: _Boxed) -> Iterator[Problem]:
    for name in ("x", "y"):
        yield from _range_problems(element, name, -PAGE_MM_MAX, PAGE_MM_MAX)
    for name in ("width", "height"):
        yield from _range_problems(element, name, 0.1, PAGE_MM_MAX)
    yield from _range_problems(element, "rotation", -360, 360)


def _text_problems(element: Text) -> Iterator[Problem]:
    if len(element.text) > TEXT_LENGTH_MAX:
        yield Problem(("text",), f"Must have at most {TEXT_LENGTH_MAX} characters")
    if element.font not in FAMILIES:
        yield Problem(("font",), f'There is no font "{element.font[:60]}"; the fonts are {", ".join(FAMILIES)}')
    yield from _range_problems(element, "size", SIZE_PT_MIN, SIZE_PT_MAX)
    if element.size_min is not None:
        yield from _range_problems(element, "size_min", SIZE_PT_MIN, SIZE_PT_MAX)
        if element.size_min > element.size:
            yield Problem(("sizeMin",), "Must not be larger than size")
    yield from _range_problems(element, "letter_spacing", -0.5, 5)
    yield from _range_problems(element, "line_height", 0.5, 5)


def _polygon_problems(element: Polygon) -> Iterator[Problem]:
    if not 3 <= len(element.points) <= POINTS_MAX:
        yield Problem(("points",), f"Must be 3 to {POINTS_MAX} points, are {len(element.points)}")
    for position, point in enumerate(element.points[:POINTS_MAX]):
        if not all(-PAGE_MM_MAX <= value <= PAGE_MM_MAX for value in point):
            yield Problem(("points", position), f"Must be within {PAGE_MM_MAX} mm")


def _range_problems(element: Any, name: str, low: float, high: float) -> Iterator[Problem]:
    value = getattr(element, name)
    if not math.isfinite(value) or not low <= value <= high:
        wire = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
        yield Problem((wire,), f"Must be a number from {low} to {high}, is {value}")


def _color_problems(name: str, value: str | None, prefix: tuple[str, ...] = ()) -> Iterator[Problem]:
    if value is not None and not _COLOR.fullmatch(value):
        yield Problem((*prefix, name), f'Must be a colour such as #1a2b3c, is "{value[:40]}"')


def _source_problems(name: str, value: str, prefix: tuple[str, ...] = ()) -> Iterator[Problem]:
    if value.startswith("asset:") and not ASSET.fullmatch(value):
        yield Problem((*prefix, name), "Must be asset: and 64 hexadecimal digits")
    elif not 1 <= len(value) <= 300 or "://" in value:
        yield Problem((*prefix, name), "Must be the name of a picture file, or asset: and its SHA-256")
