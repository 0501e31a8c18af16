from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.delivery.model import EmailTemplate
from testamur.wire.v1.timestamps import timestamp

Kind = Literal["delivery", "expiry_reminder", "expired"]
Line = Annotated[str, Meta(examples=["Your certificate"], extra_json_schema={"minLength": 1, "maxLength": 255})]
Body = Annotated[
    str,
    Meta(
        description="Plain text with attributes in brackets; a blank line begins a paragraph. A button to the "
        "credential's page follows it.",
        examples=["Dear [recipient.name],\n\nwell done!"],
        extra_json_schema={"minLength": 1, "maxLength": 20000},
    ),
]


class WireEmailTemplate(Struct, rename="camel", kw_only=True):
    """Texts of an email."""

    id: str
    kind: Kind
    name: str
    subject: str
    body: str
    sender_name: str | None
    reply_to: str | None
    is_default: bool
    created_at: str
    updated_at: str


class CreateEmailTemplate(Struct, rename="camel", kw_only=True):
    """An email template to add."""

    kind: Annotated[Kind, Meta(examples=["delivery"])]
    name: Line
    subject: Line
    body: Body
    sender_name: Line | None = None
    reply_to: Annotated[str, Meta(extra_json_schema={"maxLength": 254})] | None = None
    is_default: Annotated[bool, Meta(description="Sent where a credential template names no other.")] = False


class UpdateEmailTemplate(Struct, rename="camel", kw_only=True):
    """What to change; what is left out stays."""

    name: Line | UnsetType = UNSET
    subject: Line | UnsetType = UNSET
    body: Body | UnsetType = UNSET
    sender_name: Line | UnsetType | None = UNSET
    reply_to: Annotated[str, Meta(extra_json_schema={"maxLength": 254})] | UnsetType | None = UNSET
    is_default: bool | UnsetType = UNSET


def to_email_template(template: EmailTemplate) -> WireEmailTemplate:
    return WireEmailTemplate(
        id=template.id,
        kind=template.kind,
        name=template.name,
        subject=template.subject,
        body=template.body,
        sender_name=template.sender_name,
        reply_to=template.reply_to,
        is_default=template.is_default,
        created_at=timestamp(template.created_at),
        updated_at=timestamp(template.updated_at),
    )
