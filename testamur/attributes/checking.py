from collections.abc import Collection, Mapping
from typing import Any

from testamur.attributes.defining import fold_tag
from testamur.errors import Invalid, Problem
from testamur.text import clean_text

VALUE_LENGTH_MAX = 5000


def check_custom_values(values: Mapping[str, Any], defined: Collection[str]) -> dict[str, str]:
    """Values by tag, as they may be stored, for a workspace that has defined the tags `defined`.

    Raises Invalid that names every undefined tag and every value that is too long or cannot be printed.
    """
    accepted: dict[str, str] = {}
    problems: list[Problem] = []
    for given, value in values.items():
        tag = fold_tag(given)
        if tag not in defined:
            problems.append(Problem((given,), f"Custom attribute [{tag}] is not defined on the workspace level"))
            continue
        if not isinstance(value, str):
            problems.append(Problem((given,), "Must be text"))
            continue
        try:
            accepted[tag] = clean_text(value, length_max=VALUE_LENGTH_MAX)
        except Invalid as error:
            problems.extend(error.under(given).problems)
    if problems:
        raise Invalid.of(problems)
    return accepted
