"""What a user would render certificates with instead. Each draws the starter certificate for one recipient.

With a picture in the background (`PICTURES`) or without.

All draw the same elements at the same places with the same fonts and the same QR code. Chromium also shrinks a long
name, by a script in its page; WeasyPrint and ReportLab, which have nothing for that, are let off. ReportLab takes no
OpenType fonts with CFF outlines, so Noto Sans stands in for these.
"""

import atexit
import html
import io
import re
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from testamur.rendering.attributes_in_text import fill_in
from testamur.rendering.document import Document
from testamur.rendering.elements import Ellipse, Line, Polygon, QRCode, Rectangle, Text
from testamur.rendering.fonts import FAMILIES
from testamur.rendering.qr import qr_svg
from testamur.rendering.values import Value

Values = Mapping[str, Value]
# Opens an engine for a document; what it gives draws one certificate as PDF.
Engine = Callable[[Document], AbstractContextManager[Callable[[Values], bytes]]]

# Pictures that a document may name, by the digest of its source.
PICTURES: dict[str, bytes] = {}
PNG_WIDTH_PX = 1200

FONTS = Path(str(files("testamur.rendering.fonts")))
_FACES = {
    ("EB Garamond", 400, "normal"): "EBGaramond-Regular.ttf",
    ("EB Garamond", 400, "italic"): "EBGaramond-Italic.ttf",
    ("Inter", 400, "normal"): "Inter-Variable.ttf",
    ("Inter", 500, "normal"): "Inter-Variable.ttf",
    ("Inter", 600, "normal"): "Inter-Variable.ttf",
    ("Noto Serif Display", 400, "normal"): "NotoSerifDisplay-Regular.ttf",
}


@contextmanager
def chromium(document: Document) -> Iterator[Callable[[Values], bytes]]:
    """The usual way: one browser and one page; each certificate is set as its content, with the fonts in it.

    Content that is set this way has no address of its own, so it cannot name fonts beside it.
    """
    page, css = _browser().new_page(), _with_inlined_fonts(_css(document))
    yield lambda values: _print(page, document, as_html(document, values, css=css))
    page.close()


@contextmanager
def tuned_chromium(document: Document) -> Iterator[Callable[[Values], bytes]]:
    """The page is first loaded from a file, so that the browser reads the fonts beside it once and keeps them."""
    with _page(document) as page:
        yield lambda values: _print(page, document, as_html(document, values))


@contextmanager
def patched_chromium(document: Document) -> Iterator[Callable[[Values], bytes]]:
    """The least that Chromium can be made to do: the page stays, only its texts and its QR code are changed."""
    with _page(document) as page:

        def draw(values: Values) -> bytes:
            page.evaluate(_FILL_IN, [_content(element, values) for element in document.elements])
            return _print(page, document, None)

        yield draw


@contextmanager
def chromium_png(document: Document) -> Iterator[Callable[[Values], bytes]]:
    """A screenshot of the page, which stays; each certificate is set as its content."""
    page, css = _browser().new_page(), _with_inlined_fonts(_css(document))
    width, height = document.page.size_mm
    page.set_viewport_size({"width": PNG_WIDTH_PX, "height": round(PNG_WIDTH_PX * height / width)})
    zoom = PNG_WIDTH_PX / (width / 25.4 * 96)

    def draw(values: Values) -> bytes:
        page.set_content(as_html(document, values, css=f"{css}html{{zoom:{zoom}}}"))
        page.evaluate("document.fonts.ready")
        page.evaluate(_SHRINK)
        return bytes(page.screenshot())

    yield draw
    page.close()


