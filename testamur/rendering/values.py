"""What an attribute stands for: a text, a day or a number, which are written out in a language at the last moment."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from testamur.rendering.languages import DEFAULT_LANGUAGE, format_day

Value = str | date | Decimal


def as_text(value: Value, language: str = DEFAULT_LANGUAGE) -> str:
    """How a value is written where no format is asked for: a day in full, a number as it was given."""
    if isinstance(value, date):
        return format_day(value, "long", language)
    return f"{value:f}" if isinstance(value, Decimal) else value


def encode_values(values: Mapping[str, Value]) -> dict[str, Any]:
    """Values as JSON: a text is a text, anything else an object that tells what it is."""
    return {tag: _encoded(value) for tag, value in values.items()}


def decode_values(stored: Mapping[str, Any]) -> dict[str, Value]:
    """Values from JSON. What was stored when all values were texts is read as these texts."""
    return {tag: _decoded(value) for tag, value in stored.items()}


def _encoded(value: Value) -> str | dict[str, str]:
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return {"number": f"{value:f}"} if isinstance(value, Decimal) else value


def _decoded(stored: Any) -> Value:
    match stored:
        case {"date": str(day)}:
            return date.fromisoformat(day)
        case {"number": str(number)}:
            return Decimal(number)
        case str():
            return stored
    raise ValueError(f"not a stored value: {stored!r}")
