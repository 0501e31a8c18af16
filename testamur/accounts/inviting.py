"""Invitations: a place in a workspace for whoever reads the mail of an address."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.members import checked_role, require_team
from testamur.accounts.model import Account, Invitation, Membership
from testamur.accounts.queries import find_account, get_membership, list_members
from testamur.accounts.tables import accounts, invitations
from testamur.audit.model import Actor
from testamur.audit.recording import record_action
from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.delivery.queueing import queue_server_email
from testamur.errors import Conflict, Forbidden, Gone, NotFound
from testamur.ids import new_id
from testamur.text import account_address, checked, clean_email
from testamur.tokens.secrets import hash_secret

INVITATION_VALID = timedelta(days=7)
_SECRET_BYTES = 32

_INSERT = insert_if_new(invitations)
_SELECT = select(
    *(invitations.c[field] for field in Invitation.__struct_fields__ if field != "inviter_name"),
    accounts.c.name.label("inviter_name"),
).join(accounts, accounts.c.id == invitations.c.invited_by)
_THIS = (invitations.c.workspace_id == bindparam("of_workspace"), invitations.c.id == bindparam("of_id"))
_BY_ID = _SELECT.where(*_THIS)
_BY_SECRET = _SELECT.where(
    invitations.c.secret_hash == bindparam("of_hash"), invitations.c.expires_at > bindparam("at")
)
_OF_WORKSPACE = _SELECT.where(
    invitations.c.workspace_id == bindparam("of_workspace"), invitations.c.expires_at > bindparam("at")
).order_by(invitations.c.id)
_TO_SEND = _SELECT.where(invitations.c.id == bindparam("of_id"), invitations.c.expires_at > bindparam("at"))
_SET_SECRET = (
    update(invitations).where(invitations.c.id == bindparam("of_id")).values(secret_hash=bindparam("new_hash"))
)
_EXTEND = update(invitations).where(*_THIS).values(expires_at=bindparam("until"))
_REMOVE = delete(invitations).where(*_THIS)
_REMOVE_OLD = delete(invitations).where(
    invitations.c.workspace_id == bindparam("of_workspace"),
    invitations.c.email_key == bindparam("of_key"),
    invitations.c.expires_at <= bindparam("at"),
)
# Of two that accept an invitation at once, one deletes it.
_USE = delete(invitations).where(
    invitations.c.secret_hash == bindparam("of_hash"), invitations.c.expires_at > bindparam("at")
)
_FORGET = delete(invitations).where(invitations.c.expires_at <= bindparam("at"))


def invite(tx: Transaction, by: Membership, *, email: str, role: str, at: datetime) -> Invitation:
    """Have an invitation mailed. Raises Invalid, Forbidden, Conflict if the address has a place or an invitation."""
    email, new_role = checked("email", clean_email, email), checked_role(role)
    require_team(tx, by, new_role)
    key = account_address(email)
    if any(account_address(member.email) == key for member in list_members(tx, by.workspace.id)):
        raise Conflict("This person is a member of the workspace already")
    tx.execute(_REMOVE_OLD, {"of_workspace": by.workspace.id, "of_key": key, "at": at})
    invitation_id = new_id()
    row = {
        "id": invitation_id,
        "workspace_id": by.workspace.id,
        "secret_hash": None,
        "email": email,
        "email_key": key,
        "role": new_role,
        "invited_by": by.account_id,
        "created_at": at,
        "expires_at": at + INVITATION_VALID,
    }
    if not tx.execute(_INSERT, row).rowcount:
        raise Conflict("This person is invited already; send the invitation again instead")
    invitation = get_invitation(tx, by.workspace.id, invitation_id)
    _queue(tx, invitation, at)
    return invitation


def list_invitations(tx: Transaction, workspace_id: str, *, at: datetime) -> list[Invitation]:
    """Those in force, oldest first."""
    return [_model(row) for row in tx.execute(_OF_WORKSPACE, {"of_workspace": workspace_id, "at": at})]


def get_invitation(tx: Transaction, workspace_id: str, invitation_id: str) -> Invitation:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"of_workspace": workspace_id, "of_id": invitation_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such invitation any more")
    return _model(row)


def send_again(tx: Transaction, by: Membership, invitation_id: str, *, at: datetime) -> Invitation:
    """Mail an invitation once more, with another link and new days. Raises Forbidden, NotFound."""
    invitation = get_invitation(tx, by.workspace.id, invitation_id)
    require_team(tx, by, invitation.role)
    values = {"of_workspace": by.workspace.id, "of_id": invitation_id, "until": at + INVITATION_VALID}
    tx.execute(_EXTEND, values)
    _queue(tx, invitation, at)
    return get_invitation(tx, by.workspace.id, invitation_id)


def withdraw(tx: Transaction, by: Membership, invitation_id: str) -> None:
    """Let an invitation work no more. Raises Forbidden, NotFound."""
    invitation = get_invitation(tx, by.workspace.id, invitation_id)
    require_team(tx, by, invitation.role)
    tx.execute(_REMOVE, {"of_workspace": by.workspace.id, "of_id": invitation_id})


def make_invitation_link(tx: Transaction, invitation_id: str, *, at: datetime) -> tuple[Invitation, str] | None:
    """The invitation and the secret of its link, as its mail is sent; the link before works no more.

    None if it was withdrawn or accepted meanwhile, or is too old.
    """
    row = tx.execute(_TO_SEND, {"of_id": invitation_id, "at": at}).one_or_none()
    if row is None:
        return None
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    tx.execute(_SET_SECRET, {"of_id": invitation_id, "new_hash": hash_secret(secret)})
    return _model(row), secret


def find_invitation(tx: Transaction, secret: str, *, at: datetime) -> Invitation | None:
    """None if the link is unknown, used, withdrawn or too old. It stays unused."""
    row = tx.execute(_BY_SECRET, {"of_hash": hash_secret(secret), "at": at}).one_or_none()
    return None if row is None else _model(row)


def accept(tx: Transaction, secret: str, account: Account, *, client: str, at: datetime) -> Membership:
    """Join with an account, which must be the one of the invited address. Raises Gone, Forbidden."""
    invitation = find_invitation(tx, secret, at=at)
    if invitation is None:
        raise Gone("This invitation was withdrawn or used, or is too old; ask for another one")
    if account_address(invitation.email) != account_address(account.email):
        raise Forbidden(f"This invitation is for {invitation.email}; sign in with that address")
    if not tx.execute(_USE, {"of_hash": hash_secret(secret), "at": at}).rowcount:
        raise Gone("This invitation was used just now")
    if any(member.account_id == account.id for member in list_members(tx, invitation.workspace_id)):
        # They got a place on another way meanwhile, and keep it as it is.
        return get_membership(tx, invitation.workspace_id, account.id)
    add_member(tx, invitation.workspace_id, account.id, invitation.role, at=at)
    record_action(
        tx,
        invitation.workspace_id,
        Actor("account", account.id, account.email),
        "invitation.accepted",
        subject=account.id,
        details={"role": invitation.role},
        client=client,
        at=at,
    )
    return get_membership(tx, invitation.workspace_id, account.id)


def accept_with_new_account(
    tx: Transaction, secret: str, *, name: str, password_hash: str, client: str, at: datetime
) -> Account:
    """Join as somebody new. Raises Invalid, Gone, Conflict if the address has an account by now."""
    invitation = find_invitation(tx, secret, at=at)
    if invitation is None:
        raise Gone("This invitation was withdrawn or used, or is too old; ask for another one")
    account = create_account(tx, email=invitation.email, name=name, password_hash=password_hash, at=at)
    accept(tx, secret, account, client=client, at=at)
    return account


def has_account(tx: Transaction, invitation: Invitation) -> bool:
    """Whether the invited address has an account already."""
    return find_account(tx, invitation.email) is not None


def forget_invitations(tx: Transaction, *, at: datetime) -> None:
    """Remove those that are too old."""
    tx.execute(_FORGET, {"at": at})


def _queue(tx: Transaction, invitation: Invitation, at: datetime) -> None:
    queue_server_email(tx, "invitation", invitation.email, {"invitation": invitation.id}, at=at)


def _model(row: Any) -> Invitation:
    return Invitation(**row._mapping)  # noqa: SLF001
