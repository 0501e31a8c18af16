"""Attributes such as `[recipient.name]` in the texts of a design.

`[tag]` stands for a value. Filters may follow, each after a bar, applied from left to right:
`[certificate.issued_on|long]`, `[custom.score|decimal "0.0"]`, `[custom.mentor|or "the course team"|upper]`.
docs/design-document.md tells which there are. What is no attribute, `[sic]` or `[1]`, is text.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache

import msgspec

from testamur.errors import Invalid
from testamur.rendering.languages import (
    DEFAULT_LANGUAGE,
    check_date_pattern,
    check_number_pattern,
    format_day,
    format_number,
    format_percent,
    lower_case,
    upper_case,
)
from testamur.rendering.values import Value, as_text

_TAG = re.compile(r"\[([a-z][a-z0-9_]*(?:\.[a-z0-9_-]+)+)[ \t]*(?=[|\]])", re.ASCII)
_BAR = re.compile(r"[ \t]*\|[ \t]*")
_NAME = re.compile(r"[A-Za-z_-]*", re.ASCII)
# Word processors turn the straight quotation marks into curly ones by themselves.
_QUOTED = re.compile(r'[ \t]*(?:"([^"\n]*)"|[“”„]([^“”„\n]*)[“”])')
_END = re.compile(r"[ \t]*(?=[|\]])")
# What was meant to be an attribute: one of the known beginnings, in whatever case and with whatever spaces.
_MEANT = re.compile(
    r"\[\s*((?:recipient|certificate|credential|issuer|group|course|custom)\s*\.\s*[\w-]+(?:\.[\w-]+)*)\s*([\]|]?)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


class _Filter(msgspec.Struct, frozen=True):
    name: str
    argument: str


class _Attribute(msgspec.Struct, frozen=True):
    """An attribute as it stands in a text; `written` is all of it, brackets included."""

    tag: str
    filters: tuple[_Filter, ...]
    written: str


class _Parsed(msgspec.Struct, frozen=True):
    parts: tuple[str | _Attribute, ...]
    problems: tuple[str, ...]


def tags_in(text: str) -> set[str]:
    """The tags of the attributes in a text."""
    return {part.tag for part in _parse(text).parts if isinstance(part, _Attribute)}


def problems_in(text: str) -> list[str]:
    """What is wrong with what was meant to be an attribute; it would be printed as it stands."""
    return list(_parse(text).problems)


def fill_in(text: str, values: Mapping[str, Value], language: str = DEFAULT_LANGUAGE) -> str:
    """The text with each attribute replaced by its value, or by nothing if it has neither value nor fallback.

    One pass only: what looks like an attribute inside a value stays as it is.
    """
    if "[" not in text:
        return text
    return "".join(part if isinstance(part, str) else _resolved(part, values, language) for part in _parse(text).parts)


def missing_in(text: str, values: Mapping[str, Value]) -> list[str]:
    """The tags that have no value and no fallback, each once, in the order in which they come."""
    missing = [
        part.tag
        for part in _parse(text).parts
        if isinstance(part, _Attribute)
        and _is_empty(values.get(part.tag, ""))
        and not any(item.name == "or" for item in part.filters)
    ]
    return list(dict.fromkeys(missing))


def _resolved(attribute: _Attribute, values: Mapping[str, Value], language: str) -> str:
    value = values.get(attribute.tag, "")
    for item in attribute.filters:
        value = _FILTERS[item.name](value, item.argument, language)
    return as_text(value, language)


def _is_empty(value: Value) -> bool:
    return isinstance(value, str) and not value.strip()


def _or(value: Value, fallback: str, _language: str) -> Value:
    return fallback if _is_empty(value) else value


def _day(form: str) -> Callable[[Value, str, str], Value]:
    def apply(value: Value, _argument: str, language: str) -> Value:
        return format_day(value, form, language) if isinstance(value, date) else value

    return apply


def _date(value: Value, pattern: str, language: str) -> Value:
    return format_day(value, pattern, language) if isinstance(value, date) else value


def _number(value: Value, _argument: str, language: str) -> Value:
    return format_number(value, None, language) if isinstance(value, Decimal) else value


def _decimal(value: Value, pattern: str, language: str) -> Value:
    return format_number(value, pattern, language) if isinstance(value, Decimal) else value


def _percent(value: Value, _argument: str, language: str) -> Value:
    return format_percent(value, language) if isinstance(value, Decimal) else value


def _upper(value: Value, _argument: str, language: str) -> Value:
    return upper_case(as_text(value, language), language)


def _lower(value: Value, _argument: str, language: str) -> Value:
    return lower_case(as_text(value, language), language)


def _title(value: Value, _argument: str, language: str) -> Value:
    def capitalised(word: re.Match[str]) -> str:
        return upper_case(word[0][0], language) + lower_case(word[0][1:], language)

    return _WORD.sub(capitalised, as_text(value, language))


# A format has nothing to do with a value of another kind, which then is written as it would be without.
_FORMATS = {
    **{form: _day(form) for form in ("short", "medium", "long", "full", "iso", "year", "month", "day", "weekday")},
    "date": _date,
    "number": _number,
    "decimal": _decimal,
    "percent": _percent,
}
_FILTERS = {**_FORMATS, "upper": _upper, "lower": _lower, "title": _title, "or": _or}
# Those that need a text in quotes, with an example and how it is checked.
_ARGUMENTS: dict[str, tuple[str, Callable[[str], None]]] = {
    "or": ('or "the course team"', lambda _: None),
    "date": ('date "d MMM yyyy"', check_date_pattern),
    "decimal": ('decimal "0.00"', check_number_pattern),
}


class _Fault(Exception):
    """Why something is no attribute."""


@lru_cache(1024)
def _parse(text: str) -> _Parsed:
    parts: list[str | _Attribute] = []
    problems: list[str] = []
    done = at = 0
    while (at := text.find("[", at)) >= 0:
        try:
            attribute = _read(text, at)
        except _Fault as fault:
            problems.append(f"{_shown(text, at)}: {fault}")
            attribute = None
        if attribute is None:
            at += 1
            continue
        if done < at:
            parts.append(text[done:at])
        parts.append(attribute)
        done = at = at + len(attribute.written)
    if done < len(text):
        parts.append(text[done:])
    return _Parsed(tuple(parts), tuple(dict.fromkeys(problems)))


def _read(text: str, start: int) -> _Attribute | None:
    """The attribute that begins at a bracket, None if it is a plain bracket. Raises _Fault for one that is misspelt."""
    found = _TAG.match(text, start)
    if found is None:
        _check_meaning(text, start)
        return None
    filters: list[_Filter] = []
    at = found.end()
    while bar := _BAR.match(text, at):
        item, at = _read_filter(text, bar.end())
        if item.name in _FORMATS and any(earlier.name != "or" for earlier in filters):
            raise _Fault(f"{item.name} must come first, before {filters[-1].name}")
        filters.append(item)
    return _Attribute(found[1], tuple(filters), text[start : at + 1])


def _read_filter(text: str, start: int) -> tuple[_Filter, int]:
    """A filter and where it ends, which is before a bar or the closing bracket."""
    found = _NAME.match(text, start)
    assert found is not None
    name, at = found[0], found.end()
    if name not in _FILTERS:
        near = get_close_matches(name.lower(), _FILTERS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_FILTERS)}"
        raise _Fault(f'"{name}" is not a format; {hint}' if name else f"there is nothing after the bar; {hint}")
    quoted = _QUOTED.match(text, at)
    example, check = _ARGUMENTS.get(name, (None, None))
    argument = ""
    if quoted is not None:
        argument, at = quoted[1] if quoted[1] is not None else quoted[2], quoted.end()
    if check is None and quoted is not None:
        raise _Fault(f"{name} takes no text in quotation marks")
    if check is not None and quoted is None:
        raise _Fault(f"{name} needs a text in quotation marks, such as {example}")
    end = _END.match(text, at)
    if end is None:
        raise _Fault(f"after {name} there must be another bar or the closing bracket")
    if check is not None:
        try:
            check(argument)
        except Invalid as error:
            raise _Fault(error.message) from None
    return _Filter(name, argument), end.end()


def _check_meaning(text: str, start: int) -> None:
    """Raises _Fault for what is nearly an attribute."""
    meant = _MEANT.match(text, start)
    if meant is None:
        return
    tag = re.sub(r"\s+", "", meant[1]).lower()
    if _TAG.match(f"[{tag}]") is None:
        raise _Fault("a tag has the letters a-z, digits, _ and - only")
    if not meant[2]:
        raise _Fault(f"write it as [{tag}], with its closing bracket")
    raise _Fault(f"write it as [{tag}{']' if meant[2] == ']' else '|…]'}")


def _shown(text: str, start: int) -> str:
    """The beginning of a faulty attribute, to find it by."""
    end = text.find("]", start)
    return text[start : end + 1 if 0 <= end - start <= 60 else start + 40].replace("\n", " ")
