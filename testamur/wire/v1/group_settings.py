from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.credential_templates.model import CredentialTemplate, ExpiryRule
from testamur.delivery.queueing import EmailKind

Kind = Literal["delivery", "expiry_reminder", "expired"]
_LANGUAGE = "Language (BCP 47) of the dates, numbers and PDFs of its credentials; en if never set."


class Expiry(Struct):
    """How long what is issued from now on stays valid, from its issue date."""

    number: Annotated[int, Meta(ge=1, le=1000)]
    unit: Literal["days", "weeks", "months", "years"]


class GroupSettings(Struct, rename="camel", kw_only=True):
    """What the group object of the protocol has no words for."""

    id: str
    description: str | None
    criteria: str | None
    expiry: Expiry | None
    language: Annotated[str, Meta(description=_LANGUAGE, examples=["en"])]
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
        email_templates={str(kind): id_ for kind, id_ in chosen.items()},
    )


def to_rule(expiry: Expiry | UnsetType | None) -> ExpiryRule | UnsetType | None:
    return ExpiryRule(expiry.number, expiry.unit) if isinstance(expiry, Expiry) else expiry
