from datetime import datetime
from typing import Literal

import msgspec

from testamur.accounts.roles import ALLOWED, Permission, Role
from testamur.errors import Forbidden
from testamur.workspaces.model import Workspace

Theme = Literal["light", "dark"]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signs in. `language` and `theme` are None where the browser decides."""

    id: str
    email: str
    name: str
    language: str | None
    theme: Theme | None
    has_password: bool
    # Whether a code of an authenticator app is asked for after the password.
    has_second_factor: bool
    created_at: datetime


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser in which somebody is signed in: the address it came from, and what it said of itself.

    `confirmed_at` is when they last proved who they are, by signing in or again since.
    """

    id: str
    account_id: str
    user_agent: str
    client: str
    created_at: datetime
    confirmed_at: datetime
    last_used_at: datetime
    expires_at: datetime


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """An account in a workspace."""

    workspace: Workspace
    account_id: str
    role: Role
    created_at: datetime

    def may(self, permission: Permission) -> bool:
        return permission in ALLOWED[self.role]

    def require(self, permission: Permission) -> None:
        """Raises Forbidden."""
        if not self.may(permission):
            raise Forbidden("Your role in this workspace does not allow this; ask an owner or admin of it")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An account as the others of its workspace see it."""

    account_id: str
    email: str
    name: str
    role: Role
    has_second_factor: bool
    last_used_at: datetime | None
    created_at: datetime


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a workspace that waits for whoever reads the mail of an address."""

    id: str
    workspace_id: str
    email: str
    role: Role
    # The account that invited, and what that person is called.
    invited_by: str
    inviter_name: str
    created_at: datetime
    expires_at: datetime


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a device that signs in without a password; `credential_id` is base64url, as browsers write it."""

    id: str
    account_id: str
    credential_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
