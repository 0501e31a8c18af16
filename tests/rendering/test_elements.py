"""Each kind of element, by its pixels."""

import io
from hashlib import sha256

import pypdfium2
import pytest
import zxingcpp
from drawing import AT, Stored, ink_mm, picture_of, pixels, renderer
from PIL import Image, ImageChops
from pypdf import PdfReader

from testamur.errors import Invalid

BOX = {"x": 10, "y": 10, "width": 40, "height": 20}
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def at_mm(image, x, y):
    return image.getpixel((round(x * image.width / 100), round(y * image.width / 100)))


def near(color, other, by=12):
    return all(abs(one - two) <= by for one, two in zip(color, other, strict=True))


def test_runs_have_their_own_colour_size_and_weight():
    runs = [{"text": "WWW", "color": "#ff0000"}, {"text": "WWW", "color": "#0000ff", "size": 30, "weight": 700}]
    image = pixels(renderer({"type": "text", "x": 5, "y": 5, "width": 90, "height": 20, "runs": runs}).png({}))
    colors = {color for _, color in image.getcolors(100_000)}
    assert {RED, BLUE} <= colors
    columns = {
        color: [x for x in range(image.width) if any(image.getpixel((x, y)) == color for y in range(40, 200, 3))]
        for color in (RED, BLUE)
    }
    assert max(columns[RED]) < min(columns[BLUE])


def test_runs_and_text_exclude_each_other():
    with pytest.raises(Invalid, match="together"):
        renderer({"type": "text", **BOX, "text": "a", "runs": [{"text": "b"}]})


def test_an_ellipsis_ends_what_does_not_fit():
    element = {"type": "text", **BOX, "height": 6, "text": "[n.n]", "fit": "ellipsis", "font": "Inter", "size": 12}
    text = PdfReader(io.BytesIO(renderer(element).pdf({"n.n": "alpha " * 40}, title="", at=AT))).pages[0].extract_text()
    assert text.startswith("alpha")
    assert text.endswith("…")
    assert len(text) < 40
    whole = PdfReader(io.BytesIO(renderer(element).pdf({"n.n": "alpha"}, title="", at=AT))).pages[0].extract_text()
    assert whole == "alpha"


@pytest.mark.parametrize(
    "text", ["人" * 100, "สวัสดีชาวโลก" * 14, "word " * 50, "가나다 " * 40], ids=["zh", "th", "en", "ko"]
)
def test_a_wrapped_text_keeps_its_size_where_it_can_be_broken(text):
    element = {"type": "text", "x": 5, "y": 5, "width": 90, "height": 50, "text": text, "fit": "wrap", "size": 10}
    _, top, right, bottom = ink_mm(renderer(element).png({}))
    # Several lines of ten points, and not one line made small.
    assert bottom - top > 6
    assert right <= 95.6


def test_what_is_drawn_starts_where_its_direction_does():
    element = {"type": "text", **BOX, "text": "[n.n]", "align": "start"}
    assert ink_mm(renderer(element).png({"n.n": "Ada"}))[0] < 12
    assert ink_mm(renderer(element).png({"n.n": "עדה"}))[2] > 48
    forced = renderer({**element, "direction": "rtl"})
    assert ink_mm(forced.png({"n.n": "Ada"}))[2] > 48


def test_gradients_run_from_stop_to_stop():
    stops = [{"color": "#ff0000", "at": 0}, {"color": "#0000ff", "at": 1}]
    image = pixels(renderer({"type": "rectangle", **BOX, "fill": {"stops": stops}}).png({}))
    assert near(at_mm(image, 11, 20), RED, 30)
    assert near(at_mm(image, 49, 20), BLUE, 30)
    turned = pixels(renderer({"type": "rectangle", **BOX, "fill": {"angle": 90, "stops": stops}}).png({}))
    assert near(at_mm(turned, 30, 11), RED, 60)
    radial = pixels(renderer({"type": "ellipse", **BOX, "fill": {"type": "radial", "stops": stops}}).png({}))
    assert near(at_mm(radial, 30, 20), RED, 30)


