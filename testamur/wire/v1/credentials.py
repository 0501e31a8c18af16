from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.credentials.links import rendering_url
from testamur.credentials.model import Credential, DeliveryState, Status
from testamur.credentials.renderings import Rendering
from testamur.credentials.versions import CredentialVersion
from testamur.wire.v1.errors import ErrorBody
from testamur.wire.v1.timestamps import timestamp
from testamur.wire.v1.words import wire_name

GivenAttributes = Annotated[
    dict[str, Any],
    Meta(
        description="Texts by the tag of a custom attribute that the workspace has defined, each as the attribute's type "
        "takes it: a date as 2026-11-24, a number as 1234.5, a picture as its https address.",
        examples=[{"custom.mentor": "Jane Doe"}],
        extra_json_schema={"additionalProperties": {"type": "string", "maxLength": 5000}},
    ),
]
CustomAttributes = Annotated[
    dict[str, str],
    Meta(
        description="Texts by the tag of a custom attribute that the workspace has defined; dates as 2026-11-24, numbers "
        "as 1234.5.",
        examples=[{"custom.mentor": "Jane Doe"}],
    ),
]


class NewRecipient(Struct, rename="camel", kw_only=True):
    """Who receives the credential."""

    name: Annotated[str, Meta(examples=["John Doe"], extra_json_schema={"minLength": 1, "maxLength": 255})]
    email: Annotated[str, Meta(examples=["john.doe@example.com"], extra_json_schema={"maxLength": 254})] | None = None
    id: Annotated[str, Meta(description="Id of a recipient that the workspace has already.")] | None = None


class CreateCredential(Struct, rename="camel", kw_only=True):
    """A credential to create as a draft."""

    group_id: Annotated[
        str, Meta(description="Id of the credential template.", examples=["01g90279gp5sbmfek7wymcsvec"])
    ]
    recipient: NewRecipient
    issue_date: Annotated[date, Meta(description="Today if left out.")] | UnsetType | None = UNSET
    expiry_date: (
        Annotated[date, Meta(description="The last day of validity; never expires if left out.")] | UnsetType | None
    ) = UNSET
    custom_attributes: GivenAttributes | UnsetType | None = UNSET


class ChangedRecipient(Struct, rename="camel", kw_only=True):
    """What to correct of the recipient, as this credential states it."""

    name: (
        Annotated[str, Meta(examples=["John Doe"], extra_json_schema={"minLength": 1, "maxLength": 255})]
        | UnsetType
        | None
    ) = UNSET
    email: (
        Annotated[str, Meta(description="An empty text takes the address away.", extra_json_schema={"maxLength": 254})]
        | UnsetType
        | None
    ) = UNSET
    id: Annotated[str, Meta(description="If given, the id of this credential's recipient.")] | UnsetType | None = UNSET


class UpdateCredential(Struct, rename="camel", kw_only=True):
    """What to change of a credential; what is left out stays as it is."""

    recipient: ChangedRecipient | UnsetType | None = UNSET
    issue_date: date | UnsetType | None = UNSET
    expiry_date: Annotated[date, Meta(description="null: it never expires.")] | UnsetType | None = UNSET
    custom_attributes: (
        Annotated[
            dict[str, Any],
            Meta(
                description="Merged key by key; null removes one.",
                examples=[{"custom.mentor": "Jane Doe"}],
                extra_json_schema={"additionalProperties": {"type": ["string", "null"], "maxLength": 5000}},
            ),
        ]
        | UnsetType
        | None
    ) = UNSET


class SendCredential(Struct, rename="camel", kw_only=True):
    """How to send a credential."""

    delivery_method: Annotated[Literal["email"], Meta(examples=["email"])]


class RevokeCredential(Struct, kw_only=True):
    """Why a credential is revoked."""

    reason: Annotated[str, Meta(examples=["Issued by mistake"], extra_json_schema={"maxLength": 1000})] | None = None


class ScheduleCredential(Struct, rename="camel", kw_only=True):
    """When to issue a draft."""

    issue_at: Annotated[datetime, Meta(tz=True, examples=["2026-12-24T08:00:00.000Z"])]
    send: Annotated[bool, Meta(description="Whether to send it then.")] = False


