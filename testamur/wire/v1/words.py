"""Where the public API says another word than the domain does."""

import re

from testamur.errors import Problem

_WORDS = {"credential_template_id": "groupId"}


def wire_problem(problem: Problem) -> Problem:
    """A fault told in the domain's names, in the names of the wire: `design_ids` is `designIds` there."""
    path = tuple(step if isinstance(step, int) else wire_name(step) for step in problem.path)
    return Problem(path, problem.message)


def wire_name(step: str) -> str:
    # A custom attribute's tag (`custom.final_grade`) is data, not one of our names.
    return _WORDS.get(step) or (step if "." in step else re.sub(r"_([a-z])", lambda found: found[1].upper(), step))
