from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.webhooks.model import Attempt, Delivery, Endpoint
from testamur.wire.v1.timestamps import timestamp

Event = Literal["credential.created", "credential.updated", "credential.deleted", "credential.issued"]
Url = Annotated[
    str,
    Meta(examples=["https://example.org/webhooks"], extra_json_schema={"format": "uri", "maxLength": 2048}),
]
Events = Annotated[list[Event], Meta(description="All of them if left out.", extra_json_schema={"minItems": 1})]


class WireWebhook(Struct, rename="camel", kw_only=True):
    """An address that is told of events."""

    id: str
    url: str
    events: list[str]
    is_active: bool
    created_at: str
    updated_at: str


class WebhookWithSecret(WireWebhook, kw_only=True):
    """A webhook and its secret, which is shown this once."""

    secret: str


class CreateWebhook(Struct, rename="camel", kw_only=True):
    """A webhook to add."""

    url: Url
    events: Events | UnsetType = UNSET


class UpdateWebhook(Struct, rename="camel", kw_only=True):
    """What to change; what is left out stays."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class WireAttempt(Struct, kw_only=True):
    """One try to deliver."""

    number: int
    at: str
    status: int | None
    error: str | None
    milliseconds: int


class WireDelivery(Struct, rename="camel", kw_only=True):
    """An event, and how telling it to a webhook went."""

    id: str
    event_id: str
    event_type: str
    credential_id: str
    created_at: str
    state: Literal["pending", "delivered", "failed"]
    next_attempt_at: str | None
    attempts: list[WireAttempt]


def to_webhook(endpoint: Endpoint) -> WireWebhook:
    return WireWebhook(
        id=endpoint.id,
        url=endpoint.url,
        events=endpoint.events,
        is_active=endpoint.is_active,
        created_at=timestamp(endpoint.created_at),
        updated_at=timestamp(endpoint.updated_at),
    )


def to_webhook_with_secret(endpoint: Endpoint, secret: str) -> WebhookWithSecret:
    return WebhookWithSecret(
        id=endpoint.id,
        url=endpoint.url,
        events=endpoint.events,
        is_active=endpoint.is_active,
        created_at=timestamp(endpoint.created_at),
        updated_at=timestamp(endpoint.updated_at),
        secret=secret,
    )


def to_delivery(delivery: Delivery, attempts: list[Attempt]) -> WireDelivery:
    return WireDelivery(
        id=delivery.id,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        credential_id=delivery.resource_id,
        created_at=timestamp(delivery.event_created_at),
        state=delivery.state,
        next_attempt_at=None if delivery.next_attempt_at is None else timestamp(delivery.next_attempt_at),
        attempts=[
            WireAttempt(
                number=attempt.number,
                at=timestamp(attempt.at),
                status=attempt.status,
                error=attempt.error,
                milliseconds=attempt.milliseconds,
            )
            for attempt in attempts
        ],
    )
