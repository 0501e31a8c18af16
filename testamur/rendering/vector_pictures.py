"""Vector pictures (SVG) that people upload: cleaned, bounded and tried before they are kept.

An SVG is a program as much as a picture: it can run scripts, fetch from elsewhere, and name parts of itself again and
again until no memory is left. So it goes through four gates: a plain reader counts, and refuses what a picture does not
need (the sanitiser itself dies of a deep nesting, and rewrites addresses instead of refusing them); svg-hush takes out
whatever is not on its list of harmless elements and attributes; what it leaves is checked and measured; and the engine
draws the result, in a process of its own.
"""

import base64
import binascii
import math
import re
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET
from xml.parsers import expat

import py_svg_hush

from testamur.errors import Invalid
from testamur.rendering.raster_pictures import PIXELS_MAX, SIDE_PX_MAX, Prepared, prepare_raster
from testamur.rendering.trial import draws_elsewhere

SVG_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 64
ELEMENTS_MAX = 20_000
EXPANDED_MAX = 100_000
TEXT_LENGTH_MAX = 20_000
NUMBER_MAX = 1_000_000
_PICTURES_MAX = 50
_RATIO_MAX = 1000

_SVG = "http://www.w3.org/2000/svg"
_EMBEDDED = re.compile(r"data:image/(?:png|jpe?g)(?P<is_base64>;base64)?,(?P<data>.*)", re.DOTALL | re.IGNORECASE)
# None of these looks at the same text many times over, whatever the text is.
_URL = re.compile(r"""url\(\s*["']?\s*([^"')]*)""", re.IGNORECASE)
_NO_MEASURE = re.compile(r"#[0-9a-f]+|url\([^)]*\)?", re.IGNORECASE)
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LENGTH = re.compile(r"\+?((?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(px|pt|pc|mm|cm|in|em|ex)?", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_AT_RULE = re.compile(r"@[^;{}@]*(?:;|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})")
_DECLARATIONS = re.compile(r"\{([^{}]*)\}")
_PX_PER = {"": 1, "px": 1, "pt": 96 / 72, "pc": 16, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96, "em": 16, "ex": 8}
# Names and texts may hold any number; everywhere else a number is a measure.
_NOT_MEASURES = {"id", "class", "href", "font-family", "result", "in", "in2", "lang"}
# What svg-hush lets pass and a still picture does not need.
_DROPPED = {"animate", "animateMotion", "animateTransform", "set", "title", "desc", "view"}


def prepare_svg(content: bytes) -> Prepared:
    """The SVG without anything but a picture, in UTF-8, and the size that it says it has (1 to 8000 px a side).

    Raises Invalid if it is no SVG, refers to anything outside itself, is too large for what it shows, or cannot be
    drawn.
    """
    picture, (width, height) = cleaned(content)
    if not draws_elsewhere(picture):
        raise Invalid("The SVG cannot be drawn, or takes too long to draw; simplify it or export it as PNG")
    return Prepared(picture, "image/svg+xml", width, height)


def clean_svg(content: bytes) -> bytes:
    """As `prepare_svg`, only the SVG."""
    return prepare_svg(content).content


def cleaned(content: bytes) -> tuple[bytes, tuple[int, int]]:
    """The first three gates: the SVG and its size, not yet tried. Raises Invalid."""
    if len(content) > SVG_BYTES_MAX:
        raise Invalid(f"The SVG is larger than {SVG_BYTES_MAX // 1024 // 1024} MiB; simplify it or export it as PNG")
    try:
        given = _read(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Invalid("The SVG is not in UTF-8; save it in that encoding") from None
    if given.tag != "svg":
        raise Invalid("The file is not an SVG picture")
    for element in given.iter():
        _refuse_references(element)
    try:
        hushed = py_svg_hush.filter_svg(_written(given), keep_data_url_mime_types={"image": ["png", "jpeg", "jpg"]})
    except ValueError:
        raise Invalid("The SVG is broken; export it again") from None
    root = _read(hushed.decode())
    _tidy(root)
    _check_text(root)
    _prepare_pictures(root)
    _check_expansion(root)
    size = _sized(root)
    return _written(root), size


def faded(content: bytes, opacity: float) -> bytes:
    """A cleaned SVG, seen through to 1 - `opacity`."""
    root = _read(content.decode())
    group = ET.Element("g", {"opacity": f"{opacity:.4f}"})
    group.extend(root)
    root[:] = [group]
    return _written(root)


def _read(text: str) -> ET.Element:
    """The tree, if it is within the limits. Names of SVG's own elements are without their namespace."""
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate("utf-8", "}")
    parser.buffer_text = True
    depth = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEPTH_MAX:
            raise Invalid(f"The SVG is nested more than {DEPTH_MAX} levels deep; simplify it")
        if elements > ELEMENTS_MAX:
            raise Invalid(f"The SVG has more than {ELEMENTS_MAX} elements; simplify it or export it as PNG")
        builder.start(_name(name), {_name(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_name(name))

    def doctype(_name: str, _system: str | None, _public: str | None, has_internal_subset: int) -> None:
        # The DOCTYPE that drawing programs write only names the standard; one that declares things is another matter.
        if has_internal_subset:
            raise Invalid("The SVG declares entities in its DOCTYPE; export it without them")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Invalid(f"The SVG is broken at line {error.lineno}; export it again") from None
    return builder.close()


def _name(name: str) -> str:
    return "{" + name if "}" in (plain := name.removeprefix(_SVG + "}")) else plain


def _written(root: ET.Element) -> bytes:
    """In the sanitiser's order of attributes, so that what was cleaned once stays as it is when it is cleaned again."""
    attributes = sorted({**root.attrib, "xmlns": _SVG}.items())
    root.attrib.clear()
    root.attrib.update(attributes)
    return ET.tostring(root, encoding="unicode").encode()


def _refuse_references(element: ET.Element) -> None:
    """Raises Invalid if the element needs anything that is not in the file. Links to click on draw nothing."""
    for name, value in element.attrib.items():
        if name.rpartition("}")[2] == "href":
            is_fine = value.strip().startswith("#") or _EMBEDDED.match(value.strip()) or not value.strip()
            if element.tag not in {"a", "script"} and not is_fine:
                raise _elsewhere(value)
        elif name == "style" and "\\" in value:
            raise _not_understood()
        elif not name.startswith("on"):
            _refuse_urls(value)
    if element.tag == "style":
        css = _COMMENT.sub("", "".join(element.itertext()))
        if re.search(r"@\s*import", css, re.IGNORECASE):
            raise Invalid("The SVG imports a style sheet; put the styles into the file")
        # Rules for fonts and screens say nothing to what draws pictures here.
        css = _AT_RULE.sub("", css)
        if "@" in css or "\\" in css:
            raise _not_understood()
        _refuse_urls(css)
        element[:], element.text = [], css


def _refuse_urls(value: str) -> None:
    for found in _URL.finditer(value):
        if not found[1].startswith("#") and found[1]:
            raise _elsewhere(found[1])


def _elsewhere(address: str) -> Invalid:
    return Invalid(f'The SVG refers to "{address.strip()[:60]}"; put everything that it shows into the file')


def _not_understood() -> Invalid:
    return Invalid("The styles of the SVG are not understood; export it with presentation attributes instead")


def _tidy(root: ET.Element) -> None:
    """Drop what a still picture does not need, and check every measure."""
    for element in root.iter():
        for child in list(element):
            if child.tag in _DROPPED or "}" in child.tag:
                element.remove(child)
        for name, value in list(element.attrib.items()):
            is_link = name == "href" and (element.tag == "a" or not value.strip())
            if is_link or name.startswith(("on", "data-", "aria-", "{")):
                del element.attrib[name]
            elif name not in _NOT_MEASURES:
                _check_numbers(name, value)
        for found in _DECLARATIONS.finditer(element.text or "") if element.tag == "style" else ():
            _check_numbers("style", found[1])
        _refuse_references(element)


def _prepare_pictures(root: ET.Element) -> None:
    """Replace the pictures inside by prepared ones. Raises Invalid for what is no picture, and for too many of them."""
    pictures = pixels = 0
    for element in root.iter():
        href = element.get("href", "").strip()
        if not href or href.startswith("#"):
            continue
        picture = _embedded(href)
        pictures, pixels = pictures + 1, pixels + picture.width_px * picture.height_px
        if pictures > _PICTURES_MAX or pixels > PIXELS_MAX:
            raise Invalid("The SVG holds too many pictures, or too large ones; export it as PNG")
        element.set("href", f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}")


def _check_text(root: ET.Element) -> None:
    texts = (text for element in root.iter("text") for text in element.itertext())
    if sum(map(len, texts)) > TEXT_LENGTH_MAX:
        raise Invalid(f"The SVG holds more than {TEXT_LENGTH_MAX} characters of text; export it as PNG")


def _check_numbers(name: str, value: str) -> None:
    for found in _NUMBER.finditer(_NO_MEASURE.sub("", value)):
        if float(found[0]) > NUMBER_MAX:
            raise Invalid(f'The SVG has a number beyond {NUMBER_MAX} in "{name[:40]}"; draw it smaller')


def _embedded(href: str) -> Prepared:
    found = _EMBEDDED.match(href)
    if found is None:
        raise Invalid("The SVG holds a picture that is neither PNG nor JPEG; export it as PNG")
    try:
        data = unquote_to_bytes(found["data"])
        return prepare_raster(base64.b64decode(data) if found["is_base64"] else data)
    except binascii.Error:
        raise Invalid("A picture inside the SVG is broken; export it again") from None
    except Invalid as error:
        raise Invalid(f"A picture inside the SVG cannot be used: {error.message}") from None


def _check_expansion(root: ET.Element) -> None:
    """Raises Invalid if what the elements repeat of one another is too much, too deep, or without end."""
    by_id: dict[str, ET.Element] = {}
    for element in root.iter():
        by_id.setdefault(element.get("id", ""), element)
    by_id.pop("", None)
    weights: dict[ET.Element, tuple[int, int]] = {}
    under_way: set[ET.Element] = set()

    def weigh(element: ET.Element) -> tuple[int, int]:
        """How many elements this one stands for, and how deep they are nested."""
        if element in weights:
            return weights[element]
        if element in under_way:
            raise Invalid("The SVG repeats a part of itself without end")
        if len(under_way) > 2 * DEPTH_MAX:
            raise Invalid("The SVG repeats parts of itself too deeply; simplify it")
        under_way.add(element)
        weight, height = 1, 0
        targets = (by_id[name] for name in _targets(element) if name in by_id)
        for part in (*element, *targets):
            part_weight, part_height = weigh(part)
            weight, height = weight + part_weight, max(height, part_height)
        if weight > EXPANDED_MAX:
            raise Invalid(f"The SVG stands for more than {EXPANDED_MAX} elements; simplify it or export it as PNG")
        if height >= 2 * DEPTH_MAX:
            raise Invalid("The SVG repeats parts of itself too deeply; simplify it")
        under_way.remove(element)
        weights[element] = weight, height + 1
        return weights[element]

    weigh(root)


def _targets(element: ET.Element) -> list[str]:
    """The ids that the element names. Style sheets name some too; the trial bounds what those add."""
    found = [reference[1] for value in element.attrib.values() for reference in _URL.finditer(value)]
    found.append(element.get("href", ""))
    return [name.strip()[1:] for name in found if name.strip().startswith("#")]


def _sized(root: ET.Element) -> tuple[int, int]:
    """Write width, height and view box of the picture as plain numbers; return its size in whole pixels."""
    width, height = _length(root.get("width")), _length(root.get("height"))
    box = _view_box(root.get("viewBox"))
    if box is None:
        if width is None or height is None:
            raise Invalid("The SVG has neither a viewBox nor a width and a height; give it a viewBox")
        box = (0.0, 0.0, width, height)
    ratio = box[2] / box[3]
    if width is None and height is None:
        width, height = box[2], box[3]
    elif height is None:
        height = (width or 0) / ratio
    elif width is None:
        width = height * ratio
    assert width is not None
    sides = (box[2], box[3], width, height)
    if not all(1e-3 <= side <= NUMBER_MAX for side in sides) or not 1 / _RATIO_MAX <= width / height <= _RATIO_MAX:
        raise Invalid("The SVG's width, height or viewBox is far too small, too large or too narrow")
    shrunk = min(1.0, SIDE_PX_MAX / max(width, height))
    size = max(1, round(width * shrunk)), max(1, round(height * shrunk))
    root.set("viewBox", " ".join(f"{value:.10g}" for value in box))
    root.set("width", f"{width * shrunk:.10g}")
    root.set("height", f"{height * shrunk:.10g}")
    return size


def _length(value: str | None) -> float | None:
    """In pixels, or None if it is left out or a share of something that is not known."""
    if value is None or value.strip().endswith("%") or value.strip() == "auto":
        return None
    found = _LENGTH.fullmatch(value.strip()) if len(value) < 40 else None
    if found is None:
        raise Invalid(f'The SVG\'s width or height is "{value[:40]}", which is no length')
    return float(found[1]) * _PX_PER[(found[2] or "").lower()]


def _view_box(value: str | None) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    try:
        x, y, width, height = (float(part) for part in re.split(r"[\s,]+", value.strip()))
    except ValueError:
        raise Invalid(f'The SVG\'s viewBox is "{value[:40]}"; it must be four numbers') from None
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise Invalid("The SVG's viewBox must have a width and a height above 0")
    return x, y, width, height
