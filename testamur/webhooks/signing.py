"""What is sent to a webhook endpoint, byte for byte (wire contract, section 12), and how it is signed."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from testamur.webhooks.model import Delivery

PREFIX = "whsec_"
# Sent when somebody asks for it; its resource is the webhook itself.
TEST_EVENT = "webhook.test"


def event_body(delivery: Delivery) -> bytes:
    """Compact JSON: a receiver that parses it and writes it again gets the same bytes."""
    moment = delivery.event_created_at.isoformat(timespec="milliseconds")[:23] + "Z"
    event = {
        "id": delivery.event_id,
        "type": delivery.event_type,
        "createdAt": moment,
        "data": {"resource": {"id": delivery.resource_id, "type": _resource_type(delivery)}},
    }
    return msgspec.json.encode(event)


def _resource_type(delivery: Delivery) -> str:
    return "webhook" if delivery.event_type == TEST_EVENT else "credential"


def signature_headers(body: bytes, event_id: str, secrets: Sequence[str], at: datetime) -> dict[str, str]:
    """Our own header, signed with the newest secret, and the three of Standard Webhooks, signed with each in force."""
    seconds = str(int(at.timestamp()))
    signed = f"{event_id}.{seconds}.".encode() + body
    signatures = [b64encode(hmac.digest(_key(secret), signed, "sha256")).decode() for secret in secrets]
    return {
        "X-Webhook-Signature": hmac.new(secrets[0].encode(), body, sha256).hexdigest(),
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    """Standard Webhooks signs with the bytes that the secret is the base64 of."""
    return b64decode(secret.removeprefix(PREFIX))
