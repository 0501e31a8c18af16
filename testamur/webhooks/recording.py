from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import bindparam, select, true

from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.errors import Conflict
from testamur.ids import new_id
from testamur.webhooks.model import Endpoint
from testamur.webhooks.signing import TEST_EVENT
from testamur.webhooks.tables import webhook_deliveries, webhook_endpoints

EventType = Literal["credential.created", "credential.updated", "credential.deleted", "credential.issued"]
EVENT_TYPES: tuple[EventType, ...] = (
    "credential.created",
    "credential.updated",
    "credential.deleted",
    "credential.issued",
)

_ENDPOINTS = select(webhook_endpoints.c.id, webhook_endpoints.c.events).where(
    webhook_endpoints.c.workspace_id == bindparam("workspace_id"), webhook_endpoints.c.is_active == true()
)


def record_events(
    tx: Transaction, workspace_id: str, types: Sequence[EventType], resource_ids: Iterable[str], *, at: datetime
) -> None:
    """Tell every endpoint that listens of these events of each resource, in the order of `types`.

    Ids of events grow in that order, so a receiver can tell what came first however the deliveries arrive.
    """
    endpoints = tx.execute(_ENDPOINTS, {"workspace_id": workspace_id}).all()
    if not endpoints:
        return
    rows = [
        {
            "workspace_id": workspace_id,
            "id": new_id(),
            "endpoint_id": endpoint.id,
            "event_id": event_id,
            "event_type": type_,
            "resource_id": resource_id,
            "event_created_at": at,
            "state": "pending",
            "attempts": 0,
            "next_attempt_at": at,
        }
        for resource_id in resource_ids
        for event_id, type_ in zip(sorted(new_id() for _ in types), types, strict=True)
        for endpoint in endpoints
        if type_ in endpoint.events
    ]
    insert_many(tx, webhook_deliveries, rows)


def record_test_event(tx: Transaction, endpoint: Endpoint, *, at: datetime) -> str:
    """Have an event that means nothing delivered to one endpoint, and return the delivery's id.

    Raises Conflict if the endpoint is switched off.
    """
    if not endpoint.is_active:
        raise Conflict("This webhook is switched off; switch it on to send it a test event")
    row = {
        "workspace_id": endpoint.workspace_id,
        "id": new_id(),
        "endpoint_id": endpoint.id,
        "event_id": new_id(),
        "event_type": TEST_EVENT,
        "resource_id": endpoint.id,
        "event_created_at": at,
        "state": "pending",
        "attempts": 0,
        "next_attempt_at": at,
    }
    insert_many(tx, webhook_deliveries, [row])
    return str(row["id"])
