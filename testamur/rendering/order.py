"""The order in which elements are drawn and said, and what lies on what."""

import math
from collections.abc import Iterable, Iterator

from testamur.errors import Problem
from testamur.rendering.elements import Element, Icon, Line, Polygon, QRCode


def in_reading_order(elements: Iterable[Element]) -> list[Element]:
    """The elements in the order in which they are drawn and said.

    A screen reader says elements as they are drawn. Those that have a reading order come by it, each in the place of
    another that has one; `order_problems` refuses orders that would put something on top of what covers it.
    """
    drawn = list(elements)
    places = [at for at, element in enumerate(drawn) if element.reading_order is not None]
    ordered = sorted((drawn[at] for at in places), key=lambda element: element.reading_order or 0)
    for at, element in zip(places, ordered, strict=True):
        drawn[at] = element
    return drawn


def order_problems(elements: list[Element], path: tuple[str | int, ...]) -> Iterator[Problem]:
    if all(element.reading_order is None for element in elements):
        return
    before = {id(element): at for at, element in enumerate(elements)}
    drawn = in_reading_order(elements)
    boxes = [bounds(element) for element in drawn]
    for upper, element in enumerate(drawn):
        for lower in range(upper):
            if before[id(drawn[lower])] > before[id(element)] and overlap(boxes[lower], boxes[upper]):
                at = before[id(element)]
                yield Problem(
                    (*path, "elements", at, "readingOrder"),
                    f"Would draw this over elements[{before[id(drawn[lower])]}], which lies on top of it; move them apart",
                )
                return


def bounds(element: Element, *, is_turned: bool = True) -> tuple[float, float, float, float]:
    """The box around an element: left, top, right, bottom; generous for what is turned, unless that is left out."""
    match element:
        case Line():
            return _around([(element.x1, element.y1), (element.x2, element.y2)])
        case Polygon():
            return _around(element.points)
        case QRCode() | Icon():
            return element.x, element.y, element.x + element.size, element.y + element.size
        case _:
            x, y, width, height = element.x, element.y, element.width, element.height
            if not element.rotation or not is_turned:
                return x, y, x + width, y + height
            reach = math.hypot(width, height) / 2
            middle_x, middle_y = x + width / 2, y + height / 2
            return middle_x - reach, middle_y - reach, middle_x + reach, middle_y + reach


def _around(points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs, default=0), min(ys, default=0), max(xs, default=0), max(ys, default=0)


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