@contextmanager
def pillow_png(document: Document) -> Iterator[Callable[[Values], bytes]]:
    """The background is scaled once; what lies on it is drawn each time, as Pillow can: no shrinking, no shaping."""
    scale = PNG_WIDTH_PX / document.page.size_mm[0]
    size = (PNG_WIDTH_PX, round(document.page.size_mm[1] * scale))
    ground = Image.new("RGB", size, document.background.color)
    picture = background_of(document)
    if picture is not None:
        ground.paste(Image.open(io.BytesIO(picture)).convert("RGB").resize(size))

    @cache
    def font(family: str, weight: int, style: str, pixels: int) -> Any:
        return ImageFont.truetype(FONTS / _FACES.get((family, weight, style), "NotoSans-Regular.ttf"), pixels)

    def draw(values: Values) -> bytes:
        image = ground.copy()
        canvas = ImageDraw.Draw(image)
        for element in document.elements:
            _draw_with_pillow(image, canvas, element, values, scale, font)
        made = io.BytesIO()
        image.save(made, "PNG")
        return made.getvalue()

    yield draw


def _draw_with_pillow(  # noqa: PLR0917 - it draws with what its caller has opened.
    image: Any, canvas: Any, element: Any, values: Values, scale: float, font: Any
) -> None:
    fill, stroke = getattr(element, "fill", None), getattr(element, "stroke", None)
    thick = max(1, round(getattr(element, "stroke_width", 0) * scale))
    match element:
        case Text():
            text = fill_in(element.text or "", values)
            text = text.upper() if element.uppercase else text
            style = "italic" if element.italic else "normal"
            face = font(element.font, element.weight, style, round(element.size / 72 * 25.4 * scale))
            at = {"left": 0.0, "center": element.width / 2, "right": element.width}[element.align]
            anchor = {"left": "lm", "center": "mm", "right": "rm"}[element.align]
            place = ((element.x + at) * scale, (element.y + element.height / 2) * scale)
            canvas.text(place, text, fill=element.color, font=face, anchor=anchor)
        case Rectangle() | Ellipse():
            box = [element.x * scale, element.y * scale]
            box += [(element.x + element.width) * scale, (element.y + element.height) * scale]
            shape = canvas.rectangle if isinstance(element, Rectangle) else canvas.ellipse
            shape(box, fill=fill, outline=stroke, width=thick)
        case Line():
            ends = [element.x1 * scale, element.y1 * scale, element.x2 * scale, element.y2 * scale]
            canvas.line(ends, fill=stroke, width=thick)
        case Polygon():
            canvas.polygon([(x * scale, y * scale) for x, y in element.points], fill=fill, outline=stroke)
        case QRCode():
            side = round(element.size * scale)
            code = zxingcpp.create_barcode(fill_in(element.content, values), zxingcpp.BarcodeFormat.QRCode)
            pixels: Any = code.to_image(scale=1, add_quiet_zones=False)
            modules = Image.frombytes("L", (pixels.shape[1], pixels.shape[0]), bytes(memoryview(pixels)))
            image.paste(
                modules.resize((side, side), Image.Resampling.NEAREST),
                (round(element.x * scale), round(element.y * scale)),
            )


def background_of(document: Document) -> bytes | None:
    picture = document.background.placed_picture
    return None if picture is None else PICTURES[picture.source.removeprefix("asset:")]


def _print(page: Any, document: Document, content: str | None) -> bytes:
    if content is not None:
        page.set_content(content)
        page.evaluate("document.fonts.ready")
    page.evaluate(_SHRINK)
    width, height = document.page.size_mm
    return bytes(page.pdf(width=f"{width}mm", height=f"{height}mm", print_background=True, tagged=True))


@contextmanager
def _page(document: Document) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        page = _browser().new_page()
        file = Path(folder, "certificate.html")
        file.write_text(as_html(document, {}), encoding="utf-8")
        page.goto(file.as_uri())
        page.evaluate("document.fonts.ready")
        yield page
        page.close()


def _with_inlined_fonts(css: str) -> str:
    def inlined(found: re.Match[str]) -> str:
        return f"url(data:font/otf;base64,{b64encode((FONTS / found[1]).read_bytes()).decode()})"

    return re.sub(r"url\(file:[^)]*/([^/)]+)\)", inlined, css)


