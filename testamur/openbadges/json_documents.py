"""JSON of anybody: read within limits, and refused where two readers could read two things."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NoReturn

import msgspec

BYTES_MAX = 5_000_000
DEPTH_MAX = 40
VALUES_MAX = 8_000
_INTEGER_MAX = 2**53
_PLAIN = {str, int, bool, type(None)}


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
    # That takes a third of the time.
    return msgspec.json.encode(value, order="deterministic") if _is_plain(value) else _canonical(value).encode()


def _is_plain(value: Any) -> bool:
    """Whether it holds no number that is written in more than one way, and no name that is ordered in more than one."""
    kind = type(value)
    if kind is dict:
        return all(map(str.isascii, value)) and all(map(_is_plain, value.values()))
    return all(map(_is_plain, value)) if kind is list else kind in _PLAIN


def _canonical(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Mapping):
        names = sorted(value, key=_order)
        return "{" + ",".join([f"{encode_basestring(name)}:{_canonical(value[name])}" for name in names]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return _canonical_float(value) if isinstance(value, float) else json.dumps(value)


def _order(name: str) -> bytes:
    """Names are ordered as UTF-16, in which letters beyond U+FFFF come before some below."""
    return name.encode("utf-16-be")


def _canonical_float(value: float) -> str:
    """A number as JavaScript writes it, which is what the standard asks for."""
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if -7 < int(exponent or 0) < 21:
        return f"{Decimal(text):f}".removesuffix(".0") if value else "0"
    return f"{mantissa}e{int(exponent):+d}"
