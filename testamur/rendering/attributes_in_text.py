"""Attributes such as `[recipient.name]` in the texts of a design."""

import re
from collections.abc import Mapping

_ATTRIBUTE = re.compile(r"\[([a-z][a-z0-9_]*(?:\.[a-z0-9_-]+)+)\]", re.ASCII)


def tags_in(text: str) -> set[str]:
    return set(_ATTRIBUTE.findall(text))


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """The text with each attribute replaced by its value, or by nothing if it has none.

    One pass only: what looks like an attribute inside a value stays as it is.
    """
    return _ATTRIBUTE.sub(lambda found: values.get(found[1], ""), text)
