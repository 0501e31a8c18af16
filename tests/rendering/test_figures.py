"""Figures: whatever is asked for stays in its box, and whatever people write as a path is a path or refused."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.errors import Invalid
from testamur.rendering.figures import (
    PATH_SEGMENTS_MAX,
    Part,
    number,
    parse_path,
    path_svg,
    ribbon_path,
    seal_points,
)
from testamur.rendering.trial import draws

SEALS = ("star", "scallop", "rosette", "gear", "burst")
RIBBONS = ("banner", "tails", "corner", "swallowtail")


def ends(path):
    """The points at which the path's parts end."""
    for command, text in re.findall(r"([MLCAZ])([^MLCAZ]*)", path):
        values = [float(value) for value in text.split()]
        if command != "Z":
            yield values[-2], values[-1]


@given(st.sampled_from(SEALS), st.integers(3, 120), st.floats(0, 0.95))
def test_a_seal_fills_its_box_and_stays_in_it(style, points, depth):
    path = seal_points(style, points, depth)
    assert parse_path(path) == path
    radii = [math.dist(point, (0.5, 0.5)) for point in ends(path)]
    assert max(radii) <= 0.5 + 1e-4
    # A scallop ends where its arcs meet; all others reach the rim with a corner.
    assert style == "scallop" or max(radii) >= 0.5 - 1e-4
    assert seal_points(style, points, depth) == path


@pytest.mark.parametrize(("points", "depth"), [(2, 0.5), (121, 0.5), (8, -0.1), (8, 0.96), (8, math.nan)])
def test_a_seal_that_cannot_be_is_no_seal(points, depth):
    with pytest.raises(ValueError, match="seal"):
        seal_points("star", points, depth)


@given(st.sampled_from(RIBBONS), st.floats(1, 2000), st.floats(1, 2000), st.floats(0, 1), st.floats(0.05, 0.45))
def test_a_ribbon_stays_in_its_box(style, width, height, notch, fold):
    parts = ribbon_path(style, width, height, notch=notch, fold=fold)
    points = [point for path, _ in parts for point in ends(path)]
    assert all(-1e-4 <= x <= width + 1e-4 and -1e-4 <= y <= height + 1e-4 for x, y in points)
    assert max(x for x, _ in points) - min(x for x, _ in points) > 0.7 * width
    assert {shade for _, shade in parts} == ({"front"} if style == "swallowtail" else {"front", "fold"})
    assert all(parse_path(path) == path for path, _ in parts)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("M0 0L10 10", "M0 0L10 10"),
        (" m 1,2 3,4\n5 6 z ", "m1 2l3 4l5 6z"),
        ("M.5.5-1-1", "M0.5 0.5L-1 -1"),
        ("M0 0H5v-5.10C1 1,2 2,3 3S4 4 5 5Q6 6 7 7T8 8Z", "M0 0H5v-5.1C1 1 2 2 3 3S4 4 5 5Q6 6 7 7T8 8Z"),
        ("M0 0a5 5 0 01 9 9", "M0 0a5 5 0 0 1 9 9"),
        ("M0 0a5,5,30,1,0,9,9 5 5 0 0110 9", "M0 0a5 5 30 1 0 9 9a5 5 0 0 1 10 9"),
        ("M1e2 1E-1L+5 0", "M100 0.1L5 0"),
        ("M0 0ZM1 1", "M0 0ZM1 1"),
        ("M0.000001-0.000001", "M0 0"),
    ],
)
def test_a_path_has_one_form(text, normal):
    assert parse_path(text) == normal
    assert parse_path(normal) == normal


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "character 1: expected M"),
        ("   ", "expected M"),
        ("L0 0", "character 1: a path begins with M"),
        ("0 0", "character 1: expected a command"),
        ("M0", "character 3: expected a number"),
        ("M0 0 L 1", "character 9: expected a number"),
        ("M0 0 B1 1", "character 6: expected a number or a command"),
        ("M0 0,", "expected a number"),
        ("M0 0,L1 1", "expected a number"),
        ("M0 0 1", "expected a number"),
        ("M0 0Z5 5", "character 6: expected a command"),
        ("M0 0A5 5 0 2 0 1 1", "character 12: expected a flag"),
        ("M0 NaN", "character 4: expected a number"),
        ("M0 1e999", "farther than"),
        ("M0 -inf", "expected a number"),
        ("M0 10001", "farther than"),
        ("M0 0" + "h9999" * 3, "character 10: goes farther than"),
        ("M0 0" + "h1" * PATH_SEGMENTS_MAX, "more than 2000 segments"),
        ('M0 0"/><script>', "character 5"),
        ("M0 0\u0661 1", "character 5"),
        ("M" + "0" * 200_000, "at most 100000 characters"),
    ],
)
def test_what_is_no_path_is_refused_with_its_place(text, reason):
    with pytest.raises(Invalid, match=reason):
        parse_path(text)


@given(st.text(alphabet='MmLlHhVvCcSsQqTtAaZz0123456789.,-+eE \n"<>&', max_size=60))
def test_any_text_is_a_path_or_is_refused(text):
    try:
        path = parse_path(text)
    except Invalid as error:
        assert "character" in error.message
        return
    assert re.fullmatch(r"[MLHVCSQTAZmlhvcsqtaz0-9. -]+", path)
    assert parse_path(path) == path


COORDINATE = st.floats(-100, 100).map(number)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("LlHhVvCcSsQqTtZz"), max_size=20), st.data())
def test_every_path_can_be_drawn(commands, data):
    counts = {"L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}
    text = "M0 0" + "".join(
        command + " ".join(data.draw(COORDINATE) for _ in range(counts[command.upper()])) for command in commands
    )
    part = Part(path=parse_path(text), fill="#c00", stroke="#0000ff80", stroke_width=2)
    assert draws(path_svg([part], (-100, -100, 200, 200)).encode(), "svg")


@pytest.mark.parametrize("style", SEALS)
@pytest.mark.parametrize(("points", "depth"), [(3, 0.95), (12, 0.2), (120, 0.05), (120, 0)])
def test_every_seal_can_be_drawn(style, points, depth):
    part = Part(path=seal_points(style, points, depth), fill="#d4af37")
    assert draws(path_svg([part], (0, 0, 1, 1), stretch=True).encode(), "svg")


@pytest.mark.parametrize(
    "part",
    [
        Part(path='M0 0"/>'),
        Part(path="M0 0", fill="red"),
        Part(path="M0 0", fill='#fff"'),
        Part(path="M0 0", stroke="url(#a)", stroke_width=1),
        Part(path="M0 0", stroke_width=math.nan),
    ],
)
def test_nothing_unchecked_comes_into_a_drawing(part):
    with pytest.raises(ValueError, match="not"):
        path_svg([part], (0, 0, 1, 1))
    with pytest.raises(ValueError, match="view box"):
        path_svg([], (0, 0, math.inf, 1))


@given(st.floats(-1e6, 1e6))
def test_a_number_is_plain(value):
    assert re.fullmatch(r"-?\d+(\.\d{1,5})?", number(value))
    assert abs(float(number(value)) - value) <= 1e-5
    assert number(-0.0) == "0"