def test_a_group_is_placed_turned_and_faded_as_one():
    inner = {"type": "rectangle", "x": 0, "y": 0, "width": 20, "height": 10, "fill": "#ff0000"}
    group = {"type": "group", "x": 40, "y": 20, "width": 20, "height": 10, "elements": [inner]}
    assert ink_mm(renderer(group).png({})) == pytest.approx((40, 20, 60, 30), abs=0.2)
    # A quarter turn around its middle.
    assert ink_mm(renderer({**group, "rotation": 90}).png({})) == pytest.approx((45, 15, 55, 35), abs=0.2)
    assert near(at_mm(pixels(renderer({**group, "opacity": 0.5}).png({})), 50, 25), (255, 128, 128))


def test_groups_lie_in_each_other_only_so_deep():
    element = {"type": "rectangle", **BOX}
    for _ in range(7):
        element = {"type": "group", **BOX, "elements": [element]}
    with pytest.raises(Invalid, match="deep"):
        renderer(element)


def test_a_picture_is_cut_where_its_focus_is_not():
    assets = Stored()
    source = assets.add(picture_of("red", "lime", "blue", size=(60, 20)))
    element = {"type": "image", "x": 10, "y": 10, "width": 20, "height": 20, "source": source, "fit": "cover"}
    shown = {}
    for name, focus in {"left": [0, 0.5], "middle": [0.5, 0.5], "right": [1, 0.5]}.items():
        image = pixels(renderer({**element, "focus": focus}, assets=assets).png({}))
        shown[name] = at_mm(image, 20, 20)
        assert ink_mm(renderer({**element, "focus": focus}, assets=assets).png({})) == pytest.approx(
            (10, 10, 30, 30), abs=0.3
        )
    assert near(shown["left"], RED)
    assert near(shown["middle"], GREEN)
    assert near(shown["right"], BLUE)


def test_a_tall_picture_fills_its_box_wherever_its_focus_is():
    assets = Stored()
    source = assets.add(picture_of("red", size=(20, 60)))
    element = {"type": "image", "x": 10, "y": 10, "width": 20, "height": 20, "source": source, "fit": "cover"}
    for focus in ([0.5, 0], [0.5, 0.3], [0.5, 1]):
        drawn = renderer({**element, "focus": focus}, assets=assets).png({})
        assert ink_mm(drawn) == pytest.approx((10, 10, 30, 30), abs=0.3)


def test_a_rounded_picture_has_no_corners():
    assets = Stored()
    source = assets.add(picture_of("red"))
    element = {"type": "image", "x": 10, "y": 10, "width": 20, "height": 20, "source": source, "radius": 10}
    image = pixels(renderer(element, assets=assets).png({}))
    assert near(at_mm(image, 20, 20), RED)
    assert at_mm(image, 10.6, 10.6) == WHITE


def test_an_image_attribute_is_drawn_where_it_has_a_value():
    pictures = Stored()
    source = pictures.add(picture_of("blue"))
    made = renderer({"type": "image", **BOX, "source": "[custom.photo]", "fit": "stretch", "opacity": 0.5})
    assert made.picture_tags == {"custom.photo"}
    assert made.tags == {"custom.photo"}
    drawn = pixels(made.png({"custom.photo": source}, pictures=pictures))
    assert near(at_mm(drawn, 30, 20), (127, 127, 255))
    assert ink_mm(made.png({"custom.photo": ""})) is None
    assert ink_mm(made.png({})) is None
    assert [finding.kind for finding in made.findings({})] == ["missing"]
    assert made.findings({"custom.photo": source}) == []
    with pytest.raises(Invalid, match="There is no picture"):
        made.png({"custom.photo": "asset:" + "0" * 64})
    with pytest.raises(Invalid, match="is not stored"):
        made.png({"custom.photo": "../../etc/passwd"})


def test_an_attribute_cannot_be_the_background():
    with pytest.raises(Invalid, match=r"background.picture.*same picture"):
        renderer(background={"picture": "[custom.photo]"})


def test_a_signature_stands_on_its_line():
    assets = Stored()
    source = assets.add(picture_of("blue", size=(40, 10)))
    image = pixels(renderer({"type": "signature", **BOX, "source": source, "lineWidth": 1}, assets=assets).png({}))
    assert near(at_mm(image, 30, 29.6), (0, 0, 0))
    assert near(at_mm(image, 30, 28), BLUE)
    assert at_mm(image, 30, 15) == WHITE


