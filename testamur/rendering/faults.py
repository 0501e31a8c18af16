"""What is wrong with a design document beyond its shape: numbers out of range, colours, sources, orders."""

import math
import re
from collections.abc import Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from testamur.errors import Invalid, Problem
from testamur.rendering.attributes_in_text import problems_in
from testamur.rendering.elements import (
    ASPECT_MAX,
    ASSET,
    COLOR_PATTERN,
    GROUP_DEPTH_MAX,
    PAGE_MM_MAX,
    PAGE_MM_MIN,
    POINTS_MAX,
    TEXT_LENGTH_MAX,
    AnyElement,
    Background,
    BackgroundPicture,
    Element,
    Gradient,
    Group,
    Icon,
    Image,
    Page,
    Path,
    Polygon,
    QRCode,
    Ribbon,
    Seal,
    Signature,
    Text,
    attribute_of_source,
)
from testamur.rendering.figures import PATH_COORDINATE_MAX, parse_path
from testamur.rendering.icons import icon_svg
from testamur.rendering.order import bounds, order_problems

FIGURE_PAGES_MAX = 2
# A figure that is stretched more in one direction than in the other has strokes without bounds.
STRETCH_MAX = 50

_COLOR = re.compile(COLOR_PATTERN, re.ASCII)


def page_problems(page: Page) -> Iterator[Problem]:
    if page.size is None:
        for name in ("width", "height"):
            if getattr(page, name) is None:
                yield Problem(("page", name), "Required, unless the page has a size")
    elif page.width is not None or page.height is not None:
        yield Problem(("page", "size"), "Must not be given together with width and height")
    short, long = sorted(page.size_mm)
    if short >= PAGE_MM_MIN and long <= PAGE_MM_MAX and long / short > ASPECT_MAX:
        yield Problem(("page",), f"Must not be more than {ASPECT_MAX} times as long as it is wide")


class _Rule(Struct, frozen=True):
    """What the annotation of a field asks of its value."""

    member: str
    range: tuple[float, float] | None = None
    length_max: int | None = None
    items: tuple[int, int] | None = None
    is_color: bool = False


@cache
def _rules(kind: type[Struct]) -> dict[str, _Rule]:
    found = {}
    for field in msgspec.structs.fields(kind):
        schema = _schema_of(field.type)
        found[field.name] = _Rule(
            field.encode_name,
            range=(schema["minimum"], schema["maximum"]) if "minimum" in schema else None,
            length_max=schema.get("maxLength"),
            items=(schema["minItems"], schema["maxItems"]) if "minItems" in schema else None,
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


def part_problems(part: Struct, path: tuple[str | int, ...]) -> Iterator[Problem]:
    """Of the plain values of a part and of the parts in it, except for elements, which have checks of their own."""
    for name, rule in _rules(type(part)).items():
        value = getattr(part, name)
        here = (*path, rule.member)
        yield from (Problem(here, message) for message in _broken(rule, value))
        for position, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, Struct) and not isinstance(item, AnyElement):
                yield from part_problems(item, (*here, position))
        if isinstance(value, Struct):
            yield from part_problems(value, here)
    if isinstance(part, Image | BackgroundPicture) and not all(0 <= at <= 1 for at in part.focus):
        yield Problem((*path, "focus"), "Must be two numbers from 0 to 1")
    if isinstance(part, Background) and isinstance(part.picture, str):
        yield from _source_problems(part.picture, (*path, "picture"))
    if isinstance(part, BackgroundPicture):
        yield from _source_problems(part.source, (*path, "source"))


def _broken(rule: _Rule, value: Any) -> Iterator[str]:
    match value:
        case str():
            if rule.is_color and not _COLOR.fullmatch(value):
                yield f'Must be a colour such as #1a2b3c, is "{value[:40]}"'
            if rule.length_max is not None and len(value) > rule.length_max:
                yield f"Must have at most {rule.length_max} characters, has {len(value)}"
        case int() | float() if rule.range is not None and not rule.range[0] <= value <= rule.range[1]:
            yield f"Must be a number from {rule.range[0]} to {rule.range[1]}, is {value}"
        case list() if rule.items is not None and not rule.items[0] <= len(value) <= rule.items[1]:
            yield f"Must be {rule.items[0]} to {rule.items[1]}, are {len(value)}"


