"""What a credential template says of the achievement to verifiers, beyond its name, description and criteria.

The terms are those of Open Badges 3.0 (Achievement, Alignment, ResultDescription). Custom attributes are said in a
credential only by what they mean here: one without a meaning stays out of it.
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from testamur.errors import Invalid
from testamur.openbadges.documents import ACHIEVEMENT_TYPES
from testamur.text import checked, clean_line, clean_text, clean_url

ResultType = Literal[
    "GradePointAverage",
    "LetterGrade",
    "Percent",
    "PerformanceLevel",
    "PredictedScore",
    "RawScore",
    "Result",
    "ScaledScore",
]
# evidence: the value is the address of something that shows the achievement.
Meaning = Literal["result", "credits", "licenseNumber", "role", "term", "evidence", "narrative"]

TAGS_MAX = 50
SKILLS_MAX = 50
MEANINGS_MAX = 20
_TEXT_LENGTH_MAX = 255
_DESCRIPTION_LENGTH_MAX = 2000
_EXTENSION = re.compile(r"ext:[A-Za-z0-9._-]{1,60}", re.ASCII)
# An achievement has one of each of these.
_ONCE = frozenset({"credits", "licenseNumber", "role", "term", "narrative"})


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """A skill, aligned to the framework that describes it."""

    name: str
    url: str
    description: str | None = None
    framework: str | None = None
    code: str | None = None


class AttributeMeaning(msgspec.Struct, frozen=True, kw_only=True):
    """What the value of a custom attribute is; `name` is that of the result or of the evidence."""

    means: Meaning
    name: str | None = None
    result_type: ResultType = "Result"


class Achievement(msgspec.Struct, frozen=True, kw_only=True):
    """`type` is one of `ACHIEVEMENT_TYPES`, or `ext:` and a word of one's own; `attributes` go by their tags."""

    type: str | None = None
    tags: tuple[str, ...] = ()
    skills: tuple[Skill, ...] = ()
    attributes: Mapping[str, AttributeMeaning] = {}


def checked_achievement(given: Achievement) -> Achievement:
    """The same, cleaned. Raises Invalid with the path of what cannot be used."""
    for name, items, most in (
        ("tags", given.tags, TAGS_MAX),
        ("skills", given.skills, SKILLS_MAX),
        ("attributes", given.attributes, MEANINGS_MAX),
    ):
        if len(items) > most:
            raise Invalid(f"Must be at most {most}, are {len(items)}", (name,))
    meanings = [item.means for item in given.attributes.values()]
    for tag, item in given.attributes.items():
        if item.means in _ONCE and meanings.count(item.means) > 1:
            raise Invalid(f"Only one attribute can be the {item.means}", ("attributes", tag))
    return Achievement(
        type=None if given.type is None else _checked_type(given.type),
        tags=tuple(_line(tag, "tags", position) for position, tag in enumerate(given.tags)),
        skills=tuple(_checked_skill(skill, position) for position, skill in enumerate(given.skills)),
        attributes={tag: _checked_meaning(tag, item) for tag, item in given.attributes.items()},
    )


def _checked_type(given: str) -> str:
    if given not in ACHIEVEMENT_TYPES and not _EXTENSION.fullmatch(given):
        raise Invalid(
            "Must be an achievementType of Open Badges 3.0, such as Certificate, or ext: and a word", ("type",)
        )
    return given


def _checked_skill(skill: Skill, position: int) -> Skill:
    path = ("skills", position)
    description = skill.description
    return Skill(
        name=_line(skill.name, *path, "name"),
        url=checked((*path, "url"), clean_url, skill.url),
        description=None
        if description is None
        else checked((*path, "description"), clean_text, description, length_max=_DESCRIPTION_LENGTH_MAX) or None,
        framework=None if skill.framework is None else _line(skill.framework, *path, "framework"),
        code=None if skill.code is None else _line(skill.code, *path, "code"),
    )


def _checked_meaning(tag: str, item: AttributeMeaning) -> AttributeMeaning:
    if not tag.startswith("custom."):
        raise Invalid("Must be a custom attribute, such as custom.grade", ("attributes", tag))
    name = None if item.name is None else _line(item.name, "attributes", tag, "name")
    return msgspec.structs.replace(item, name=name)


def _line(text: str, *path: str | int) -> str:
    return checked(path, clean_line, text, length_max=_TEXT_LENGTH_MAX)
