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


class Font(msgspec.Struct, frozen=True, kw_only=True):
    """A font file of a workspace; designs name it by its family. `digest` is that of the file as it is kept."""

    id: str
    workspace_id: str
    family: str
    style: str
    weight: int
    is_italic: bool
    may_subset: bool
    digest: str
    size_bytes: int
    created_at: datetime


class FontRef(msgspec.Struct, frozen=True):
    """A font as rendering asks for it."""

    family: str
    digest: str
