"""JSON of anybody: read within limits, and refused where two readers could read two things."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

BYTES_MAX = 5_000_000
DEPTH_MAX = 40
VALUES_MAX = 8_000
_INTEGER_MAX = 2**53


class UnreadableJSON(ValueError):
    """It is no JSON object, or one that is too large or ambiguous; the message tells a person why."""


def read_object(content: bytes | str) -> dict[str, Any]:
    """The one JSON object in `content`. Raises UnreadableJSON.

    Refused: more than 5 MB, nesting below 40 levels, more than 8,000 values, a member twice in one object, numbers that
    not every program reads alike, halves of surrogate pairs.
    """
    if len(content) > BYTES_MAX:
        raise UnreadableJSON(f"It is larger than {BYTES_MAX // 1_000_000} MB")
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except UnreadableJSON:
        raise
    except RecursionError:
        raise UnreadableJSON(f"It is nested more than {DEPTH_MAX} levels deep") from None
    except ValueError:
        raise UnreadableJSON("It is not JSON") from None
    return checked_object(value)


def checked_object(value: Any) -> dict[str, Any]:
    """What was read elsewhere, if it is an object within the same limits. Raises UnreadableJSON."""
    if not isinstance(value, Mapping):
        raise UnreadableJSON("It is not a JSON object")
    todo: list[tuple[Any, int]] = [(value, 1)]
    values = size = 0
    while todo:
        found, depth = todo.pop()
        values += 1
        if depth > DEPTH_MAX:
            raise UnreadableJSON(f"It is nested more than {DEPTH_MAX} levels deep")
        if isinstance(found, Mapping):
            if not all(isinstance(name, str) for name in found):
                raise UnreadableJSON("A member's name is not a text")
            todo += [(part, depth + 1) for pair in found.items() for part in pair]
        elif isinstance(found, list):
            todo += [(part, depth + 1) for part in found]
        else:
            size += _checked_size(found)
        if values + len(todo) > 2 * VALUES_MAX:
            raise UnreadableJSON(f"It has more than {VALUES_MAX} values")
        if size > BYTES_MAX:
            raise UnreadableJSON(f"It is larger than {BYTES_MAX // 1_000_000} MB")
    return dict(value)


def _checked_size(value: Any) -> int:
    if isinstance(value, str):
        try:
            return len(value.encode())
        except UnicodeEncodeError:
            raise UnreadableJSON("A text in it holds half a surrogate pair") from None
    if value is not None and not isinstance(value, int | float):
        raise UnreadableJSON(f"It holds a {type(value).__name__}, which JSON does not have")
    if value is not None and (not math.isfinite(value) if isinstance(value, float) else abs(value) > _INTEGER_MAX):
        raise UnreadableJSON("A number in it is too large")
    return 4


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableJSON("A member stands twice in one object, so it is not clear which one is meant")
    return members


def _constant(name: str) -> NoReturn:
    raise UnreadableJSON(f"{name} is no JSON")


def canonical(value: Any) -> bytes:
    """The one form of a JSON value that programs agree on (RFC 8785), of what `checked_object` lets through."""
    return _canonical(value).encode()


def _canonical(value: Any) -> str:
    if isinstance(value, Mapping):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_canonical(name)}:{_canonical(part)}" for name, part in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return _canonical_float(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _canonical_float(value: float) -> str:
    """A number as JavaScript writes it, which is what the standard asks for."""
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if -7 < int(exponent or 0) < 21:
        return f"{Decimal(text):f}".removesuffix(".0") if value else "0"
    return f"{mantissa}e{int(exponent):+d}"
