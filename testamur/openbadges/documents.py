"""Open Badges 3.0 credentials as JSON: what goes in, and the AchievementCredential that comes out of it.

Nothing absent is written down (no null, no empty list, no empty text), as 1EdTech's schema and JSON-LD both want it.
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec

from testamur.openbadges.contexts import BADGE_CONTEXTS
from testamur.openbadges.linked_data import Path, Unsignable
from testamur.openbadges.timestamps import to_timestamp

SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"

# The words of the schema; others are written as ext:Word.
ACHIEVEMENT_TYPES = frozenset(
    [
        "Achievement",
        "ApprenticeshipCertificate",
        "Assessment",
        "Assignment",
        "AssociateDegree",
        "Award",
        "BachelorDegree",
        "Badge",
        "Certificate",
        "CertificateOfCompletion",
        "Certification",
        "CoCurricular",
        "CommunityService",
        "Competency",
        "Course",
        "Degree",
        "Diploma",
        "DoctoralDegree",
        "Fieldwork",
        "GeneralEducationDevelopment",
        "JourneymanCertificate",
        "LearningProgram",
        "License",
        "MasterCertificate",
        "MasterDegree",
        "Membership",
        "MicroCredential",
        "ProfessionalDoctorate",
        "QualityAssuranceCredential",
        "ResearchDoctorate",
        "SecondarySchoolDiploma",
    ]
)
RESULT_TYPES = frozenset(
    [
        "GradePointAverage",
        "LetterGrade",
        "Percent",
        "PerformanceLevel",
        "PredictedScore",
        "RawScore",
        "Result",
        "RubricCriterion",
        "RubricCriterionLevel",
        "RubricScore",
        "ScaledScore",
        "Status",
    ]
)
RESULT_STATUSES = frozenset(["Completed", "Enrolled", "Failed", "InProgress", "OnHold", "Provisional", "Withdrew"])
TARGET_TYPES = frozenset(
    [
        "CFItem",
        "CFRubric",
        "CFRubricCriterion",
        "CFRubricCriterionLevel",
        "CTDL",
        "ceasn:Competency",
        "ceterms:Credential",
    ]
)
_EXTENSION = re.compile(r"ext:[A-Za-z0-9._-]+", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A picture at its address; the caption is for who cannot see it."""

    id: str
    caption: str = ""


