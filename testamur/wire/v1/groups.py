"""Credential templates on the wire, where they are called groups."""

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.credential_templates.model import CredentialTemplate
from testamur.wire.v1.timestamps import timestamp

Name = Annotated[
    str,
    Meta(
        description="Name of the credential template; the attribute [group.name] shows it.",
        examples=["Financial Markets"],
        extra_json_schema={"minLength": 1, "maxLength": 255},
    ),
]
DesignIds = Annotated[
    list[str],
    Meta(
        description="Ids of the designs, in the order in which they are shown.",
        examples=[["01fpwtztwf7sacca5r0c483mnm", "01hz2ej4yzdcfkq9fa78nhyj0x"]],
        extra_json_schema={"minItems": 1, "maxItems": 50, "uniqueItems": True},
    ),
]
EventUrl = Annotated[
    str,
    Meta(
        description="Address of the course or event; the credential's page links to it.",
        examples=["https://example.org/learn/financial-markets"],
        extra_json_schema={"format": "uri", "maxLength": 2048},
    ),
]


class CreateGroup(Struct, rename="camel", kw_only=True):
    """A credential template to create."""

    name: Name
    design_ids: DesignIds | UnsetType = UNSET
    learning_event_url: EventUrl | UnsetType | None = UNSET
    # The shape that came before `designIds`: accepted, and left out of the schema as in the original API.
    certificate_design_id: str | UnsetType | None = UNSET
    badge_design_id: str | UnsetType | None = UNSET

    unlisted: ClassVar = ("certificateDesignId", "badgeDesignId")
    listed_as_required: ClassVar = ("name", "designIds")


class UpdateGroup(Struct, rename="camel", kw_only=True):
    """What to change of a credential template; what is left out stays as it is."""

    name: Name | UnsetType = UNSET
    design_ids: DesignIds | UnsetType = UNSET
    learning_event_url: EventUrl | UnsetType | None = UNSET
    certificate_design_id: str | UnsetType | None = UNSET
    badge_design_id: str | UnsetType | None = UNSET

    unlisted: ClassVar = ("certificateDesignId", "badgeDesignId")


class Group(Struct, rename="camel", kw_only=True):
    """A credential template."""

    id: str
    name: str
    learning_event_url: str | None
    design_ids: list[str]
    certificate_design_id: Annotated[
        str | None, Meta(description="First design of type certificate; deprecated, read designIds.")
    ]
    badge_design_id: Annotated[str | None, Meta(description="First design of type badge; deprecated, read designIds.")]
    created_at: str
    updated_at: str


def to_group(template: CredentialTemplate) -> Group:
    return Group(
        id=template.id,
        name=template.name,
        learning_event_url=template.learning_event_url,
        design_ids=template.design_ids,
        certificate_design_id=template.first_of("certificate"),
        badge_design_id=template.first_of("badge"),
        created_at=timestamp(template.created_at),
        updated_at=timestamp(template.updated_at),
    )
