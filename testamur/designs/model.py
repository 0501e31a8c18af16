from datetime import datetime

import msgspec

from testamur.rendering.document import DesignType


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate or badge design; `version` is the number of its newest version, from 1."""

    id: str
    workspace_id: str
    name: str
    type: DesignType
    version: int
    starter: str | None
    created_at: datetime
    updated_at: datetime


class DesignVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What was drawn: the design document as JSON text, and the tags of the attributes that it shows."""

    workspace_id: str
    design_id: str
    number: int
    document: str
    tags: list[str]
    created_at: datetime