class BulkCredentials(Struct, rename="camel", kw_only=True):
    """Credentials to make, each of which stands or falls alone."""

    items: Annotated[list[dict[str, Any]], Meta(description="Each as for creating one.", examples=[[]])]
    action: Annotated[Literal["draft", "issue", "send"], Meta(description="How far each is taken.")] = "draft"


class BulkResult(Struct, kw_only=True):
    """What became of one item: a credential or an error."""

    index: int
    credential: "WireCredential | None"
    error: ErrorBody | None


class BulkAnswer(Struct, kw_only=True):
    """What became of each item, in their order."""

    results: list[BulkResult]


class CredentialState(Struct, rename="camel", kw_only=True):
    """What the credential object of the protocol has no words for."""

    id: str
    revoked_at: str | None
    revocation_reason: str | None
    scheduled_for: str | None
    delivery: Annotated[DeliveryState, Meta(description="What became of its delivery by email.")]


class WireCredentialVersion(Struct, rename="camel", kw_only=True):
    """What a credential stated from some moment on."""

    number: int
    supersedes: Annotated[int | None, Meta(description="Number of the version that it corrects; null for the first.")]
    changed: Annotated[
        list[str],
        Meta(
            description="recipient.name, recipient.email, issueDate, expiryDate, and tags of custom attributes.",
            examples=[["recipient.name", "custom.mentor"]],
        ),
    ]
    created_at: str


class WireRecipient(Struct, kw_only=True):
    """Who received a credential."""

    id: str
    name: str
    email: str | None


class WireCredential(Struct, rename="camel", kw_only=True):
    """A credential."""

    id: str
    public_id: Annotated[str, Meta(description="Stands in the address of the credential's public page.")]
    group_id: str
    status: Literal["draft", "scheduled", "issued", "expired"]
    recipient: WireRecipient
    issue_date: date
    expiry_date: date | None
    attributes: Annotated[
        dict[str, str], Meta(description="Texts of standard attributes as this credential shows them.")
    ]
    custom_attributes: CustomAttributes
    created_at: str
    updated_at: str


class Preview(Struct, kw_only=True):
    """A picture or document of a design, at an address that never changes what it serves."""

    format: Literal["png", "pdf"]
    url: str


class CredentialDesign(Struct, kw_only=True):
    """A design of a credential, filled in."""

    id: str
    name: str
    previews: list[Preview]


def to_wire_credential(credential: Credential, today: date) -> WireCredential:
    """`today` in the workspace's time zone decides whether it has expired."""
    status: Status = credential.status_on(today)
    recipient = credential.recipient
    return WireCredential(
        id=credential.id,
        public_id=credential.public_id,
        group_id=credential.credential_template_id,
        status=status,
        recipient=WireRecipient(id=recipient.id, name=recipient.name, email=recipient.email),
        issue_date=credential.issue_date,
        expiry_date=credential.expiry_date,
        attributes={"recipient.name": recipient.name},
        custom_attributes=credential.custom_attributes,
        created_at=timestamp(credential.created_at),
        updated_at=timestamp(credential.updated_at),
    )


def to_state(credential: Credential) -> CredentialState:
    def told(moment: datetime | None) -> str | None:
        return None if moment is None else timestamp(moment)

    return CredentialState(
        id=credential.id,
        revoked_at=told(credential.revoked_at),
        revocation_reason=credential.revocation_reason,
        scheduled_for=told(credential.scheduled_for),
        delivery=credential.delivery_state,
    )


def to_credential_version(version: CredentialVersion) -> WireCredentialVersion:
    return WireCredentialVersion(
        number=version.number,
        supersedes=version.supersedes,
        changed=[wire_name(name) for name in version.changed],
        created_at=timestamp(version.created_at),
    )


def to_credential_design(rendering: Rendering, base_url: str) -> CredentialDesign:
    formats: tuple[Literal["png"], Literal["pdf"]] = ("png", "pdf")
    previews = [
        Preview(
            format=format_,
            url=rendering_url(
                base_url,
                workspace_id=rendering.credential.workspace_id,
                credential_id=rendering.credential.id,
                design_id=rendering.design.id,
                digest=rendering.digest,
                format_=format_,
            ),
        )
        for format_ in formats
    ]
    return CredentialDesign(id=rendering.design.id, name=rendering.design.name, previews=previews)