@cache
def _browser() -> Any:
    """The one browser of this process; it ends with it."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    playwright = sync_playwright().start()
    atexit.register(playwright.stop)
    return playwright.chromium.launch(executable_path=executable, args=arguments)


_FILL_IN = """contents => contents.forEach((content, index) => {
  const element = document.getElementById("e" + index)
  if (content && content.svg) element.innerHTML = content.svg
  else if (content) element.firstElementChild.textContent = content.text
})"""
_SHRINK = """() => document.querySelectorAll("div > span").forEach(text => {
  text.style.fontSize = ""
  const room = text.parentElement.clientWidth
  if (text.scrollWidth > room) {
    text.style.fontSize = parseFloat(getComputedStyle(text).fontSize) * room / text.scrollWidth + "px"
  }
})"""


@contextmanager
def weasyprint(document: Document) -> Iterator[Callable[[Values], bytes]]:
    """One font configuration for all documents."""
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    sheet = CSS(string=_css(document), font_config=fonts)

    def draw(values: Values) -> bytes:
        page = HTML(string=as_html(document, values, css=""))
        return bytes(page.write_pdf(stylesheets=[sheet], font_config=fonts, pdf_tags=True))

    yield draw


@contextmanager
def reportlab(document: Document) -> Iterator[Callable[[Values], bytes]]:
    """Fonts registered once."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.units import mm
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    for name in ("NotoSerifDisplay-Regular", "NotoSans-Regular"):
        pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))
    width, height = document.page.size_mm
    picture = background_of(document)
    background = None if picture is None else ImageReader(io.BytesIO(picture))

    def draw(values: Values) -> bytes:
        made = io.BytesIO()
        canvas = Canvas(made, pagesize=(width * mm, height * mm))
        canvas.setFillColor(HexColor(document.background.color))
        canvas.rect(0, 0, width * mm, height * mm, stroke=0, fill=1)
        if background is not None:
            canvas.drawImage(background, 0, 0, width * mm, height * mm)
        for element in document.elements:
            _draw_with_reportlab(canvas, element, values, height)
        canvas.save()
        return made.getvalue()

    yield draw


def _draw_with_reportlab(canvas: Any, element: Any, values: Values, page_height: float) -> None:
    from reportlab.graphics.barcode.qr import QrCodeWidget
    from reportlab.graphics.renderPDF import draw as draw_graphic
    from reportlab.graphics.shapes import Drawing
    from reportlab.lib.colors import HexColor
    from reportlab.lib.units import mm

    fill, stroke = getattr(element, "fill", None), getattr(element, "stroke", None)
    if fill:
        canvas.setFillColor(HexColor(fill))
    if stroke:
        canvas.setStrokeColor(HexColor(stroke))
        canvas.setLineWidth(element.stroke_width * mm)
    painted = {"stroke": int(bool(stroke)), "fill": int(bool(fill))}
    match element:
        case Text():
            text = fill_in(element.text or "", values)
            text = text.upper() if element.uppercase else text
            name = "NotoSerifDisplay-Regular" if element.font == "Noto Serif Display" else "NotoSans-Regular"
            canvas.setFillColor(HexColor(element.color))
            canvas.setFont(name, element.size)
            at = {"left": 0.0, "center": element.width / 2, "right": element.width}[element.align]
            show = {
                "left": canvas.drawString,
                "center": canvas.drawCentredString,
                "right": canvas.drawRightString,
            }[element.align]
            baseline = page_height - element.y - element.height / 2
            show(
                (element.x + at) * mm,
                baseline * mm - element.size / 3,
                text,
                charSpace=element.letter_spacing * element.size,
            )
        case Rectangle():
            bottom = page_height - element.y - element.height
            canvas.rect(element.x * mm, bottom * mm, element.width * mm, element.height * mm, **painted)
        case Ellipse():
            top = page_height - element.y
            right, bottom = element.x + element.width, top - element.height
            canvas.ellipse(element.x * mm, bottom * mm, right * mm, top * mm, **painted)
        case Line():
            canvas.line(
                element.x1 * mm, (page_height - element.y1) * mm, element.x2 * mm, (page_height - element.y2) * mm
            )
        case Polygon():
            path = canvas.beginPath()
            for position, (x, y) in enumerate(element.points):
                (path.lineTo if position else path.moveTo)(x * mm, (page_height - y) * mm)
            path.close()
            canvas.drawPath(path, **painted)
        case QRCode():
            code = QrCodeWidget(fill_in(element.content, values), barLevel=element.correction)
            code.barWidth = code.barHeight = element.size * mm
            drawing = Drawing(element.size * mm, element.size * mm)
            drawing.add(code)
            draw_graphic(drawing, canvas, element.x * mm, (page_height - element.y - element.size) * mm)


