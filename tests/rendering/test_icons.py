"""The bundled icons: lines on a field of 24 x 24, and nothing that could be more than lines."""

import io
import json
import re
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from testamur.errors import Invalid
from testamur.rendering.icons import FILE, icon_svg, icons
from testamur.rendering.icons.__main__ import ELEMENTS, as_file, taken
from testamur.rendering.trial import drawn

ATTRIBUTES = {"d", "cx", "cy", "r", "x", "y", "x1", "y1", "x2", "y2", "width", "height", "rx", "ry", "points", "fill"}


def test_every_icon_is_made_of_plain_shapes():
    assert len(icons()) > 200
    assert list(icons()) == sorted(icons())
    for name, drawing in icons().items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        for element in ET.fromstring(f"<g>{drawing}</g>"):
            assert element.tag in ELEMENTS
            assert not len(element)
            assert set(element.attrib) <= ATTRIBUTES
            assert element.get("fill", "currentColor") == "currentColor"
            assert all(re.fullmatch(r"[A-Za-z0-9 .,-]+", value) for value in element.attrib.values())


def test_those_that_certificates_need_are_there():
    wanted = {
        "award", "medal", "trophy", "star", "badge-check", "graduation-cap", "book", "school", "landmark", "shield",
        "ribbon", "crown", "sparkles", "check", "calendar", "map-pin", "globe", "user", "users", "heart", "flag", "code",
        "cpu", "flask-conical", "microscope", "stethoscope", "scale", "gavel", "briefcase", "chart-line", "lightbulb",
        "rocket", "leaf", "palette", "camera", "utensils", "languages", "mic",
    }  # fmt: skip
    assert wanted <= set(icons())


def test_every_icon_is_drawn_in_its_colour():
    pictures = [icon_svg(name, color="#c00000", stroke_width=1.5) for name in icons()]
    for name, svg in zip(icons(), pictures, strict=True):
        assert svg.count('stroke="#c00000"') == 1, name
    sheet = "".join(
        f'<g transform="translate({index % 20 * 24} {index // 20 * 24})" {svg[5:].replace("</svg>", "</g>")}'
        for index, svg in enumerate(pictures)
    )
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 480">{sheet}</svg>'
    made = Image.open(io.BytesIO(drawn(whole.encode(), "svg", side_pt=480))).convert("RGB")
    for index, name in enumerate(icons()):
        x, y = index % 20 * 24, index // 20 * 24
        colors = {color for _, color in made.crop((x, y, x + 24, y + 24)).getcolors()}
        assert any(red > 150 and green < 100 for red, green, _ in colors), name
        assert all(abs(green - blue) < 3 for _, green, blue in colors), name


def test_an_unknown_icon_names_those_that_are_like_it():
    with pytest.raises(Invalid, match="did you mean trophy"):
        icon_svg("trophey", color="#000")
    with pytest.raises(Invalid, match=r'There is no icon "<script>"$'):
        icon_svg("<script>", color="#000")


@pytest.mark.parametrize(("color", "width"), [("red", 2), ('#fff" onload="x', 2), ("#fff", 0), ("#fff", float("nan"))])
def test_nothing_unchecked_comes_into_an_icon(color, width):
    with pytest.raises(ValueError, match="not a colour"):
        icon_svg("star", color=color, stroke_width=width)


def test_they_are_taken_from_a_release(tmp_path):
    nodes = {
        "star": [["path", {"d": "M0 0h24"}]],
        "kayak": [["circle", {"cx": "1", "cy": '2"'}]],
        "evil": [["script", {}]],
    }
    (tmp_path / "icon-nodes.json").write_text(json.dumps(nodes))
    assert taken(tmp_path, ["star", "kayak"]) == {
        "kayak": '<circle cx="1" cy=\'2"\'/>',
        "star": '<path d="M0 0h24"/>',
    }
    with pytest.raises(ValueError, match="script"):
        taken(tmp_path, ["evil"])
    with pytest.raises(KeyError):
        taken(tmp_path, ["gone"])


def test_the_file_is_what_the_documented_command_writes(tmp_path):
    nodes = {
        name: [[element.tag, element.attrib] for element in ET.fromstring(f"<g>{drawing}</g>")]
        for name, drawing in icons().items()
    }
    (tmp_path / "icon-nodes.json").write_text(json.dumps(nodes))
    assert as_file(taken(tmp_path, list(icons()))) == FILE.read_bytes()
