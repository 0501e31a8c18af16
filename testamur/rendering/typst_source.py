"""A design document as typst source.

The source is made once per document and holds no text of anybody: texts come in as data (`sys.inputs`), so nothing
that is written in a design or a value can be read as markup. What stands in the source are numbers, and colours and
font names that were checked.
"""

from testamur.rendering.document import (
    Document,
    Element,
    Ellipse,
    Image,
    Line,
    Polygon,
    QRCode,
    Rectangle,
    Text,
)
from testamur.rendering.fonts import FALLBACKS, FAMILIES

SIZE_MIN_SHARE = 0.55

# `fitted` makes text fit its box. A line's width grows with its size, so that one measurement tells the size; only text
# that must be wrapped needs a search. `t` is a list of lines, `words` the longest word of them by number of letters.
_PRELUDE = """
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title, date: auto)
#set text(lang: data.lang, region: data.region, fallback: true, hyphenate: false, overhang: false)
#set par(justify: false, spacing: 0pt)
#let lines(t) = t.split("\\n").join(linebreak())
#let fitted(t, w, h, size, floor, wrap, spacing, leading) = context {
  let at(s, body) = text(size: s, tracking: spacing * s, top-edge: "ascender", bottom-edge: "descender", {
    set par(leading: leading * s)
    body
  })
  let body = lines(t)
  let natural = measure(at(size, body))
  if natural.width <= w and natural.height <= h { return at(size, body) }
  let one-line = size * calc.min(1, w / natural.width, h / natural.height)
  if not wrap and one-line >= floor { return at(one-line, body) }
  let s = if wrap { size } else { floor }
  let longest = calc.max(..t.split(regex("\\s+")).map(word => measure(at(size, word)).width / 1pt))
  if longest > 0 { s = calc.min(s, size * (w / 1pt) / longest) }
  while s > 2pt and measure(at(s, body), width: w).height > h { s = s * 0.94 }
  if wrap { return at(s, body) }
  // A name or title that takes several lines has them about equally long: the narrowest box with as many lines.
  let height = measure(at(s, body), width: w).height
  let (low, high) = (calc.min(w, longest * 1pt * (s / size)), w)
  for _ in range(7) {
    let middle = (low + high) / 2
    if measure(at(s, body), width: middle).height <= height { high = middle } else { low = middle }
  }
  box(width: high, at(s, body))
}
"""


def typst_source(document: Document, picture_files: dict[tuple[str, float], str]) -> str:
    """The source; `picture_files` maps a picture's source and opacity to its file below the compiler's root."""
    width, height = document.page.size_mm
    parts = [
        _PRELUDE,
        f"#set page(width: {_mm(width)}, height: {_mm(height)}, margin: 0pt, fill: {_color(document.background.color)})\n",
    ]
    if document.background.picture:
        file = picture_files[document.background.picture, 1.0]
        parts.append(_decoration(f'place(image("{file}", width: {_mm(width)}, height: {_mm(height)}, fit: "cover"))'))
    texts = 0
    for element in document.elements:
        parts.append(_element(element, texts, picture_files))
        texts += isinstance(element, Text | QRCode | Image)
    return "".join(parts)


def _element(  # noqa: PLR0911 - one case per type of element.
    element: Element, index: int, picture_files: dict[tuple[str, float], str]
) -> str:
    match element:
        case Text():
            return _text(element, index)
        case Image():
            file = picture_files[element.source, element.opacity]
            drawn = f'image("{file}", width: {_mm(element.width)}, height: {_mm(element.height)}, fit: "{element.fit}", alt: data.items.at({index}))'
            return _placed(element.x, element.y, _rotated(drawn, element.rotation), decorative=not element.alt)
        case QRCode():
            drawn = f'image(bytes(data.items.at({index}).svg), format: "svg", width: {_mm(element.size)}, height: {_mm(element.size)}, alt: data.items.at({index}).alt)'
            return _placed(element.x, element.y, drawn)
        case Rectangle():
            drawn = f"rect(width: {_mm(element.width)}, height: {_mm(element.height)}, radius: {_mm(element.radius)}, {_paint(element)})"
            return _placed(element.x, element.y, _rotated(drawn, element.rotation), decorative=True)
        case Ellipse():
            drawn = f"ellipse(width: {_mm(element.width)}, height: {_mm(element.height)}, {_paint(element)})"
            return _placed(element.x, element.y, _rotated(drawn, element.rotation), decorative=True)
        case Line():
            stroke = _stroke(element.stroke, element.stroke_width, element.opacity)
            ends = f"start: ({_mm(element.x1)}, {_mm(element.y1)}), end: ({_mm(element.x2)}, {_mm(element.y2)})"
            return _placed(0, 0, f"line({ends}, stroke: {stroke})", decorative=True)
        case Polygon():
            points = ", ".join(f"({_mm(x)}, {_mm(y)})" for x, y in element.points)
            return _placed(0, 0, f"polygon({_paint(element)}, {points})", decorative=True)


def _text(element: Text, index: int) -> str:
    families = ", ".join(f'"{name}"' for name in dict.fromkeys((FAMILIES[element.font], *FALLBACKS)))
    floor = element.size_min if element.size_min is not None else element.size * SIZE_MIN_SHARE
    vertical = {"top": "top", "middle": "horizon", "bottom": "bottom"}[element.vertical_align]
    # The metrics of a line already take about 1.2 of its size; the leading is what the design wants beyond them.
    leading = max(0.0, element.line_height - 1.2)
    fitted = (
        f"fitted(data.items.at({index}).text, {_mm(element.width)}, {_mm(element.height)}, {element.size:g}pt, {floor:g}pt, "
        f"{str(element.fit == 'wrap').lower()}, {element.letter_spacing:g}, {leading:g})"
    )
    style = (
        f'font: ({families}), weight: {element.weight}, style: "{"italic" if element.italic else "normal"}", '
        f"fill: {_color(element.color, element.opacity)}, dir: if data.items.at({index}).rtl {{ rtl }} else {{ ltr }}"
    )
    box = (
        f"box(width: {_mm(element.width)}, height: {_mm(element.height)}, {{ set align({element.align} + {vertical}); "
        f"set text({style}); {fitted} }})"
    )
    return _placed(element.x, element.y, _rotated(box, element.rotation))


def _placed(x: float, y: float, drawn: str, *, decorative: bool = False) -> str:
    """At a place of the page; what is decorative is hidden from screen readers."""
    placed = f"place(top + left, dx: {_mm(x)}, dy: {_mm(y)}, {drawn})"
    return _decoration(placed) if decorative else f"#{placed}\n"


def _decoration(drawn: str) -> str:
    return f"#pdf.artifact({drawn})\n"


def _rotated(drawn: str, degrees: float) -> str:
    return f"rotate({degrees:g}deg, {drawn})" if degrees else drawn


def _paint(element: Rectangle | Ellipse | Polygon) -> str:
    fill = _color(element.fill, element.opacity) if element.fill else "none"
    stroke = _stroke(element.stroke, element.stroke_width, element.opacity) if element.stroke else "none"
    return f"fill: {fill}, stroke: {stroke}"


def _stroke(color: str, width: float, opacity: float) -> str:
    return f"{_mm(width)} + {_color(color, opacity)}"


def _color(color: str, opacity: float = 1.0) -> str:
    painted = f'rgb("{color}")'
    return painted if opacity >= 1 else f"{painted}.transparentize({(1 - opacity) * 100:g}%)"


def _mm(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") + "mm"
