from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.credential_templates.achievement import Achievement, Meaning, ResultType
from testamur.credential_templates.model import CredentialTemplate, DesignPolicy, ExpiryRule
from testamur.delivery.queueing import EmailKind

Kind = Literal["delivery", "expiry_reminder", "expired"]
_LANGUAGE = "Language (BCP 47) of the dates, numbers and PDFs of its credentials; en if never set."


class Expiry(Struct):
    """How long what is issued from now on stays valid, from its issue date."""

    number: Annotated[int, Meta(ge=1, le=1000)]
    unit: Literal["days", "weeks", "months", "years"]


Policy = Annotated[
    DesignPolicy,
    Meta(
        description="follow: credentials look as their template and designs do now. pinned: what is issued from now on "
        "keeps the design versions and values it was issued with."
    ),
]


class WireSkill(Struct, rename="camel", kw_only=True):
    """A skill, aligned to the framework that describes it (Open Badges: Alignment)."""

    name: Annotated[str, Meta(examples=["Bond pricing"])]
    url: Annotated[str, Meta(examples=["https://example.org/skills/bond-pricing"])]
    description: str | None = None
    framework: str | None = None
    code: str | None = None


class WireMeaning(Struct, rename="camel", kw_only=True):
    """What the value of a custom attribute is in the signed credential."""

    means: Annotated[
        Meaning,
        Meta(
            description="result: a grade or score; credits: a number of credits or hours; evidence: the address of "
            "something that shows the achievement; narrative: what the recipient did, in words."
        ),
    ]
    name: Annotated[str | None, Meta(description="Of the result or the evidence; else the attribute's.")] = None
    result_type: ResultType = "Result"


class WireAchievement(Struct, rename="camel", kw_only=True):
    """What the signed credentials of a template say of the achievement, beside its name, description and criteria."""

    type: Annotated[
        str | None,
        Meta(
            description="An achievementType of Open Badges 3.0, or ext: and a word of your own; null for Certificate or "
            "Badge, by the first design.",
            examples=["CertificateOfCompletion"],
        ),
    ] = None
    tags: Annotated[list[str], Meta(examples=[["finance"]])] = []
    skills: list[WireSkill] = []
    attributes: Annotated[
        dict[str, WireMeaning],
        Meta(
            description="What custom attributes mean, by tag. Those without a meaning stay out of signed credentials."
        ),
    ] = {}


class GroupSettings(Struct, rename="camel", kw_only=True):
    """What the group object of the protocol has no words for."""

    id: str
    description: str | None
    criteria: str | None
    expiry: Expiry | None
    language: Annotated[str, Meta(description=_LANGUAGE, examples=["en"])]
    design_policy: Policy
    achievement: WireAchievement
    email_templates: Annotated[
        dict[str, str], Meta(description="Email templates used instead of the defaults, by kind.")
    ]


class UpdateGroupSettings(Struct, rename="camel", kw_only=True):
    """What to change; what is left out stays, null clears."""

    description: (
        Annotated[str, Meta(examples=["A course of 40 hours"], extra_json_schema={"maxLength": 10000})]
        | UnsetType
        | None
    ) = UNSET
    criteria: Annotated[str, Meta(extra_json_schema={"maxLength": 10000})] | UnsetType | None = UNSET
    expiry: Expiry | UnsetType | None = UNSET
    language: (
        Annotated[str, Meta(description=_LANGUAGE, examples=["pt-BR"], extra_json_schema={"maxLength": 35})]
        | UnsetType
        | None
    ) = UNSET
    design_policy: Policy | UnsetType = UNSET
    achievement: WireAchievement | UnsetType = UNSET
    email_templates: (
        Annotated[
            dict[Kind, str | None], Meta(description="The id of an email template by kind; null for the default one.")
        ]
        | UnsetType
    ) = UNSET


def to_group_settings(template: CredentialTemplate, chosen: dict[EmailKind, str]) -> GroupSettings:
    rule = template.expiry_rule
    return GroupSettings(
        id=template.id,
        description=template.description,
        criteria=template.criteria,
        expiry=None if rule is None else Expiry(rule.number, rule.unit),
        language=template.language,
        design_policy=template.design_policy,
        achievement=msgspec.convert(template.achievement, WireAchievement, from_attributes=True),
        email_templates={str(kind): id_ for kind, id_ in chosen.items()},
    )


def to_rule(expiry: Expiry | UnsetType | None) -> ExpiryRule | UnsetType | None:
    return ExpiryRule(expiry.number, expiry.unit) if isinstance(expiry, Expiry) else expiry


def to_achievement(given: WireAchievement) -> Achievement:
    return msgspec.convert(given, Achievement, from_attributes=True)