class Issuer(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Who awards, named by a DID."""

    id: str
    name: str
    url: str = ""
    email: str = ""
    description: str = ""
    image: Image | None = None

    @cached_property
    def member(self) -> dict[str, Any]:
        """As credentials state it: all that are made with this object share it, so it must not be changed."""
        return _issuer(self)


class Alignment(msgspec.Struct, frozen=True, kw_only=True):
    """A skill, or whatever else a framework defines at an address. `target_type` is one of TARGET_TYPES or `ext:Word`."""

    target_name: str
    target_url: str
    target_code: str = ""
    target_description: str = ""
    target_framework: str = ""
    target_type: str = ""


class RubricLevel(msgspec.Struct, frozen=True, kw_only=True):
    """A level of a rubric that a result can name as achieved."""

    id: str
    name: str
    level: str = ""
    points: str = ""
    description: str = ""
    alignments: tuple[Alignment, ...] = ()


class ResultDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What results an achievement has. `result_type` is one of RESULT_TYPES or `ext:Word`; `allowed_values` go upwards."""

    id: str
    name: str
    result_type: str
    allowed_values: tuple[str, ...] = ()
    required_value: str = ""
    required_level: str = ""
    value_min: str = ""
    value_max: str = ""
    rubric_levels: tuple[RubricLevel, ...] = ()
    alignments: tuple[Alignment, ...] = ()


class Achievement(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is awarded. It needs criteria: an address, a text in Markdown, or both.

    `type` is one of ACHIEVEMENT_TYPES or `ext:Word`, `language` a tag such as `pt-BR`.
    """

    id: str
    name: str
    description: str
    criteria_id: str = ""
    criteria_narrative: str = ""
    type: str = ""
    image: Image | None = None
    tags: tuple[str, ...] = ()
    alignments: tuple[Alignment, ...] = ()
    result_descriptions: tuple[ResultDescription, ...] = ()
    language: str = ""

    @cached_property
    def member(self) -> dict[str, Any]:
        """As credentials state it: all that are made with this object share it, so it must not be changed."""
        return _achievement(self, ("credentialSubject", "achievement"))


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Whose achievement it is. Without a name, it is hidden; with a salt, the email is written as a hash only."""

    id: str
    name: str = ""
    email: str = ""
    email_salt: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was achieved: a value, or a level or status. `result_description` is the id of one of the achievement's."""

    value: str = ""
    result_description: str = ""
    achieved_level: str = ""
    status: str = ""
    alignments: tuple[Alignment, ...] = ()


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What shows that the criteria are met: something at an address, or told in Markdown."""

    id: str = ""
    name: str = ""
    description: str = ""
    narrative: str = ""
    genre: str = ""
    audience: str = ""


class StatusEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The place of a credential in a Bitstring Status List."""

    list_id: str
    index: int
    purpose: str = "revocation"


def achievement_credential(
    *,
    id: str,  # noqa: A002 - the member's name
    issuer: Issuer,
    achievement: Achievement,
    recipient: Recipient,
    valid_from: datetime,
    valid_until: datetime | None = None,
    awarded: datetime | None = None,
    name: str = "",
    description: str = "",
    image: Image | None = None,
    narrative: str = "",
    results: Iterable[Result] = (),
    evidence: Iterable[Evidence] = (),
    credits_earned: float | None = None,
    license_number: str = "",
    role: str = "",
    term: str = "",
    status: StatusEntry | None = None,
    refresh_address: str = "",
) -> dict[str, Any]:
    """The credential, unsigned (Open Badges 3.0, section B.1.1). Its name is the achievement's unless another is given.

    What it states of the issuer and the achievement is `issuer.member` and `achievement.member` themselves.

    Raises linked_data.Unsignable for what the schema does not allow, and ValueError for times without a zone.
    """
    if valid_until is not None and valid_until <= valid_from:
        raise Unsignable(("validUntil",), "The credential would expire before it is valid")
    _required(id, ("id",))
    described = {each.id for each in achievement.result_descriptions}
    subject = ("credentialSubject",)
    return _present(
        {
            "@context": list(BADGE_CONTEXTS),
            "id": id,
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": name or achievement.name,
            "description": description,
            "image": _image(image),
            "issuer": issuer.member,
            "validFrom": to_timestamp(valid_from),
            "validUntil": to_timestamp(valid_until) if valid_until else None,
            "awardedDate": to_timestamp(awarded) if awarded else None,
            "credentialSubject": {
                "id": _required(recipient.id, (*subject, "id")),
                "type": ["AchievementSubject"],
                **_present(
                    {
                        "name": recipient.name,
                        "identifier": _identifiers(recipient),
                        "narrative": narrative,
                        "creditsEarned": _credits(credits_earned),
                        "licenseNumber": license_number,
                        "role": role,
                        "term": term,
                        "result": [
                            _result(result, described, (*subject, "result", position))
                            for position, result in enumerate(dict.fromkeys(results))
                        ],
                        "achievement": achievement.member,
                    }
                ),
            },
            "evidence": [
                _evidence(each, ("evidence", position)) for position, each in enumerate(dict.fromkeys(evidence))
            ],
            "credentialStatus": _status(status),
            "credentialSchema": [{"id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
            "refreshService": {"id": refresh_address, "type": "1EdTechCredentialRefresh"} if refresh_address else None,
        }
    )


def achievement_document(achievement: Achievement) -> dict[str, Any]:
    """The achievement alone, as it is served at its id. Raises linked_data.Unsignable."""
    return {"@context": list(BADGE_CONTEXTS), **_achievement(achievement, ())}


def issuer_document(issuer: Issuer) -> dict[str, Any]:
    """The issuer's profile alone. Raises linked_data.Unsignable."""
    return {"@context": list(BADGE_CONTEXTS), **_issuer(issuer)}


def identity_hash(email: str, salt: str) -> str:
    """An email as `identityHash` has it: who knows the email can compare, whoever guesses it can too."""
    return f"sha256${sha256((email.strip().lower() + salt).encode()).hexdigest()}"


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None and value not in ("", [])}


def _issuer(issuer: Issuer) -> dict[str, Any]:
    return _present(
        {
            "id": _required(issuer.id, ("issuer", "id")),
            "type": ["Profile"],
            "name": _required(issuer.name, ("issuer", "name")),
            "url": _address(issuer.url, ("issuer", "url")),
            "email": issuer.email,
            "description": issuer.description,
            "image": _image(issuer.image),
        }
    )


def _achievement(achievement: Achievement, path: Path) -> dict[str, Any]:
    if not achievement.criteria_id and not achievement.criteria_narrative:
        raise Unsignable((*path, "criteria"), "Criteria are needed: an address, or a text on what had to be done")
    if achievement.language and not _LANGUAGE.fullmatch(achievement.language):
        raise Unsignable((*path, "inLanguage"), "A language is written as en, pt-BR or zh-Hant-TW")
    return _present(
        {
            "id": _required(achievement.id, (*path, "id")),
            "type": ["Achievement"],
            "name": _required(achievement.name, (*path, "name")),
            "description": _required(achievement.description, (*path, "description")),
            "criteria": _present({"id": achievement.criteria_id, "narrative": achievement.criteria_narrative}),
            "achievementType": _word(achievement.type, ACHIEVEMENT_TYPES, (*path, "achievementType")),
            "image": _image(achievement.image),
            "inLanguage": achievement.language,
            "tag": [tag for tag in dict.fromkeys(achievement.tags) if tag],
            "alignment": _alignments(achievement.alignments, path),
            "resultDescription": [
                _result_description(each, (*path, "resultDescription", position))
                for position, each in enumerate(achievement.result_descriptions)
            ],
        }
    )


def _result_description(description: ResultDescription, path: Path) -> dict[str, Any]:
    return _present(
        {
            "id": _required(description.id, (*path, "id")),
            "type": ["ResultDescription"],
            "name": _required(description.name, (*path, "name")),
            "resultType": _required(
                _word(description.result_type, RESULT_TYPES, (*path, "resultType")), (*path, "resultType")
            ),
            "allowedValue": list(dict.fromkeys(description.allowed_values)),
            "requiredValue": description.required_value,
            "requiredLevel": _address(description.required_level, (*path, "requiredLevel")),
            "valueMin": description.value_min,
            "valueMax": description.value_max,
            "rubricCriterionLevel": [
                _rubric_level(level, (*path, "rubricCriterionLevel", position))
                for position, level in enumerate(description.rubric_levels)
            ],
            "alignment": _alignments(description.alignments, path),
        }
    )


def _rubric_level(level: RubricLevel, path: Path) -> dict[str, Any]:
    return _present(
        {
            "id": _required(level.id, (*path, "id")),
            "type": ["RubricCriterionLevel"],
            "name": _required(level.name, (*path, "name")),
            "level": level.level,
            "points": level.points,
            "description": level.description,
            "alignment": _alignments(level.alignments, path),
        }
    )


def _alignments(alignments: tuple[Alignment, ...], path: Path) -> list[dict[str, Any]]:
    return [_alignment(each, (*path, "alignment", position)) for position, each in enumerate(dict.fromkeys(alignments))]


def _alignment(alignment: Alignment, path: Path) -> dict[str, Any]:
    return _present(
        {
            "type": ["Alignment"],
            "targetName": _required(alignment.target_name, (*path, "targetName")),
            "targetUrl": _address(_required(alignment.target_url, (*path, "targetUrl")), (*path, "targetUrl")),
            "targetCode": alignment.target_code,
            "targetDescription": alignment.target_description,
            "targetFramework": alignment.target_framework,
            "targetType": _word(alignment.target_type, TARGET_TYPES, (*path, "targetType")),
        }
    )


def _identifiers(recipient: Recipient) -> list[dict[str, Any]]:
    found = []
    if recipient.email:
        email: dict[str, Any] = {"type": "IdentityObject", "identityType": "emailAddress"}
        if recipient.email_salt:
            hashed = identity_hash(recipient.email, recipient.email_salt)
            email |= {"hashed": True, "identityHash": hashed, "salt": recipient.email_salt}
        else:
            email |= {"hashed": False, "identityHash": recipient.email.strip().lower()}
        found.append(email)
    if recipient.name:
        name = {"type": "IdentityObject", "identityType": "name", "hashed": False, "identityHash": recipient.name}
        found.append(name)
    return found


def _result(result: Result, described: set[str], path: Path) -> dict[str, Any]:
    if result.result_description and result.result_description not in described:
        raise Unsignable((*path, "resultDescription"), "The achievement has no description of this result")
    if not (result.value or result.achieved_level or result.status):
        raise Unsignable(path, "A result needs a value, a level or a status")
    if result.status and result.status not in RESULT_STATUSES:
        raise Unsignable((*path, "status"), f"The status must be one of {', '.join(sorted(RESULT_STATUSES))}")
    return _present(
        {
            "type": ["Result"],
            "resultDescription": result.result_description,
            "value": result.value,
            "achievedLevel": _address(result.achieved_level, (*path, "achievedLevel")),
            "status": result.status,
            "alignment": _alignments(result.alignments, path),
        }
    )


def _evidence(evidence: Evidence, path: Path) -> dict[str, Any]:
    found = _present(msgspec.structs.asdict(evidence))
    if not found:
        raise Unsignable(path, "Evidence needs an address, or a text")
    return {**found, "type": ["Evidence"]}


def _status(status: StatusEntry | None) -> dict[str, str] | None:
    if status is None:
        return None
    return {
        "id": f"{status.list_id}#{status.index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": status.purpose,
        "statusListIndex": str(status.index),
        "statusListCredential": status.list_id,
    }


def _image(image: Image | None) -> dict[str, str] | None:
    return _present({"id": image.id, "type": "Image", "caption": image.caption}) if image else None


def _credits(earned: float | None) -> float | None:
    """Whole numbers without a fraction: that is how JavaScript reads them."""
    if earned is not None and not (math.isfinite(earned) and earned >= 0):
        raise Unsignable(("credentialSubject", "creditsEarned"), "Credits are a number of at least 0")
    return int(earned) if earned is not None and earned == int(earned) else earned


def _required(text: str, path: Path) -> str:
    if not text:
        raise Unsignable(path, "This must not be empty")
    return text


def _word(word: str, words: frozenset[str], path: Path) -> str:
    if word and word not in words and not _EXTENSION.fullmatch(word):
        raise Unsignable(path, f"“{word[:50]}” is none of the words that Open Badges has here; write ext:YourWord")
    return word


def _address(address: str, path: Path) -> str:
    if address and not _ADDRESS.fullmatch(address):
        raise Unsignable(path, "This must be a whole address, such as https://example.org/skills/1")
    return address