def element_problems(  # noqa: C901, PLR0912 - one case per type of element.
    element: Element, path: tuple[str | int, ...], depth: int
) -> Iterator[Problem]:
    yield from part_problems(element, path)
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
            yield from (Problem((*path, "content"), fault) for fault in problems_in(element.content))
            if element.logo is not None:
                yield from _source_problems(element.logo, (*path, "logo"), may_be_attribute=True)
        case Path():
            yield from _path_problems(element, path)
        case Icon():
            try:
                icon_svg(element.icon, color="#000")
            except Invalid as error:
                yield Problem((*path, "icon"), error.message)
        case Group():
            if depth > GROUP_DEPTH_MAX:
                yield Problem(path, f"Groups may lie in each other {GROUP_DEPTH_MAX} deep at most")
                return
            for position, inner in enumerate(element.elements):
                yield from element_problems(inner, (*path, "elements", position), depth + 1)
            yield from order_problems(element.elements, path)


def _path_problems(element: Path, path: tuple[str | int, ...]) -> Iterator[Problem]:
    try:
        parse_path(element.d)
    except Invalid as error:
        yield Problem((*path, "d"), error.message)
    if element.view_box is None:
        return
    if not all(0.01 <= side <= PATH_COORDINATE_MAX for side in element.view_box):
        yield Problem((*path, "viewBox"), f"Must be a width and a height from 0.01 to {PATH_COORDINATE_MAX}")
        return
    across, down = element.view_box[0] / max(element.width, 0.1), element.view_box[1] / max(element.height, 0.1)
    if max(across / down, down / across) > STRETCH_MAX:
        yield Problem((*path, "viewBox"), f"Must have about the proportions of the box, within {STRETCH_MAX} times")


def _text_problems(element: Text, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if element.text is None and not element.runs:
        yield Problem((*path, "text"), "Required, unless there are runs")
    if element.text is not None and element.runs:
        yield Problem((*path, "runs"), "Must not be given together with text")
    yield from (Problem((*path, "text"), fault) for fault in problems_in(element.text or ""))
    for position, run in enumerate(element.runs):
        yield from (Problem((*path, "runs", position, "text"), fault) for fault in problems_in(run.text))
    if sum(len(run.text) for run in element.runs) > TEXT_LENGTH_MAX:
        yield Problem((*path, "runs"), f"Must have at most {TEXT_LENGTH_MAX} characters in all")
    if element.size_min is not None and element.size_min > element.size:
        yield Problem((*path, "sizeMin"), "Must not be larger than size")


def with_paths(
    elements: list[Element], path: tuple[str | int, ...] = ("elements",)
) -> Iterator[tuple[tuple[str | int, ...], Element]]:
    """All elements, those in groups too, with where each is."""
    for position, element in enumerate(elements):
        yield (*path, position), element
        if isinstance(element, Group):
            yield from with_paths(element.elements, (*path, position, "elements"))


def fonts_used(elements: list[Element]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for path, element in with_paths(elements):
        if isinstance(element, Text):
            yield (*path, "font"), element.font
            for at, run in enumerate(element.runs):
                if run.font is not None:
                    yield (*path, "runs", at, "font"), run.font


def size_problems(elements: list[Element], page: Page) -> Iterator[Problem]:
    """Of figures and gradients, which are drawn as a whole however little of them lies on the page."""
    most = FIGURE_PAGES_MAX * max(page.size_mm)
    for path, element in with_paths(elements):
        is_whole = isinstance(element, Icon | QRCode | Path | Seal | Ribbon)
        if is_whole or isinstance(getattr(element, "fill", None), Gradient):
            left, top, right, bottom = bounds(element, is_turned=False)
            if max(right - left, bottom - top) > most:
                message = f"Must be at most {most:g} mm wide and high, which is {FIGURE_PAGES_MAX} times the page"
                yield Problem(path, message)


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
