"""The design document, version 1: what a design is, as JSON. Described in docs/design-document.md.

A member that is not known is refused, because a misspelt one would otherwise be ignored in silence.
"""

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

from testamur.errors import Invalid, InvalidJSON, Problem
from testamur.rendering.elements import (
    ELEMENTS_MAX,
    Background,
    BackgroundPicture,
    Element,
    Gradient,
    GradientStop,
    Group,
    Image,
    Page,
    QRCode,
    Run,
    Signature,
    Text,
    attribute_of_source,
    every_element,
)
from testamur.rendering.faults import element_problems, fonts_used, page_problems, part_problems, size_problems
from testamur.rendering.fonts import FAMILIES
from testamur.rendering.order import order_problems

Shape = TypeVar("Shape")
DesignType = Literal["certificate", "badge"]
VERSION = 1
DOCUMENT_BYTES_MAX = 1024 * 1024


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


def parse_document(data: bytes | str, *, fonts: Collection[str] | None = ()) -> Document:
    """A design document from JSON; one of an older version is brought to the newest.

    `fonts` are the names that may be asked for beside the bundled ones; None: it was checked when it was stored, and is not again.

    Raises InvalidJSON if it is not JSON, else Invalid with the path of every fault that was found.
    """
    document = _decode(data, Document, upgraded)
    if fonts is not None:
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
    while isinstance(version := raw.get("version"), int) and version in UPGRADES:
        raw = UPGRADES[version](raw)
    return raw


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
    problems = [*page_problems(document.page), *part_problems(document, ())]
    for position, element in enumerate(document.elements):
        problems += element_problems(element, ("elements", position), 1)
    problems += [*order_problems(document.elements, ()), *size_problems(document.elements, document.page)]
    unknown = fonts_in(document) - {*FAMILIES, *fonts}
    if unknown:
        known = ", ".join(dict.fromkeys([*FAMILIES, *fonts]))
        problems += [
            Problem(path, f'There is no font "{name[:60]}"; the fonts are {known}')
            for path, name in fonts_used(document.elements)
            if name in unknown
        ]
    if problems:
        raise Invalid.of([Problem((*prefix, *problem.path), problem.message) for problem in problems])
