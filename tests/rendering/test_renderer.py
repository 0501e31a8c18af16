"""What comes out: fitted text, values that stay data, embedded fonts, the same bytes again."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256

import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from testamur.designs.starters import read_starter
from testamur.errors import Invalid
from testamur.rendering.attributes_in_text import fill_in, tags_in
from testamur.rendering.document import parse_document
from testamur.rendering.renderer import _UNBREAKABLE, Renderer
from testamur.rendering.samples import SAMPLE_VALUES

AT = datetime(2026, 11, 24, tzinfo=UTC)
# A page with a box whose surroundings are white, so that a drop of ink outside tells an overflow.
BOX_MM = (20, 20, 60, 16)


class Stored(dict):
    def read(self, digest):
        try:
            return self[digest]
        except KeyError:
            raise FileNotFoundError from None


def renderer(*elements, page=(100, 60), assets=None):
    document = {"version": 1, "page": {"width": page[0], "height": page[1]}, "elements": elements}
    return Renderer(parse_document(json.dumps(document)), assets or Stored())


def text_box(text, **style):
    x, y, width, height = BOX_MM
    return {"type": "text", "x": x, "y": y, "width": width, "height": height, "text": text, "size": 24, **style}


@pytest.fixture(scope="module")
def certificate():
    return Renderer(read_starter("certificate").document, Stored())


@pytest.fixture(scope="module")
def box():
    return renderer(text_box("[recipient.name]"))


def ink_mm(png, page_mm=(100, 60)):
    """The rectangle around everything that is not white, in mm: left, top, right, bottom; None if there is none."""
    picture = Image.open(io.BytesIO(png)).convert("L").point(lambda value: 255 if value < 250 else 0)
    found = picture.getbbox()
    return found and tuple(edge * page_mm[0] / picture.width for edge in found)


NAMES = [
    "Ai",
    "Alexandra Whitfield",
    "Maximiliana Konstantinopolitanskaya-Featherstonehaugh von und zu Hohenzollern-Sigmaringen",
    "W" * 200,
    "Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios Cipriano de la Santísima Trinidad",
    "محمد عبد الرحمن بن خالد الفارسي",
    "अनन्या शर्मा",
    "one\ntwo\nthree\nfour\nfive\nsix",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", [{}, {"fit": "wrap", "align": "center", "lineHeight": 1.6}, {"letterSpacing": 0.2}])
def test_a_text_of_any_length_stays_in_its_box(name, style):
    left, top, right, bottom = ink_mm(renderer(text_box("[recipient.name]", **style)).png({"recipient.name": name}))
    x, y, width, height = BOX_MM
    # A glyph may reach half a millimetre out of its own advance width.
    assert left >= x - 0.6
    assert right <= x + width + 0.6
    assert top >= y - 0.6
    assert bottom <= y + height + 0.6


def test_a_name_shrinks_to_its_floor_before_it_wraps():
    def height_of(name):
        _, top, _, bottom = ink_mm(renderer(text_box("[n.n]", sizeMin=16)).png({"n.n": name}))
        return bottom - top

    one_line, shrunk, wrapped = height_of("Ada H"), height_of("Adalbert Hohenlohe"), height_of("Adalbert " * 4)
    assert shrunk < one_line < wrapped


SHAPES = [
    {"type": "rectangle", "x": 62, "y": 34, "width": 20, "height": 10},
    {"type": "rectangle", "x": 62, "y": 34, "width": 20, "height": 10, "rotation": 30},
    {"type": "ellipse", "x": 62, "y": 34, "width": 20, "height": 10},
    {"type": "line", "x1": 62, "y1": 34, "x2": 82, "y2": 44},
    {"type": "polygon", "points": [[62, 34], [82, 34], [72, 44]]},
    {"type": "path", "x": 62, "y": 34, "width": 20, "height": 10, "d": "M0 0H20V10Z"},
    {"type": "seal", "x": 62, "y": 34, "width": 20, "height": 20},
    {"type": "ribbon", "x": 62, "y": 34, "width": 20, "height": 10},
    {"type": "icon", "icon": "award", "x": 62, "y": 34, "size": 20},
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["type"])
def test_a_shape_with_a_text_for_screen_readers_stays_in_its_place(shape):
    painted = {"fill": "#123456"} if shape["type"] in {"rectangle", "ellipse", "polygon", "path", "seal"} else {}
    plain, said = renderer({**shape, **painted}), renderer({**shape, **painted, "alt": "Mark"})
    assert ink_mm(plain.png({})) is not None
    assert said.png({}) == plain.png({})


MARKUP = [
    '#panic("x")', "*bold*", "$x^2$", "= Heading", '"; #read("/etc/passwd")', "<b>x</b>", "[recipient.email]", "\\u{41}",
]  # fmt: skip


@pytest.mark.parametrize("name", MARKUP)
def test_a_value_is_printed_as_it_is(box, name):
    pdf = PdfReader(
        io.BytesIO(box.pdf({"recipient.name": name, "recipient.email": "leak@example.com"}, title="", at=AT))
    )
    assert "".join(pdf.pages[0].extract_text().split()) == "".join(name.split())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_no_value_at_all_breaks_the_rendering(box, name):
    assert box.pdf({"recipient.name": name}, title=name, at=AT).startswith(b"%PDF")


def test_the_same_values_give_the_same_bytes_on_every_thread(certificate):
    def digest(_):
        return sha256(certificate.pdf(SAMPLE_VALUES, title="x", at=AT)).hexdigest()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(digest, range(12)))) == 1
    again = Renderer(read_starter("certificate").document, Stored())
    assert sha256(again.pdf(SAMPLE_VALUES, title="x", at=AT)).hexdigest() == digest(0)
    assert certificate.png(SAMPLE_VALUES) == again.png(SAMPLE_VALUES)


@pytest.mark.parametrize("has_memory_files", [True, False])
def test_nobody_s_data_stays_in_a_file(tmp_path, monkeypatch, has_memory_files):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if not has_memory_files:
        monkeypatch.delattr("os.memfd_create")
    drawn = renderer(text_box("[recipient.name]"))
    drawn.pdf({"recipient.name": "Maximiliana " * 100}, title="x", at=AT)
    pdf = drawn.pdf({"recipient.name": "Alexandra"}, title="x", at=AT)
    assert PdfReader(io.BytesIO(pdf)).pages[0].extract_text() == "Alexandra"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files if path.read_bytes() == b""] == ["0.json"]
    assert not [path for path in files if b"Alexandra" in path.read_bytes()]


def test_a_pdf_is_tagged_titled_and_carries_its_fonts(certificate):
    pdf = PdfReader(io.BytesIO(certificate.pdf(SAMPLE_VALUES, title="Markets - Alexandra", language="pl", at=AT)))
    assert len(pdf.pages) == 1
    assert pdf.metadata.title == "Markets - Alexandra"
    assert pdf.trailer["/Root"]["/Lang"] == "pl"
    assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]
    width, height = (float(side) * 25.4 / 72 for side in pdf.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (297, 210)
    fonts = pdf.pages[0]["/Resources"]["/Font"].values()
    descriptors = [font["/DescendantFonts"][0]["/FontDescriptor"] for font in fonts]
    assert descriptors
    assert all({"/FontFile2", "/FontFile3"} & set(descriptor) for descriptor in descriptors)
    text = pdf.pages[0].extract_text()
    assert SAMPLE_VALUES["recipient.name"] in text
    assert SAMPLE_VALUES["group.name"] in text


@pytest.mark.parametrize(("width", "height"), [(800, 566), (1600, 1131)])
def test_a_png_has_the_width_that_was_asked_for(certificate, width, height):
    picture = Image.open(io.BytesIO(certificate.png(SAMPLE_VALUES, width_px=width)))
    assert picture.width == width
    assert abs(picture.height - height) <= 1
    with pytest.raises(ValueError, match="width_px"):
        certificate.png(SAMPLE_VALUES, width_px=100_000)


@pytest.mark.parametrize("correction", ["L", "H"])
def test_a_qr_code_can_be_read(correction):
    made = renderer({"type": "qr", "x": 10, "y": 10, "size": 40, "margin": 2, "correction": correction})
    url = "https://example.org/credentials/" + "x" * 120
    picture = Image.open(io.BytesIO(made.png({"credential.url": url}))).convert("L")
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [url]


def picture(color, size=(40, 20)):
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, "PNG")
    return made.getvalue()


@pytest.mark.parametrize(("opacity", "expected"), [(1, (255, 0, 0)), (0.5, (255, 127, 127))])
def test_a_picture_is_drawn_with_its_opacity(opacity, expected):
    red = picture("red")
    digest = sha256(red).hexdigest()
    element = {
        "type": "image",
        "x": 20,
        "y": 20,
        "width": 40,
        "height": 20,
        "source": f"asset:{digest}",
        "opacity": opacity,
    }
    made = Image.open(io.BytesIO(renderer(element, assets=Stored({digest: red})).png({}, width_px=200))).convert("RGB")
    assert made.getpixel((2, 2)) == (255, 255, 255)
    assert all(abs(have - want) <= 2 for have, want in zip(made.getpixel((80, 60)), expected, strict=True))


def test_a_picture_that_is_not_stored_is_told():
    element = {"type": "image", "x": 0, "y": 0, "width": 10, "height": 10, "source": "asset:" + "0" * 64}
    with pytest.raises(Invalid, match="no picture"):
        renderer(element)


def test_shapes_are_drawn_where_they_stand():
    made = renderer(
        {"type": "rectangle", "x": 10, "y": 10, "width": 20, "height": 10, "fill": "#ff0000"},
        {"type": "ellipse", "x": 40, "y": 10, "width": 20, "height": 10, "fill": "#00ff00"},
        {"type": "polygon", "points": [[70, 10], [90, 10], [90, 30]], "fill": "#0000ff"},
        {"type": "line", "x1": 10, "y1": 50, "x2": 90, "y2": 50, "stroke": "#000000", "strokeWidth": 2},
    )
    image = Image.open(io.BytesIO(made.png({}, width_px=1000))).convert("RGB")
    at = {(200, 150): (255, 0, 0), (500, 150): (0, 255, 0), (880, 150): (0, 0, 255), (500, 500): (0, 0, 0)}
    assert {place: image.getpixel(place) for place in at} == at
    assert image.getpixel((50, 50)) == (255, 255, 255)


def test_attributes_are_found_and_filled_in_once():
    text = "[recipient.name] of [custom.a_b] [x] [Recipient.Name] [custom.none]!"
    assert tags_in(text) == {"recipient.name", "custom.a_b", "custom.none"}
    values = {"recipient.name": "[custom.a_b]", "custom.a_b": "Y"}
    assert fill_in(text, values) == "[custom.a_b] of Y [x] [Recipient.Name] !"


@pytest.mark.parametrize("name", ["محمد الفارسي", "अनन्या शर्मा", "অনন্যা শর্মা"])
def test_letters_that_hang_together_are_not_spaced(name):
    spaced, plain = (renderer(text_box("[n.n]", letterSpacing=spacing)).png({"n.n": name}) for spacing in (0.3, 0))
    assert spaced == plain
    assert renderer(text_box("[n.n]", letterSpacing=0.3)).png({"n.n": "Ada"}) != renderer(text_box("[n.n]")).png(
        {"n.n": "Ada"}
    )


def test_dots_are_round_in_every_figure():
    """A dotted line is as wide as its dots at their middle only: a square dot fills its corners too."""
    thick = {"stroke": "#000", "strokeWidth": 10, "dash": "dotted"}
    png = renderer({"type": "line", "x1": 10, "y1": 30, "x2": 90, "y2": 30, **thick}).png({}, width_px=1000)
    picture = Image.open(io.BytesIO(png)).convert("L")
    at_the_edge = sum(picture.getpixel((x, 255)) < 128 for x in range(1000))
    in_the_middle = sum(picture.getpixel((x, 300)) < 128 for x in range(1000))
    assert 0 < at_the_edge < in_the_middle / 2


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("Ada-Maria Lovelace", ["Ada-", "Maria", "Lovelace"]),
        ("Jean-Luc-Émile", ["Jean-", "Luc-", "Émile"]),
        ("ISO-9001 -x a- 2-b --", ["ISO-9001", "-x", "a-", "2-b", "--"]),
        ("כהן-לוי", ["כהן-לוי"]),
    ],
)
def test_a_line_may_break_behind_a_hyphen_between_letters(name, pieces):
    assert _UNBREAKABLE.findall(name) == pieces


def test_a_name_with_a_hyphen_is_not_made_smaller_than_its_halves_ask_for():
    double = "Konstantinopolitanskaya-Featherstonehaugh"
    asked = renderer(text_box("[n.n]", size=20, sizeMin=11))
    assert asked.findings({"n.n": double}) == []
    # No line breaks behind these, so that they really have to be made smaller, and still stay in the box.
    for solid in (double.replace("-", ""), "Konstantinopolitanskaya-1234567890123456", "א" * 20 + "-" + "ב" * 20):
        assert [finding.kind for finding in asked.findings({"n.n": solid})] == ["overflow"]
        left, _, right, _ = ink_mm(asked.png({"n.n": solid}))
        assert left >= BOX_MM[0] - 0.6
        assert right <= BOX_MM[0] + BOX_MM[2] + 0.6