def test_a_logo_in_a_qr_code_leaves_it_readable():
    assets = Stored()
    logo = assets.add(picture_of("red"))
    code = {"type": "qr", "x": 10, "y": 10, "size": 40, "content": "https://example.org/[n.n]", "correction": "H"}
    made = renderer({**code, "logo": logo}, assets=assets).png({"n.n": "124a8110-1af5-4747"})
    assert near(at_mm(pixels(made), 30, 30), RED)
    (found,) = zxingcpp.read_barcodes(pixels(made))
    assert found.text == "https://example.org/124a8110-1af5-4747"


def test_the_background_covers_the_page_and_the_bleed():
    assets = Stored()
    source = assets.add(picture_of("lime"))
    page = {"width": 100, "height": 60, "bleed": 3}
    picture = {"source": source, "opacity": 0.5, "fit": "stretch"}
    made = renderer(page=page, background={"color": "#ffffff", "picture": picture}, assets=assets)
    assert near(at_mm(pixels(made.png({})), 1, 1), (128, 255, 128))
    plain, bled = made.pdf({}, title="", at=AT), made.pdf({}, title="", at=AT, has_bleed=True)
    sizes = [
        tuple(float(side) / 72 * 25.4 for side in PdfReader(io.BytesIO(pdf)).pages[0].mediabox[2:])
        for pdf in (plain, bled)
    ]
    assert sizes[0] == pytest.approx((100, 60), abs=0.01)
    assert sizes[1] == pytest.approx((106, 66), abs=0.01)
    drawn = pypdfium2.PdfDocument(bled)[0].render(scale=2).to_pil()
    assert near(drawn.getpixel((2, 2))[:3], (128, 255, 128))


LAYERED = (
    {"type": "text", "x": 5, "y": 5, "width": 90, "height": 12, "text": "[n.n]", "align": "center"},
    {"type": "rectangle", "x": 20, "y": 12, "width": 20, "height": 10, "fill": "#0000ff"},
    {"type": "text", "x": 5, "y": 40, "width": 90, "height": 12, "text": "always the same"},
    {"type": "qr", "x": 70, "y": 30, "size": 20, "content": "[n.n]"},
)


def test_layers_look_like_what_is_drawn_at_once():
    """A picture in the background makes the layers; the PDF, drawn by another program, is drawn at once."""
    assets = Stored()
    source = assets.add(picture_of("#ffe4e6", "#e0f2fe", size=(200, 120)))
    made = renderer(*LAYERED, background={"picture": source}, assets=assets)
    values = {"n.n": "Ada Lovelace"}
    layered = pixels(made.png(values, width_px=800))
    page = pypdfium2.PdfDocument(made.pdf(values, title="", at=AT))[0]
    at_once = page.render(scale=layered.width / page.get_width()).to_pil().convert("RGB").resize(layered.size)
    difference = ImageChops.difference(layered, at_once).convert("L").histogram()
    assert sum(difference[80:]) / sum(difference) < 0.002
    # The rectangle lies over the name, as it was drawn after it.
    assert near(at_mm(layered, 30, 15), BLUE)


def test_pictures_come_in_three_formats_and_any_width():
    made = renderer(*LAYERED)
    for format_, name in {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}.items():
        content = made.raster({"n.n": "Ada"}, width_px=500, format_=format_)
        image = Image.open(io.BytesIO(content))
        assert (image.format, image.size) == (name, (500, made.height_px(500)))
        assert content == made.raster({"n.n": "Ada"}, width_px=500, format_=format_)


def test_a_badge_may_be_see_through():
    disc = {"type": "ellipse", "x": 10, "y": 10, "width": 40, "height": 40, "fill": "#ff0000"}
    made = renderer(disc, page=(60, 60), background={"color": "#ffffff00"})
    image = Image.open(io.BytesIO(made.png({}))).convert("RGBA")
    assert image.getpixel((2, 2))[3] == 0
    assert image.getpixel((600, 600)) == (255, 0, 0, 255)
    jpeg = pixels(made.raster({}, format_="jpeg"))
    assert near(jpeg.getpixel((2, 2)), WHITE)


def test_an_svg_holds_outlines_and_nothing_to_run():
    text = renderer(*LAYERED).svg({"n.n": "<script>alert(1)</script>"}).decode()
    assert text.startswith("<svg")
    assert "script" not in text
    assert "<text" not in text


