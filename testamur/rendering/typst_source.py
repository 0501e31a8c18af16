"""A design document as typst source.

The source is made once per document and holds no text of anybody: texts come in as data (`DATA_FILE`), so nothing
that is written in a design or a value can be read as markup. What stands in the source are numbers, and colours, font
names and outlines that were checked.

It is in two files. The main one reads the data, and so is evaluated anew for each certificate: it is short. The other
(`LIBRARY_FILE`) has what each element looks like, as a constant or as a function of what the element is given: typst
evaluates it once, and remembers what its functions made of what they were given.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from testamur.rendering import figures
from testamur.rendering.attributes_in_text import tags_in
from testamur.rendering.document import Document
from testamur.rendering.elements import (
    Background,
    Dash,
    Element,
    Ellipse,
    Group,
    Icon,
    Image,
    Line,
    Paint,
    Path,
    Polygon,
    QRCode,
    Rectangle,
    Ribbon,
    Run,
    Seal,
    Signature,
    Text,
    attribute_of_source,
    every_element,
)
from testamur.rendering.figures import parse_path, path_svg, ribbon_path, seal_points
from testamur.rendering.icons import icon_svg
from testamur.rendering.order import bounds, in_reading_order, overlap

SIZE_MIN_SHARE = 0.55
# The smallest size that text is ever set in, in points; whatever would be smaller is not readable anyway.
SIZE_PT_LEAST = 2
QR_LOGO_SHARE = 0.2

# What stands in the main file for the name of the file with the data, beside it.
DATA_FILE = "data.json"
LIBRARY_FILE = "library.typ"

_MAIN = """
#import "LIBRARY_FILE": *
#let data = json("DATA_FILE")
#let bleed = data.bleed * 1mm
#set text(lang: data.lang.at(0), region: data.lang.at(1), fallback: true, hyphenate: false, overhang: false)
#set par(justify: false, spacing: 0pt)
#for it in data.attachments {
  pdf.attach(it.name, bytes(it.content), relationship: it.relationship, mime-type: it.mime, description: it.description)
}
""".replace("LIBRARY_FILE", LIBRARY_FILE).replace("DATA_FILE", DATA_FILE)

# `fitted` makes text fit its box. All sizes of a text are multiples of `k`; a line's width grows with it, so that one
# measurement tells the size of what stays in one line, and only text that is wrapped needs a search. `words` of an item
# are the longest stretches that cannot be broken. It is given its item, and sees no other data: so a text is laid out again only
# when the text itself has changed. Functions that are made inside another are walked through and hashed each time, so there are
# none where most texts come along.
_LIBRARY = """
#let styled(run, styles, k) = {
  let s = styles.at(run.s)
  let body = if s.underline { underline(run.t) } else { run.t }
  let first = run.at("f", default: none)
  let args = if first == none { s.args } else { s.args + (font: (first, ..s.args.font)) }
  text(size: s.size * k, ..args, body)
}
#let body(item, styles, k) = {
  let is-first = true
  for line in item.lines {
    if is-first { is-first = false } else { linebreak() }
    for run in line { styled(run, styles, k) }
  }
}
#let set-at(k, item, styles, size, leading) = {
  set text(size: size * k, top-edge: "ascender", bottom-edge: "descender")
  set par(leading: leading * size * k)
  body(item, styles, k)
}
#let cut(item, count) = {
  let left = count
  let lines = ()
  for line in item.lines {
    if left <= 0 and lines.len() > 0 { break }
    let kept = ()
    for run in line {
      let clusters = run.t.clusters()
      let few = clusters.slice(0, calc.min(left, clusters.len())).join()
      kept.push(run + (t: if few == none { "" } else { few }))
      left -= clusters.len()
      if left <= 0 { break }
    }
    lines.push(kept)
  }
  let last = lines.last().last()
  lines.last().last() = last + (t: last.t.trim(at: end) + "\\u{2026}")
  (lines: lines)
}
#let done(index, check, k, is-over, shown) = {
  if check [#metadata((index: index, scale: k, over: is-over)) <fit>]
  shown
}
#let shrunk(natural, index, item, check, styles, size, w, h, floor, mode, leading) = {
  let at(k, shown: item) = set-at(k, shown, styles, size, leading)
  if mode == "shrink" {
    let one-line = calc.min(1, w / calc.max(0.001pt, natural.width), h / natural.height)
    if one-line >= floor { return done(index, check, one-line, false, at(one-line)) }
  }
  let longest = calc.max(0.001pt, ..item.words.map(run => measure(styled(run, styles, 1)).width))
  let fits(k, width: w) = measure(at(k), width: width).height <= h
  let least = LEAST / (size / 1pt)
  let k = calc.min(if mode == "shrink" { floor } else { 1 }, w / longest)
  if not fits(k) {
    let (low, high) = (least, k)
    for _ in range(9) {
      let middle = (low + high) / 2
      if fits(middle) { low = middle } else { high = middle }
    }
    k = low
  }
  let is-over = k < floor - 0.0001
  if mode == "ellipsis" {
    if not is-over { return done(index, check, k, false, at(k)) }
    let k = calc.min(floor, calc.max(least, w / longest))
    let (low, high) = (0, item.lines.map(line => line.map(run => run.t.clusters().len()).sum(default: 0)).sum(default: 0))
    while low + 1 < high {
      let middle = calc.quo(low + high, 2)
      if measure(at(k, shown: cut(item, middle)), width: w).height <= h { low = middle } else { high = middle }
    }
    return done(index, check, k, true, at(k, shown: cut(item, low)))
  }
  if mode == "wrap" { return done(index, check, k, is-over, at(k)) }
  // A name or title that takes several lines has them about equally long: the narrowest box with as many lines.
  let height = measure(at(k), width: w).height
  let (low, high) = (calc.min(w, longest * k), w)
  for _ in range(7) {
    let middle = (low + high) / 2
    if measure(at(k), width: middle).height <= height { high = middle } else { low = middle }
  }
  done(index, check, k, is-over, box(width: high, at(k)))
}
#let fitted(index, item, check, styles, size, w, h, floor, mode, leading) = context {
  let plain = set-at(1, item, styles, size, leading)
  let natural = measure(plain)
  if natural.width <= w and natural.height <= h { return done(index, check, 1, false, plain) }
  shrunk(natural, index, item, check, styles, size, w, h, floor, mode, leading)
}
#let picture(file, w, h, fit, fx, fy, radius, alt) = {
  let drawn = if fit == "stretch" or (fx == 0.5 and fy == 0.5) {
    image(file, width: w, height: h, fit: fit, alt: alt)
  } else {
    context {
      let natural = measure(image(file, width: w)).height
      let k = if fit == "cover" { calc.max(1, h / natural) } else { calc.min(1, h / natural) }
      box(width: w, height: h, clip: true, place(
        top + left, dx: (w - w * k) * fx, dy: (h - natural * k) * fy,
        image(file, width: w * k, height: natural * k, alt: alt)))
    }
  }
  if radius > 0mm { box(width: w, height: h, radius: radius, clip: true, drawn) } else { drawn }
}
""".replace("LEAST", str(SIZE_PT_LEAST))


class Slot(msgspec.Struct, frozen=True):
    """A place of the source that is given something with each certificate: `data.items` has one item for each.

    `path` leads to the element in the document, such as `elements[3]`.
    """

    path: str
    element: Element


class Source(msgspec.Struct, frozen=True):
    """`is_layered`: whether a picture lies below all that differs between certificates.

    To draw that once for all is then worth a second program; shapes and text alone are drawn as quickly each time.
    """

    main: str
    definitions: str
    slots: list[Slot]
    is_layered: bool


def typst_source(
    document: Document, picture_files: Mapping[tuple[str, float], str], families: Mapping[str, str]
) -> Source:
    """The source; `picture_files` maps a picture's source and opacity to its file below the compiler's root, `families`
    the fonts of the document to what their files call themselves.
    """
    return _Writer(document, picture_files, families).write()


class _Writer:
    def __init__(
        self, document: Document, picture_files: Mapping[tuple[str, float], str], families: Mapping[str, str]
    ) -> None:
        self._document = document
        self._files = picture_files
        self._families = families
        self._slots: list[Slot] = []
        # The first of the element that is being written.
        self._first_slot = 0

    def write(self) -> Source:
        width, height = self._document.page.size_mm
        elements = in_reading_order(self._document.elements)
        positions = {id(element): position for position, element in enumerate(self._document.elements)}
        # What differs is drawn over a picture of the rest; so what lies on top of it must be drawn anew as well.
        upper: list[Element] = []
        main = [
            _MAIN,
            f"#set page(width: {_mm(width)} + 2 * bleed, height: {_mm(height)} + 2 * bleed, margin: bleed)\n",
            f'#set page(fill: if data.layer == "upper" {{ none }} else {{ {_color(self._document.background.color)} }})\n',
            '#if data.layer != "upper" { background(bleed) }\n',
        ]
        library = [_LIBRARY, f"#let background(bleed) = {{\n{self._background(width, height)}}}\n"]
        is_layered = self._document.background.placed_picture is not None
        # What all certificates share, up to the next element that is given something: laid out once, and kept as one.
        shared: list[str] = []

        def write_shared() -> None:
            if shared:
                name = f"shared-{len(library)}"
                whole = f"block(width: {_mm(width)}, height: {_mm(height)}, {{ {'; '.join(shared)} }})"
                library.append(f"#let {name} = {_placed(0, 0, whole)}\n")
                main.append(f'#if data.layer != "upper" {{ {name} }}\n')
                shared.clear()

        for number, element in enumerate(elements):
            is_upper = _differs(element) or any(overlap(bounds(below), bounds(element)) for below in upper)
            if is_upper:
                upper.append(element)
            is_layered = is_layered or (not is_upper and bool(_pictures(element)))
            self._first_slot = len(self._slots)
            drawn = self._element(element, f"elements[{positions[id(element)]}]", 1.0)
            has_slots = len(self._slots) > self._first_slot
            if not is_upper and not has_slots:
                shared.append(drawn)
                continue
            write_shared()
            name = f"element-{number}"
            if has_slots:
                library.append(f"#let {name}(items, check) = {{ {drawn} }}\n")
                items = f"data.items.slice({self._first_slot}, {len(self._slots)})"
                name += f"({items}, data.check)"
            else:
                library.append(f"#let {name} = {{ {drawn} }}\n")
            main.append(f'#if data.layer != "{"lower" if is_upper else "upper"}" {{ {name} }}\n')
        write_shared()
        # Whatever follows a rule is laid out anew if the rule is another, and titles have people's names in them.
        main.append("#set document(title: data.title, date: auto)\n")
        return Source("".join(main), "".join(library), self._slots, is_layered)

    def _background(self, width: float, height: float) -> str:
        background: Background = self._document.background
        drawn = ""
        size = f"width: {_mm(width)} + 2 * bleed, height: {_mm(height)} + 2 * bleed"
        if background.gradient is not None:
            drawn += f"{_decoration(f'place(top + left, dx: -bleed, dy: -bleed, rect({size}, fill: {_paint(background.gradient, 1.0)}))')}\n"
        picture = background.placed_picture
        if picture is not None:
            file = self._files[picture.source, picture.opacity]
            shown = (
                f'picture("{file}", {_mm(width)} + 2 * bleed, {_mm(height)} + 2 * bleed, "{picture.fit}", '
                f"{picture.focus[0]:g}, {picture.focus[1]:g}, 0mm, none)"
            )
            drawn += f"{_decoration(f'place(top + left, dx: -bleed, dy: -bleed, {shown})')}\n"
        return drawn

    def _element(  # noqa: C901, PLR0911 - one case per type of element.
        self, element: Element, path: str, opacity: float
    ) -> str:
        opacity *= element.opacity
        match element:
            case Text():
                return self._text(element, path, opacity)
            case Image() | Signature():
                return self._image(element, path, opacity)
            case QRCode():
                return self._qr(element, path, opacity)
            case Group():
                inner = "\n".join(
                    self._element(child, f"{path}.elements[{element.elements.index(child)}]", opacity)
                    for child in in_reading_order(element.elements)
                )
                box = f"box(width: {_mm(element.width)}, height: {_mm(element.height)}, {{ {inner} }})"
                return _placed(element.x, element.y, _rotated(box, element.rotation))
            case Rectangle():
                drawn = f"rect({_box(element)}, radius: {_mm(element.radius)}, {_painted(element, opacity)})"
            case Ellipse():
                drawn = f"ellipse({_box(element)}, {_painted(element, opacity)})"
            case Line():
                stroke = _stroke(element.stroke, element.stroke_width, element.dash, opacity)
                ends = f"start: ({_mm(element.x1)}, {_mm(element.y1)}), end: ({_mm(element.x2)}, {_mm(element.y2)})"
                return self._shape(element, path, 0, 0, f"line({ends}, stroke: {stroke})")
            case Polygon():
                points = ", ".join(f"({_mm(x)}, {_mm(y)})" for x, y in element.points)
                return self._shape(element, path, 0, 0, f"polygon({_painted(element, opacity)}, {points})")
            case Path() | Seal() | Ribbon():
                drawn = _figure(element, opacity)
            case Icon():
                svg = icon_svg(element.icon, color=element.color, stroke_width=element.stroke_width)
                svg = _faded(svg, opacity)
                drawn = _svg(svg, f"width: {_mm(element.size)}, height: {_mm(element.size)}")
        return self._shape(element, path, element.x, element.y, _rotated(drawn, element.rotation))

    def _shape(self, element: Element, path: str, x: float, y: float, drawn: str) -> str:
        """A shape at a place of the page. One with a text for it is a figure, others are hidden from screen readers."""
        if not element.alt:
            return _decoration(_placed(x, y, drawn))
        # The figure is what is placed: it would put what is placed inside of it in the middle of the page.
        return _placed(x, y, f"figure(alt: {self._item(self._slot(path, element))}.alt, {drawn})")

    def _slot(self, path: str, element: Element) -> int:
        self._slots.append(Slot(path, element))
        return len(self._slots) - 1

    def _item(self, index: int) -> str:
        """What the element is given for that slot, as its function in the library sees it."""
        return f"items.at({index - self._first_slot})"

    def _text(self, element: Text, path: str, opacity: float) -> str:
        index = self._slot(path, element)
        item = self._item(index)
        floor = 1.0 if element.fit == "ellipsis" else SIZE_MIN_SHARE
        if element.size_min is not None:
            floor = element.size_min / element.size
        vertical = {"top": "top", "middle": "horizon", "bottom": "bottom"}[element.vertical_align]
        horizontal = "start" if element.align == "justify" else element.align
        # The metrics of a line already take about 1.2 of its size; the leading is what the design wants beyond them.
        leading = max(0.0, element.line_height - 1.2)
        styles = ", ".join(
            self._style(run, position, element, item, opacity) for position, run in enumerate(element.styled_runs)
        )
        fitted = (
            f"fitted({index}, {item}, check, ({styles},), {element.size:g}pt, "
            f"{_mm(element.width)}, {_mm(element.height)}, "
            f'{floor:g}, "{element.fit}", {leading:g})'
        )
        rules = (
            f"set text(lang: {item}.lang.at(0), region: {item}.lang.at(1), dir: if {item}.rtl {{ rtl }} else {{ ltr }})"
        )
        if element.align == "justify":
            rules += "; set par(justify: true)"
        box = f"box({_box(element)}, {{ {rules}; set align({horizontal} + {vertical}); {fitted} }})"
        return _placed(element.x, element.y, _rotated(box, element.rotation))

    def _style(self, run: Run, position: int, element: Text, item: str, opacity: float) -> str:
        """What sets a run apart, as a typst dictionary; sizes are in terms of a scale of 1."""
        font = run.font or element.font
        family = self._families.get(font, font)
        italic = element.italic if run.italic is None else run.italic
        underline = element.underline if run.underline is None else run.underline
        spacing = element.letter_spacing if run.letter_spacing is None else run.letter_spacing
        tracking = f"if {item}.joined.contains({position}) {{ 0em }} else {{ {spacing:g}em }}" if spacing else "0em"
        return (
            f"(size: {run.size or element.size:g}pt, underline: {str(underline).lower()}, args: ("
            f"font: ({_quoted(family)}, ..{item}.fonts.at({position})), weight: {run.weight or element.weight}, "
            f'style: "{"italic" if italic else "normal"}", tracking: {tracking}, '
            f"fill: {_color(run.color or element.color, opacity)}))"
        )

    def _image(self, element: Image | Signature, path: str, opacity: float) -> str:
        index = self._slot(path, msgspec.structs.replace(element, opacity=opacity))
        item = self._item(index)
        if isinstance(element, Signature):
            size = f"{_mm(element.width)}, {_mm(max(0.1, element.height - element.line_width))}"
            options = 'size, "contain", 0.5, 1.0, 0mm'.replace("size", size)
        else:
            size = f"{_mm(element.width)}, {_mm(element.height)}"
            options = f'{size}, "{element.fit}", {element.focus[0]:g}, {element.focus[1]:g}, {_mm(element.radius)}'
        if attribute_of_source(element.source) is None:
            file = f'"{self._files[element.source, opacity]}"'
            drawn = f"picture({file}, {options}, {item}.alt)"
        else:
            drawn = f"if {item}.file != none {{ picture({item}.file, {options}, {item}.alt) }}"
        is_said = bool(element.alt) or isinstance(element, Signature)
        placed = _placed(element.x, element.y, _rotated(f"box({_box(element)}, {{ {drawn} }})", element.rotation))
        placed = placed if is_said else _decoration(placed)
        if isinstance(element, Signature) and element.line is not None:
            stroke = _stroke(element.line, element.line_width, "solid", opacity)
            rule = f"box({_box(element)}, place(bottom + left, line(length: {_mm(element.width)}, stroke: {stroke})))"
            placed += "; " + _decoration(_placed(element.x, element.y, _rotated(rule, element.rotation)))
        return placed

    def _qr(self, element: QRCode, path: str, opacity: float) -> str:
        index = self._slot(path, msgspec.structs.replace(element, opacity=opacity))
        item = self._item(index)
        size = f"width: {_mm(element.size)}, height: {_mm(element.size)}"
        drawn = f'image(bytes({item}.svg), format: "svg", {size}, alt: {item}.alt)'
        if element.logo is not None:
            side = element.size * QR_LOGO_SHARE
            ground = _color(element.background or "#ffffff")
            logo = f'picture({item}.file, {_mm(side * 0.86)}, {_mm(side * 0.86)}, "contain", 0.5, 0.5, 0mm, none)'
            disc = f"rect(width: {_mm(side)}, height: {_mm(side)}, radius: {_mm(side * 0.12)}, inset: 0pt, fill: {ground}, align(center + horizon, {logo}))"
            drawn = f"box({size}, {{ place(top + left, {drawn}); if {item}.file != none {{ place(center + horizon, {_decoration(disc)}) }} }})"
        return _placed(element.x, element.y, drawn)


def _differs(element: Element) -> bool:
    """Whether an element may look different from certificate to certificate."""
    match element:
        case Text():
            return any(tags_in(run.text) for run in element.styled_runs)
        case Image() | Signature():
            return attribute_of_source(element.source) is not None
        case QRCode():
            return True
        case Group():
            return any(_differs(inner) for inner in element.elements)
        case _:
            return False


def _pictures(element: Element) -> list[Image | Signature]:
    return [inner for inner in every_element([element]) if isinstance(inner, Image | Signature)]


def _figure(element: Path | Seal | Ribbon, opacity: float) -> str:
    """A figure as SVG that is stretched to the element's box, beyond which the outer half of its stroke reaches."""
    margin = 0.0 if isinstance(element, Ribbon) or element.stroke is None else element.stroke_width
    match element:
        case Path():
            width, height = element.view_box or (element.width, element.height)
            parts = [_part(element, parse_path(element.d), width, height)]
        case Seal():
            width = height = 1.0
            parts = [_part(element, seal_points(element.style, element.points, element.depth), width, height)]
        case Ribbon():
            width, height = element.width, element.height
            paints: dict[str, Paint] = {"front": element.fill, "fold": element.fold}
            drawn = ribbon_path(element.style, width, height)
            parts = [figures.Part(path=path, fill=paints[shade]) for path, shade in drawn]
    beyond_x, beyond_y = margin * width / element.width, margin * height / element.height
    view_box = (-beyond_x, -beyond_y, width + 2 * beyond_x, height + 2 * beyond_y)
    svg = _faded(path_svg(parts, view_box, stretch=True), opacity)
    size = f"width: {_mm(element.width + 2 * margin)}, height: {_mm(element.height + 2 * margin)}"
    image = _svg(svg, f'{size}, fit: "stretch"')
    return f"box({_box(element)}, {_placed(-margin, -margin, image)})"


