from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

ActorKind = Literal["account", "token", "operator"]


class Actor(msgspec.Struct, frozen=True):
    """Who acts: somebody signed in, an access token, or whoever runs the server. `name` is as it was then."""

    kind: ActorKind
    id: str
    name: str


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`action` is such as `credential.revoked`; `subject` is the id of what it was done to, if it is one thing."""

    id: str
    workspace_id: str
    at: datetime
    actor: Actor
    action: str
    subject: str | None
    details: Mapping[str, Any]
    client: str
