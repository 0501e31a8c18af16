from msgspec import Struct

from testamur.tokens.model import AccessToken
from testamur.wire.v1.timestamps import timestamp
from testamur.workspaces.model import Workspace


class WireWorkspace(Struct, rename="camel", kw_only=True):
    """The workspace that the access token acts for."""

    id: str
    name: str
    created_at: str
    updated_at: str


class WireToken(Struct, kw_only=True):
    """The access token of this request."""

    id: str
    name: str


class Me(WireWorkspace, kw_only=True):
    """Who asks: the workspace, and the token that acts for it."""

    token: WireToken


def to_workspace(workspace: Workspace) -> WireWorkspace:
    return WireWorkspace(
        id=workspace.id,
        name=workspace.name,
        created_at=timestamp(workspace.created_at),
        updated_at=timestamp(workspace.updated_at),
    )


def to_me(workspace: Workspace, token: AccessToken) -> Me:
    return Me(
        id=workspace.id,
        name=workspace.name,
        created_at=timestamp(workspace.created_at),
        updated_at=timestamp(workspace.updated_at),
        token=WireToken(id=token.id, name=token.name),
    )
