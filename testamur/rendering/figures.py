"""Figures as geometry: seals, ribbons, and paths that people write. Nothing here draws; it only makes path data."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from testamur.errors import Invalid

SealStyle = Literal["star", "scallop", "rosette", "gear", "burst"]
RibbonStyle = Literal["banner", "tails", "corner", "swallowtail"]
Shade = Literal["front", "fold"]

SEAL_POINTS_MIN, SEAL_POINTS_MAX = 3, 120
SEAL_DEPTH_MAX = 0.95
PATH_LENGTH_MAX = 100_000
PATH_SEGMENTS_MAX = 2000
PATH_COORDINATE_MAX = 10_000

COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})", re.ASCII)

_Point = tuple[float, float]


class Part(Struct, frozen=True, kw_only=True):
    """A path with how it is painted; colours are `#rgb`, `#rrggbb` or `#rrggbbaa`."""

    path: str
    fill: str | None = None
    stroke: str | None = None
    stroke_width: float = 0.0


def number(value: float) -> str:
    """With at most five decimals, the same text for the same number everywhere."""
    text = f"{value:.5f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def seal_points(style: SealStyle, points: int, depth: float) -> str:
    """The outline of a seal as path data, in a box from 0 to 1 whose middle is the seal's.

    `points` is the number of spikes, bumps or teeth (3 to 120), `depth` how far they reach in: 0 is a circle (or nearly),
    0.95 almost the middle. Raises ValueError beyond these.
    """
    if not SEAL_POINTS_MIN <= points <= SEAL_POINTS_MAX or not 0 <= depth <= SEAL_DEPTH_MAX:
        raise ValueError(f"a seal has 3 to 120 points and a depth of 0 to 0.95: {points}, {depth}")
    inner = 0.5 * (1 - depth)
    step = math.tau / points
    if style == "scallop":
        return _scallop(points, inner)
    if style == "rosette":
        return _rosette(points, inner)
    # Corners as angle (in steps) and radius, for one point of the seal.
    corners = {
        "star": [(0.0, 0.5), (0.5, inner)],
        "burst": [(0.0, 0.5), (0.25, inner), (0.5, 0.5 - 0.4 * (0.5 - inner)), (0.75, inner)],
        "gear": [(-0.16, 0.5), (0.16, 0.5), (0.28, inner), (0.72, inner)],
    }[style]
    return _polygon([_around((index + at) * step, radius) for index in range(points) for at, radius in corners])


def _around(angle: float, radius: float) -> _Point:
    """A point around the middle; angles run clockwise from the top."""
    return 0.5 + radius * math.sin(angle), 0.5 - radius * math.cos(angle)


def _scallop(points: int, inner: float) -> str:
    """Arcs that bulge outwards, at most as half circles: deeper ones would cross each other."""
    half = math.pi / points
    inner = max(inner, 0.5 / (math.cos(half) + math.sin(half)))
    chord, height = inner * math.sin(half), 0.5 - inner * math.cos(half)
    radius = number((chord * chord + height * height) / (2 * height))
    corners = [_around((2 * index + 1) * half, inner) for index in range(points)]
    arcs = "".join(f"A{radius} {radius} 0 0 1 {_pair(corner)}" for corner in (*corners[1:], corners[0]))
    return f"M{_pair(corners[0])}{arcs}Z"


def _rosette(points: int, inner: float) -> str:
    """A wave around a circle, as curves through its crests, troughs and the places between."""
    middle, height = (0.5 + inner) / 2, (0.5 - inner) / 2
    turn = math.tau / (4 * points)
    ends = []
    for index in range(4 * points):
        angle = index * turn
        radius = middle + height * math.cos(points * angle)
        slope = -height * points * math.sin(points * angle)
        x, y = _around(angle, radius)
        # The derivative of the point by the angle, times a third of the angle to the next one.
        along = (
            (slope * math.sin(angle) + radius * math.cos(angle)) * turn / 3,
            (radius * math.sin(angle) - slope * math.cos(angle)) * turn / 3,
        )
        ends.append((x, y, *along))
    curves = "".join(
        f"C{_pair((x1 + dx1, y1 + dy1))} {_pair((x2 - dx2, y2 - dy2))} {_pair((x2, y2))}"
        for (x1, y1, dx1, dy1), (x2, y2, dx2, dy2) in zip(ends, [*ends[1:], ends[0]], strict=True)
    )
    return f"M{_pair(ends[0][:2])}{curves}Z"


def ribbon_path(
    style: RibbonStyle, width: float, height: float, *, notch: float = 0.5, fold: float = 0.25
) -> list[tuple[str, Shade]]:
    """A ribbon's parts in a box of that size, from the lowest to the topmost, each lit or in the shade.

    `notch` (0 to 1) is how deep its ends are cut, `fold` (0.05 to 0.45) how much of the height lies behind. Banner: a
    band for a title with folded ends. Tails: what hangs below a seal. Corner: over the box's upper right corner.
    Swallowtail: a flat band. Raises ValueError for sizes beyond these.
    """
    if not (width > 0 and height > 0 and 0 <= notch <= 1 and 0.05 <= fold <= 0.45):
        raise ValueError(f"not the measures of a ribbon: {width}, {height}, {notch}, {fold}")
    parts: list[tuple[list[_Point], Shade]]
    if style == "swallowtail":
        cut = notch * min(height, width) / 2
        parts = [
            ([(0, 0), (width, 0), (width - cut, height / 2), (width, height), (0, height), (cut, height / 2)], "front")
        ]
    elif style == "banner":
        parts = _banner(width, height, notch, fold * height)
    elif style == "tails":
        parts = _tails(width, height, notch)
    else:
        parts = _corner(width, height, fold)
    return [(_polygon(points), shade) for points, shade in parts]


def _banner(width: float, height: float, notch: float, drop: float) -> list[tuple[list[_Point], Shade]]:
    end = min(0.16 * width, 1.1 * height)
    fold = end * 0.4
    cut = notch * min(end * 0.6, height / 2)
    left = [(0.0, drop), (end + fold, drop), (end + fold, height), (0.0, height), (cut, (drop + height) / 2)]
    behind = [(end, height - drop), (end + fold, height - drop), (end + fold, height)]
    front = [(end, 0.0), (width - end, 0.0), (width - end, height - drop), (end, height - drop)]
    return [
        (left, "front"),
        (_mirrored(left, width), "front"),
        (behind, "fold"),
        (_mirrored(behind, width), "fold"),
        (front, "front"),
    ]


def _tails(width: float, height: float, notch: float) -> list[tuple[list[_Point], Shade]]:
    """Two strips that come from one place and spread; the one behind is in the shade."""
    strip = 0.42 * width
    cut = notch * min(0.25 * height, strip / 2)
    left = [
        (0.5 * width - strip / 2, 0.0),
        (0.5 * width + strip / 2, 0.0),
        (strip, height - 0.06 * height),
        (strip * 0.52, height - cut - 0.03 * height),
        (0.0, height),
    ]
    return [(_mirrored(left, width), "fold"), (left, "front")]


def _corner(width: float, height: float, fold: float) -> list[tuple[list[_Point], Shade]]:
    over = 0.3 * fold
    low, high = 0.22, 0.6
    across, down = over * width, over * height
    return [
        ([(low * width, 0.0), (low * width + across, down), (low * width, down)], "fold"),
        (
            [
                (width, (1 - low) * height),
                (width - across, (1 - low) * height - down),
                (width - across, (1 - low) * height),
            ],
            "fold",
        ),
        ([(low * width, 0.0), (high * width, 0.0), (width, (1 - high) * height), (width, (1 - low) * height)], "front"),
    ]


def _mirrored(points: list[_Point], width: float) -> list[_Point]:
    return [(width - x, y) for x, y in points]


def _polygon(points: Sequence[_Point]) -> str:
    return "M" + "L".join(map(_pair, points)) + "Z"


def _pair(point: Sequence[float]) -> str:
    return f"{number(point[0])} {number(point[1])}"


# What follows each command: a coordinate, a length (of a radius), an angle, or a flag.
_ARGUMENTS = {"M": "xy", "L": "xy", "H": "x", "V": "y", "C": "xyxyxy", "S": "xyxy", "Q": "xyxy", "T": "xy", "A": "rrafFxy", "Z": ""}  # fmt: skip
_NUMERIC = frozenset("+-.0123456789")
_SPACE = re.compile(r"[ \t\r\n\f]*")
_COMMA = re.compile(r"[ \t\r\n\f]*,?[ \t\r\n\f]*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def parse_path(text: str) -> str:
    """SVG path data (M L H V C S Q T A Z, in both cases) in one form: same path, same text.

    Raises Invalid, with the position of the fault, for what is not path data, has more than 2,000 segments, or goes
    farther than 10,000 from the origin.
    """
    if len(text) > PATH_LENGTH_MAX:
        raise Invalid(f"Must have at most {PATH_LENGTH_MAX} characters")
    made: list[str] = []
    here, start = (0.0, 0.0), (0.0, 0.0)
    for segments, (command, values, position) in enumerate(_segments(text), 1):
        if not made and command not in "Mm":
            raise _fault(position, "a path begins with M")
        if segments > PATH_SEGMENTS_MAX:
            raise _fault(position, f"more than {PATH_SEGMENTS_MAX} segments")
        end = _end(command, values, here, start)
        base = here if command.islower() else (0.0, 0.0)
        for kind, value in zip(_ARGUMENTS[command.upper()], values, strict=True):
            reached = abs(value + (base[0] if kind == "x" else base[1] if kind == "y" else 0))
            if kind in "xyra" and not reached <= PATH_COORDINATE_MAX:
                raise _fault(position, f"goes farther than {PATH_COORDINATE_MAX}")
        here = end
        if command in "Mm":
            start = end
        made.append(command + " ".join(map(number, values)))
    if not made:
        raise _fault(0, "expected M and a point")
    return "".join(made)


def _segments(text: str) -> Iterator[tuple[str, list[float], int]]:
    """Each command with its numbers and its position; one that is left out is the one before, after M it is L."""
    position = _skip(_SPACE, text, 0)
    command = ""
    while position < len(text):
        start = position
        if text[position].upper() in _ARGUMENTS and text[position].isascii():
            command = text[position]
            position = _skip(_SPACE, text, position + 1)
        elif command in {"", "Z", "z"}:
            raise _fault(position, "expected a command such as M or L")
        elif text[position] not in _NUMERIC:
            raise _fault(position, "expected a number or a command")
        values = []
        for kind in _ARGUMENTS[command.upper()]:
            value, position = _value(text, position, kind)
            values.append(value)
        if values and text[start:position].rstrip().endswith(",") and text[position : position + 1] not in _NUMERIC:
            raise _fault(position, "expected a number")
        yield command, values, start
        command = {"M": "L", "m": "l"}.get(command, command)


def _value(text: str, position: int, kind: str) -> tuple[float, int]:
    if kind in "fF":
        if text[position : position + 1] not in {"0", "1"}:
            raise _fault(position, "expected a flag, 0 or 1")
        return float(text[position]), _skip(_COMMA, text, position + 1)
    found = _NUMBER.match(text, position)
    if found is None:
        raise _fault(position, "expected a number")
    return float(found[0]), _skip(_COMMA, text, found.end())


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _end(command: str, values: list[float], here: _Point, start: _Point) -> _Point:
    if command in "Zz":
        return start
    base = here if command.islower() else (0.0, 0.0)
    if command in "Hh":
        return base[0] + values[0], here[1]
    if command in "Vv":
        return here[0], base[1] + values[0]
    return base[0] + values[-2], base[1] + values[-1]


def _fault(position: int, reason: str) -> Invalid:
    return Invalid(f"Is not path data at character {position + 1}: {reason}")


def path_svg(parts: Sequence[Part], view_box: tuple[float, float, float, float], *, stretch: bool = False) -> str:
    """A minimal SVG of the parts, from the lowest to the topmost, whose paths came from this module.

    With `stretch` it fills whatever box it is drawn in; else it keeps its proportions. Raises ValueError for a colour
    or number that was not checked.
    """
    x, y, width, height = view_box
    if not (all(map(math.isfinite, view_box)) and width > 0 and height > 0):
        raise ValueError(f"not a view box: {view_box}")
    proportions = ' preserveAspectRatio="none"' if stretch else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
        f'viewBox="{number(x)} {number(y)} {number(width)} {number(height)}"{proportions}>'
        + "".join(f'<path d="{_checked(part)}"{_painted(part)}/>' for part in parts)
        + "</svg>"
    )


_PATH_DATA = re.compile(r"[MLHVCSQTAZmlhvcsqtaz0-9. -]*", re.ASCII)


def _checked(part: Part) -> str:
    if not _PATH_DATA.fullmatch(part.path):
        raise ValueError("the path is not from parse_path, seal_points or ribbon_path")
    return part.path


def _painted(part: Part) -> str:
    for color in (part.fill, part.stroke):
        if color is not None and not COLOR.fullmatch(color):
            raise ValueError(f"not a colour: {color!r}")
    if not 0 <= part.stroke_width <= PATH_COORDINATE_MAX:
        raise ValueError(f"not the width of a stroke: {part.stroke_width!r}")
    paint = f' fill="{part.fill or "none"}"'
    if part.stroke is not None and part.stroke_width > 0:
        paint += f' stroke="{part.stroke}" stroke-width="{number(part.stroke_width)}" stroke-linejoin="round"'
    return paint