def as_html(document: Document, values: Values, *, css: str | None = None) -> str:
    """The document as a page of absolutely placed boxes and SVG shapes."""
    body = "".join(_html(element, index, values) for index, element in enumerate(document.elements))
    style = _css(document) if css is None else css
    return f'<!doctype html><html lang="en"><title>Certificate</title><style>{style}</style><body>{body}</body></html>'


def _css(document: Document) -> str:
    width, height = document.page.size_mm
    faces = "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};src:url({(FONTS / file).as_uri()})}}'
        for (family, weight, style), file in _FACES.items()
    )
    picture = background_of(document)
    inlined = "" if picture is None else f" url(data:image/jpeg;base64,{b64encode(picture).decode()}) 0 0/100% 100%"
    return (
        f"{faces}@page{{size:{width}mm {height}mm;margin:0}}*{{margin:0}}"
        f"body{{width:{width}mm;height:{height}mm;background:{document.background.color}{inlined};position:relative}}"
        "div,svg{position:absolute}div{display:flex;white-space:nowrap}svg{left:0;top:0}div svg{width:100%;height:100%}"
    )


def _html(element: Any, index: int, values: Values) -> str:
    content = _content(element, values)
    if isinstance(element, Text):
        assert content is not None
        sides = {"left": "flex-start", "center": "center", "right": "flex-end", "top": "flex-start", "middle": "center", "bottom": "flex-end"}  # fmt: skip
        style = (
            f"left:{element.x}mm;top:{element.y}mm;width:{element.width}mm;height:{element.height}mm;"
            f'font-family:"{element.font}";font-size:{element.size}pt;font-weight:{element.weight};color:{element.color};'
            f"letter-spacing:{element.letter_spacing}em;font-style:{'italic' if element.italic else 'normal'};"
            f"justify-content:{sides[element.align]};align-items:{sides[element.vertical_align]}"
        )
        return f"<div id=e{index} style='{style}'><span>{html.escape(content['text'])}</span></div>"
    if isinstance(element, QRCode):
        assert content is not None
        place = f"left:{element.x}mm;top:{element.y}mm;width:{element.size}mm;height:{element.size}mm"
        return f"<div id=e{index} style='{place}'>{content['svg']}</div>"
    fill, stroke = getattr(element, "fill", None) or "none", getattr(element, "stroke", None) or "none"
    paint = f'fill="{fill}" stroke="{stroke}" stroke-width="{element.stroke_width}"'
    match element:
        case Rectangle():
            shape = f'<rect x="{element.x}" y="{element.y}" width="{element.width}" height="{element.height}" {paint}/>'
        case Ellipse():
            rx, ry = element.width / 2, element.height / 2
            shape = f'<ellipse cx="{element.x + rx}" cy="{element.y + ry}" rx="{rx}" ry="{ry}" {paint}/>'
        case Line():
            shape = f'<line x1="{element.x1}" y1="{element.y1}" x2="{element.x2}" y2="{element.y2}" {paint}/>'
        case _:
            points = " ".join(f"{x},{y}" for x, y in element.points)
            shape = f'<polygon points="{points}" {paint}/>'
    return f'<svg id=e{index} style="width:297mm;height:210mm" viewBox="0 0 297 210">{shape}</svg>'


def _content(element: Any, values: Values) -> dict[str, str] | None:
    if isinstance(element, Text):
        text = fill_in(element.text or "", values)
        return {"text": text.upper() if element.uppercase else text}
    if isinstance(element, QRCode):
        return {"svg": qr_svg(fill_in(element.content, values) or " ", element)}
    return None


assert {family for family, _, _ in _FACES} <= set(FAMILIES)