def test_reading_order_puts_the_name_first_without_moving_anything():
    first = {"type": "text", "x": 5, "y": 5, "width": 90, "height": 10, "text": "Second", "readingOrder": 2}
    second = {"type": "text", "x": 5, "y": 30, "width": 90, "height": 10, "text": "First", "readingOrder": 1}
    said = PdfReader(io.BytesIO(renderer(first, second).pdf({}, title="", at=AT))).pages[0].extract_text().split()
    assert said == ["First", "Second"]
    assert renderer(first, second).png({}) == renderer({**second, "readingOrder": 0}, first).png({})


def test_a_reading_order_that_would_cover_something_is_refused():
    below = {"type": "text", **BOX, "text": "below", "readingOrder": 2}
    above = {"type": "image", **BOX, "source": "asset:" + "0" * 64, "readingOrder": 1}
    with pytest.raises(Invalid, match="readingOrder: Would draw this over"):
        renderer(below, above)


def test_shapes_that_mean_something_are_said():
    shape = {"type": "rectangle", **BOX, "fill": "#ff0000", "alt": 'A "red" \\ bar'}
    content = renderer(shape).pdf({}, title="", at=AT)
    assert b"A" in content
    root = PdfReader(io.BytesIO(content)).trailer["/Root"]["/StructTreeRoot"]
    alts = []

    def walk(node):
        node = node.get_object()
        if isinstance(node, dict):
            if "/Alt" in node:
                alts.append(node["/Alt"])
            for child in (
                node.get("/K", []) if isinstance(node.get("/K"), list) else [node["/K"]] if "/K" in node else []
            ):
                if not isinstance(child, int):
                    walk(child)

    walk(root)
    assert alts == ['A "red" \\ bar']


def test_an_archival_pdf_says_so_and_carries_what_is_attached():
    from testamur.rendering.renderer import Attachment

    made = renderer(*LAYERED)
    values = {"n.n": "Ada"}
    archival = made.pdf(values, title="T", at=AT, standard="a-2b")
    metadata = PdfReader(io.BytesIO(archival)).xmp_metadata
    assert (metadata.pdfaid_part, metadata.pdfaid_conformance) == ("2", "B")
    attached = Attachment("credential.json", '{"a": "ä"}', "application/json", "The signed credential")
    with_file = PdfReader(io.BytesIO(made.pdf(values, title="T", at=AT, standard="a-3b", attachments=[attached])))
    assert with_file.attachments == {"credential.json": ['{"a": "ä"}'.encode()]}
    with pytest.raises(ValueError, match="PDF/A-3"):
        made.pdf(values, title="T", at=AT, attachments=[attached])


def test_the_same_arguments_give_the_same_bytes_in_a_new_renderer():
    def digests():
        made = renderer(*LAYERED)
        values = {"n.n": "Ada"}
        return [sha256(content).hexdigest() for content in
                (made.pdf(values, title="T", at=AT), made.pdf(values, title="T", at=AT, standard="a-2b"),
                 made.png(values), made.svg(values))]  # fmt: skip

    assert digests() == digests()


def test_a_code_gives_up_correction_for_content_and_tells_what_no_code_can_hold():
    made = renderer({"type": "qr", "x": 5, "y": 5, "size": 50, "content": "[n.n]", "correction": "H", "margin": 4})
    # More than the strongest correction leaves room for.
    (found,) = zxingcpp.read_barcodes(pixels(made.png({"n.n": "x" * 1500}, width_px=2400)))
    assert found.text == "x" * 1500
    with pytest.raises(Invalid, match="cannot hold 5000 characters"):
        made.png({"n.n": "x" * 5000})
    assert [finding.kind for finding in made.findings({"n.n": "x" * 5000})] == ["overflow"]
    assert made.findings({"n.n": "x"}) == []


@pytest.mark.parametrize("text", ["\u200b", "\u200d\u200d", "", " ", "\n\n\n\n\n\n\n\n\n"])
@pytest.mark.parametrize("fit", ["shrink", "wrap", "ellipsis"])
def test_a_text_without_width_is_no_trouble(text, fit):
    element = {"type": "text", **BOX, "height": 3, "text": "[n.n]", "size": 30, "fit": fit}
    assert renderer(element).pdf({"n.n": text}, title="", at=AT).startswith(b"%PDF")


def test_a_page_that_is_too_high_for_a_width_is_told():
    made = renderer(page=(100, 1900))
    assert Image.open(io.BytesIO(made.png({}, width_px=200))).size == (200, 3800)
    with pytest.raises(Invalid, match="smaller width"):
        made.png({}, width_px=3200)