def _part(element: Path | Seal, path: str, width: float, height: float) -> figures.Part:
    # The stroke's width is in mm; what is drawn in the view box is stretched to the element's size.
    scale = (width / element.width + height / element.height) / 2
    return figures.Part(
        path=path,
        fill=element.fill,
        stroke=element.stroke,
        stroke_width=min(element.stroke_width * scale, figures.PATH_COORDINATE_MAX),
        dash=element.dash,
    )


def _faded(svg: str, opacity: float) -> str:
    return svg.replace("<svg ", f'<svg opacity="{opacity:g}" ', 1) if opacity < 1 else svg


def _svg(svg: str, options: str) -> str:
    """A vector picture that stands in the source; all of it was made from checked parts."""
    return f'image(bytes({_quoted(svg)}), format: "svg", {options})'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _placed(x: float, y: float, drawn: str) -> str:
    return f"place(top + left, dx: {_mm(x)}, dy: {_mm(y)}, {drawn})"


def _decoration(drawn: str) -> str:
    return f"pdf.artifact({drawn})"


def _rotated(drawn: str, degrees: float) -> str:
    return f"rotate({degrees:g}deg, {drawn})" if degrees else drawn


def _box(element: Any) -> str:
    return f"width: {_mm(element.width)}, height: {_mm(element.height)}"


