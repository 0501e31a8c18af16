"""Charts as numbers for an SVG that is stretched to its place; what they tell stands in a table beside them too."""

from collections.abc import Sequence

import msgspec

# The drawing's own units; the page stretches it.
WIDTH, HEIGHT = 1000, 100
_GAP = 0.28


class Bar(msgspec.Struct, frozen=True):
    """A bar, from its upper corner, and what it stands for."""

    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """`ticks` are what the lines across say, the highest first."""

    bars: Sequence[Bar]
    ticks: Sequence[int]
    has_values: bool


def bar_chart(labels: Sequence[str], values: Sequence[int]) -> Chart:
    """Bars from left to right. The highest line is a round number no smaller than any value."""
    top = round_top(max(values, default=0))
    step = WIDTH / max(len(values), 1)
    bars = []
    for position, (label, value) in enumerate(zip(labels, values, strict=True)):
        # What is not nothing is seen.
        height = max(HEIGHT * value / top, 1.2) if value else 0
        bars.append(
            Bar(
                label,
                value,
                round(step * (position + _GAP / 2), 2),
                round(HEIGHT - height, 2),
                round(step * (1 - _GAP), 2),
                round(height, 2),
            )
        )
    return Chart(bars=bars, ticks=[top, top // 2, 0] if top > 1 else [top, 0], has_values=any(values))


def spark_points(values: Sequence[int]) -> str:
    """The points of a line through all values."""
    top = max(*values, 1) if values else 1
    step = WIDTH / max(len(values) - 1, 1)
    return " ".join(
        f"{step * position:.1f},{HEIGHT - (HEIGHT - 8) * value / top - 4:.1f}" for position, value in enumerate(values)
    )


def round_top(value: int) -> int:
    """1, or an even number of one digit and zeros, at least the value: its half is a whole number too."""
    if value <= 1:
        return 1
    magnitude = 1
    while True:
        for first in (2, 4, 6, 8, 10):
            if first * magnitude >= value:
                return first * magnitude
        magnitude *= 10
