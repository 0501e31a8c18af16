"""From the bytes of a request to a typed value, or to a failure that says which member is wrong."""

import re
from typing import Any, TypeVar

import msgspec

from testamur.errors import Invalid, InvalidJSON

Shape = TypeVar("Shape")

_PATH = re.compile(r"^(?P<reason>.*) - at (?:`key` in )?`(?P<path>\$.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_WANTED = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "date": "a date such as 2026-11-24",
}
_TYPES = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")


def decode_object(body: bytes, shape: type[Shape]) -> Shape:
    """The body as a value of a struct type; members that the shape does not know are ignored.

    Raises InvalidJSON if it is not JSON, Invalid with the member's path if it is not of that shape.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidJSON from None


def convert_object(given: Any, shape: type[Shape]) -> Shape:
    """A value that was decoded already, as a struct type. Raises Invalid with the member's path."""
    try:
        return msgspec.convert(given, type=shape)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None


def _explained(text: str) -> Invalid:
    """What msgspec says, `Expected `str`, got `int` - at `$.recipient.name`` in our words."""
    found = _PATH.match(text)
    reason, path_text = (found["reason"], found["path"]) if found else (text, "$")
    path = tuple(name or (int(index) if index.isdigit() else index) for name, index in _STEP.findall(path_text))
    missing = re.search(r"missing required field `(.+)`", reason)
    if missing:
        return Invalid("Required", (*path, missing[1]))
    if "RFC3339" in reason or "encoded date" in reason:
        return Invalid("Must be a day of the calendar, written as 2026-11-24", path)
    if "base64" in reason:
        return Invalid("Must be base64, without line breaks", path)
    types = _TYPES.search(reason)
    if types:
        wanted = " or ".join(_WANTED.get(name.strip(), name.strip()) for name in types["wanted"].split("|"))
        got = _WANTED.get(types["got"], types["got"])
        return Invalid(f"Must be {wanted}, is {got}" if path else f"The request body must be {wanted}, is {got}", path)
    return Invalid(reason, path)