def _painted(element: Rectangle | Ellipse | Polygon, opacity: float) -> str:
    fill = _paint(element.fill, opacity) if element.fill else "none"
    stroke = _stroke(element.stroke, element.stroke_width, element.dash, opacity) if element.stroke else "none"
    return f"fill: {fill}, stroke: {stroke}"


def _paint(paint: Paint, opacity: float) -> str:
    if isinstance(paint, str):
        return _color(paint, opacity)
    stops = sorted(paint.stops, key=lambda stop: stop.at)
    # typst wants the first stop at 0 and the last at 100 %; beyond the outer ones their colours go on.
    colors = [(stop.color, stop.at) for stop in stops]
    if colors[0][1] > 0:
        colors.insert(0, (colors[0][0], 0.0))
    if colors[-1][1] < 1:
        colors.append((colors[-1][0], 1.0))
    listed = ", ".join(f"({_color(color, opacity)}, {at * 100:g}%)" for color, at in colors)
    return (
        f"gradient.linear({listed}, angle: {paint.angle:g}deg)"
        if paint.type == "linear"
        else f"gradient.radial({listed})"
    )


def _stroke(color: str, width: float, dash: Dash, opacity: float) -> str:
    # typst's own dots are little squares; elsewhere (`figures.path_svg`) they are round.
    dots = f'(array: (0pt, {_mm(width * 2)})), cap: "round"'
    drawn = dots if dash == "dotted" else f'"{dash}"'
    return f"(paint: {_color(color, opacity)}, thickness: {_mm(width)}, dash: {drawn})"


def _color(color: str, opacity: float = 1.0) -> str:
    painted = f'rgb("{color}")'
    return painted if opacity >= 1 else f"{painted}.transparentize({(1 - opacity) * 100:g}%)"


def _mm(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") + "mm"
