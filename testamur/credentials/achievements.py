"""What a signed credential says of the achievement and of what was achieved, from its template and its attributes."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from testamur.credential_templates.achievement import AttributeMeaning
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.links import achievement_url
from testamur.db import Transaction
from testamur.designs.links import preview_url
from testamur.designs.queries import find_designs
from testamur.errors import Invalid
from testamur.openbadges.documents import Achievement, Alignment, Evidence, Image, Result, ResultDescription
from testamur.text import clean_url
from testamur.workspaces.model import Workspace

# What Open Badges takes as inLanguage: language, script and region.
_LANGUAGE = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", re.ASCII)
CREDITS_MAX = Decimal(1_000_000)


class Achieved(msgspec.Struct, frozen=True, kw_only=True):
    """What the attributes of one credential mean: the arguments of `achievement_credential` that come from them."""

    results: tuple[Result, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    credits_earned: float | None = None
    license_number: str = ""
    role: str = ""
    term: str = ""
    narrative: str = ""


def achievement_of(tx: Transaction, template: CredentialTemplate, workspace: Workspace, base_url: str) -> Achievement:
    """The achievement as credentials of the template state it now."""
    address = achievement_url(base_url, template.id)
    stated = template.achievement
    badge_id = template.first_of("badge")
    badge = find_designs(tx, workspace.id, [badge_id]).get(badge_id) if badge_id else None
    image = None
    if badge is not None:
        image = Image(id=preview_url(base_url, badge), caption=f"Badge of {template.name}")
    # Criteria are required: who states none at all still says who decides.
    criteria = template.criteria or ("" if template.learning_event_url else f"Awarded by {workspace.name}.")
    return Achievement(
        id=address,
        name=template.name,
        description=template.description or f"{template.name}, awarded by {workspace.name}",
        criteria_id=template.learning_event_url or "",
        criteria_narrative=criteria,
        type=stated.type or ("Certificate" if badge_id is None or template.first_of("certificate") else "Badge"),
        image=image,
        tags=stated.tags,
        alignments=tuple(
            Alignment(
                target_name=skill.name,
                target_url=skill.url,
                target_code=skill.code or "",
                target_description=skill.description or "",
                target_framework=skill.framework or "",
            )
            for skill in stated.skills
        ),
        result_descriptions=tuple(
            ResultDescription(
                id=_result_id(address, tag),
                name=meaning.name or _name_of(tag),
                result_type=meaning.result_type,
            )
            for tag, meaning in stated.attributes.items()
            if meaning.means == "result"
        ),
        language=_language(template.language),
    )


def achieved_with(
    attributes: Mapping[str, str], meanings: Mapping[str, AttributeMeaning], achievement_id: str
) -> Achieved:
    """What the values of a credential's attributes mean. Raises Invalid for a value that cannot mean it."""
    results: list[Result] = []
    evidence: list[Evidence] = []
    others: dict[str, Any] = {}
    for tag, meaning in meanings.items():
        value = attributes.get(tag, "").strip()
        if not value:
            continue
        match meaning.means:
            case "result":
                results.append(Result(value=value, result_description=_result_id(achievement_id, tag)))
            case "evidence":
                evidence.append(_evidence(value, meaning.name or _name_of(tag)))
            case "credits":
                others["credits_earned"] = _credits(tag, value)
            case "licenseNumber":
                others["license_number"] = value
            case "role" | "term" | "narrative":
                others[meaning.means] = value
    return Achieved(results=tuple(results), evidence=tuple(evidence), **others)


def _evidence(value: str, name: str) -> Evidence:
    try:
        return Evidence(id=clean_url(value), name=name)
    except Invalid:
        return Evidence(narrative=value, name=name)


def _credits(tag: str, value: str) -> float:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or not 0 <= number <= CREDITS_MAX:
        raise Invalid(
            "Must be a number, as its credential template says that it is credits", ("custom_attributes", tag)
        )
    return float(number)


def _result_id(achievement_id: str, tag: str) -> str:
    return f"{achievement_id}#{tag.removeprefix('custom.')}"


def _name_of(tag: str) -> str:
    """`custom.final_grade` as `Final grade`."""
    return tag.removeprefix("custom.").replace("_", " ").replace("-", " ").capitalize()


def _language(tag: str) -> str:
    return tag if _LANGUAGE.fullmatch(tag) else tag.partition("-")[0]
