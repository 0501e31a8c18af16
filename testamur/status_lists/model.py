from datetime import datetime

import msgspec


class StatusPlace(msgspec.Struct, frozen=True, kw_only=True):
    """One bit: the list, by its id and its address, and the place in it."""

    list_id: str
    url: str
    index: int


class StatusList(msgspec.Struct, frozen=True, kw_only=True):
    """A list as it is published: whose it is, where it is, and how often it was changed."""

    workspace_id: str
    id: str
    did: str
    url: str
    version: int
    changed_at: datetime


class RevokedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A bit that is set, and whose it is or was."""

    workspace_id: str
    list_id: str
    index: int
    public_id: str
    revoked_at: datetime
