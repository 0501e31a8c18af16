from datetime import datetime
from typing import Literal

import msgspec


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is told of events; its secrets are encrypted."""

    id: str
    workspace_id: str
    url: str
    events: list[str]
    is_active: bool
    secret: str
    previous_secret: str | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one endpoint, and how telling it went."""

    id: str
    workspace_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    resource_id: str
    event_created_at: datetime
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    finished_at: datetime | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver: the HTTP status, or what went wrong before there was one."""

    delivery_id: str
    number: int
    at: datetime
    status: int | None
    error: str | None
    milliseconds: int
