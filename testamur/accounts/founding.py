"""A further workspace, made by somebody who signs in."""

from datetime import datetime

from testamur.accounts.creating import add_member
from testamur.accounts.model import Account
from testamur.accounts.queries import list_memberships
from testamur.audit.model import Actor
from testamur.audit.recording import record_action
from testamur.config import NewWorkspaces
from testamur.db import Transaction
from testamur.designs.starters import add_starters
from testamur.encryption import MasterKey
from testamur.errors import Forbidden
from testamur.signing_keys.creating import add_keys
from testamur.storage import Storage
from testamur.workspaces.creating import create_workspace
from testamur.workspaces.model import Workspace


def may_found(tx: Transaction, account: Account, allowed: NewWorkspaces) -> bool:
    """Whether somebody may make workspaces, by what the operator allows."""
    if allowed == "owners":
        return any(membership.role == "owner" for membership in list_memberships(tx, account.id))
    return allowed == "everyone"


def found_workspace(
    tx: Transaction,
    account: Account,
    *,
    name: str,
    time_zone: str,
    allowed: NewWorkspaces,
    storage: Storage,
    master_key: MasterKey,
    client: str,
    at: datetime,
) -> Workspace:
    """A workspace with its keys and starter designs, and the account as its owner. Raises Invalid, Forbidden, Conflict."""
    if not may_found(tx, account, allowed):
        raise Forbidden("You may not make workspaces on this server; ask whoever runs it")
    workspace = create_workspace(tx, name=name, time_zone=time_zone, at=at)
    add_keys(tx, workspace, master_key=master_key, at=at)
    add_starters(tx, storage, workspace.id, at=at)
    add_member(tx, workspace.id, account.id, "owner", at=at)
    actor = Actor("account", account.id, account.email)
    record_action(tx, workspace.id, actor, "workspace.created", subject=workspace.id, client=client, at=at)
    return workspace
