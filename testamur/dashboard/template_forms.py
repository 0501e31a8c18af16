"""The form of a credential template: what stands in its fields, as text, and what it means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import msgspec

from testamur.credential_templates.achievement import Achievement, AttributeMeaning, Meaning, ResultType, Skill
from testamur.credential_templates.model import CredentialTemplate, DesignPolicy, ExpiryRule
from testamur.dashboard.pictures import Shown, read_rule
from testamur.dashboard.visits import Form
from testamur.delivery.queueing import EMAIL_KINDS, EmailKind
from testamur.errors import Invalid
from testamur.ids import normalize_id
from testamur.rendering.languages import DEFAULT_LANGUAGE, clean_language

_SKILL_FIELDS = ("name", "url", "framework", "code", "description")
# A form that holds more than this was not filled in by a person.
_ROWS_MAX = 100
# Which buttons of the form change what stands in it, and save nothing.
_ARRANGING = ("up", "down", "remove", "add", "more", "show", "find")


@dataclass(frozen=True, slots=True)
class MeaningFields:
    """What the form says of one custom attribute."""

    means: str = ""
    name: str = ""
    result_type: str = "Result"


@dataclass(frozen=True, slots=True)
class TemplateForm:
    name: str = ""
    design_ids: list[str] = field(default_factory=list)
    learning_event_url: str = ""
    description: str = ""
    criteria: str = ""
    expiry: str = "never"
    expiry_number: str = "1"
    expiry_unit: str = "years"
    language: str = DEFAULT_LANGUAGE
    design_policy: str = "follow"
    achievement_type: str = ""
    tags: str = ""
    skills: list[dict[str, str]] = field(default_factory=list)
    meanings: Mapping[str, MeaningFields] = field(default_factory=dict)
    emails: Mapping[EmailKind, str] = field(default_factory=dict)

    @property
    def expiry_rule(self) -> ExpiryRule | None:
        """Raises Invalid for what is no length of time."""
        if self.expiry != "after":
            return None
        rule = read_rule(self.expiry_number.strip(), self.expiry_unit)
        if rule is None:
            raise Invalid("Must be a whole number from 1 to 1000", ("expiry_rule", "number"))
        return rule

    @property
    def policy(self) -> DesignPolicy:
        return "pinned" if self.design_policy == "pinned" else "follow"

    @property
    def achievement(self) -> Achievement:
        """As it is written; what is wrong with it is found when it is saved."""
        meanings: dict[str, AttributeMeaning] = {}
        for tag, fields in self.meanings.items():
            if fields.means in get_args(Meaning) and fields.result_type in get_args(ResultType):
                is_named = fields.means in {"result", "evidence"}
                given = {"means": fields.means, "result_type": fields.result_type}
                meanings[tag] = msgspec.convert(
                    {**given, "name": (fields.name.strip() or None) if is_named else None}, AttributeMeaning
                )
        return Achievement(
            type=self.achievement_type.strip() or None,
            tags=tuple(tag.strip() for tag in re.split("[,\n]", self.tags) if tag.strip()),
            skills=tuple(
                Skill(
                    name=row["name"],
                    url=row["url"],
                    framework=row["framework"].strip() or None,
                    code=row["code"].strip() or None,
                    description=row["description"].strip() or None,
                )
                for row in self.skills
            ),
            attributes=meanings,
        )

    def shown(self, usual_name: str) -> Shown:
        """What pictures show of it, whether or not it can be saved."""
        try:
            rule = self.expiry_rule
        except Invalid:
            rule = None
        try:
            language = clean_language(self.language)
        except Invalid:
            language = DEFAULT_LANGUAGE
        return Shown(self.name.strip() or usual_name, language, rule)


def to_form(template: CredentialTemplate, emails: Mapping[EmailKind, str]) -> TemplateForm:
    rule, achievement = template.expiry_rule, template.achievement
    return TemplateForm(
        name=template.name,
        design_ids=template.design_ids,
        learning_event_url=template.learning_event_url or "",
        description=template.description or "",
        criteria=template.criteria or "",
        expiry="never" if rule is None else "after",
        expiry_number="1" if rule is None else str(rule.number),
        expiry_unit="years" if rule is None else rule.unit,
        language=template.language,
        design_policy=template.design_policy,
        achievement_type=achievement.type or "",
        tags=", ".join(achievement.tags),
        skills=[{name: getattr(skill, name) or "" for name in _SKILL_FIELDS} for skill in achievement.skills],
        meanings={
            tag: MeaningFields(item.means, item.name or "", item.result_type)
            for tag, item in achievement.attributes.items()
        },
        emails=emails,
    )


def read_form(form: Form) -> TemplateForm:
    ids = [normalize_id(given) or "" for given in form.texts("design_ids")[:_ROWS_MAX]]
    rows = zip(*(form.texts(f"skill_{name}")[:_ROWS_MAX] for name in _SKILL_FIELDS), strict=False)
    tags = [name.removeprefix("means.") for name in form.names() if name.startswith("means.custom.")][:_ROWS_MAX]
    return TemplateForm(
        name=form.text("name"),
        design_ids=list(dict.fromkeys(ids)),
        learning_event_url=form.text("learning_event_url"),
        # A browser ends lines as forms do; here they end as everywhere else.
        description=_lines(form.text("description")),
        criteria=_lines(form.text("criteria")),
        expiry=form.text("expiry"),
        expiry_number=form.text("expiry_number"),
        expiry_unit=form.text("expiry_unit"),
        language=form.text("language") or DEFAULT_LANGUAGE,
        design_policy=form.text("design_policy"),
        achievement_type=form.text("achievement_type"),
        tags=_lines(form.text("tags")),
        # Rows that were left empty are not meant.
        skills=[dict(zip(_SKILL_FIELDS, map(_lines, row), strict=True)) for row in rows if any(map(str.strip, row))],
        meanings={
            tag: MeaningFields(
                form.text(f"means.{tag}"), form.text(f"meaning_name.{tag}"), form.text(f"result_type.{tag}")
            )
            for tag in dict.fromkeys(tags)
        },
        emails={kind: form.text(f"email.{kind}") for kind in EMAIL_KINDS if form.text(f"email.{kind}")},
    )


def rearranged(form: Form, edited: TemplateForm) -> TemplateForm | None:
    """What the form holds after a button that saves nothing was pressed; None if it is to be saved."""
    pressed = next((name for name in _ARRANGING if form.has(name) and (name != "find" or form.has("finding"))), None)
    if pressed is None:
        return None
    design_id = normalize_id(form.text(pressed)) or ""
    return replace(edited, design_ids=_moved(edited.design_ids, pressed, design_id))


def _moved(ids: Sequence[str], how: str, design_id: str) -> list[str]:
    if how == "add":
        return list(dict.fromkeys([*ids, *([design_id] if design_id else [])]))
    rest = [other for other in ids if other != design_id]
    if how == "remove" or design_id not in ids:
        return rest if how == "remove" else list(ids)
    place = list(ids).index(design_id) + {"up": -1, "down": 1}.get(how, 0)
    rest.insert(max(0, place), design_id)
    return rest


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
