"""The people of a workspace: their roles, and how they leave.

Nobody gives a role above their own or takes one from who is above them, and a workspace always has an owner. The role of
whoever acts is read anew in each transaction: it may have changed since their page was shown.
"""

from sqlalchemy import bindparam, delete, select, update

from testamur.accounts.model import Membership
from testamur.accounts.queries import get_membership
from testamur.accounts.roles import ROLES, Role
from testamur.accounts.tables import memberships
from testamur.db import Transaction
from testamur.errors import Conflict, Forbidden, Invalid

_THIS = (memberships.c.workspace_id == bindparam("of_workspace"), memberships.c.account_id == bindparam("of_account"))
_SET_ROLE = update(memberships).where(*_THIS).values(role=bindparam("new_role"))
_REMOVE = delete(memberships).where(*_THIS)
# Of two owners who leave at once, the second one waits here and then sees that there is no other.
_OWNERS = (
    select(memberships.c.account_id)
    .where(memberships.c.workspace_id == bindparam("of_workspace"), memberships.c.role == "owner")
    .order_by(memberships.c.account_id)
    .with_for_update()
)


def checked_role(role: str) -> Role:
    """Raises Invalid."""
    for known in ROLES:
        if known == role:
            return known
    raise Invalid(f"Must be one of {', '.join(ROLES)}", ("role",))


def require_team(tx: Transaction, by: Membership, *roles: Role) -> None:
    """Raises Forbidden unless who acts may manage the team now, and none of these roles is above theirs."""
    mine = get_membership(tx, by.workspace.id, by.account_id)
    mine.require("manage_team")
    if any(ROLES.index(role) < ROLES.index(mine.role) for role in roles):
        raise Forbidden("Only an owner can make somebody an owner, or change or remove one")


def change_role(tx: Transaction, by: Membership, account_id: str, role: str) -> Membership:
    """Raises Invalid, Forbidden, NotFound, Conflict for the last owner."""
    new_role = checked_role(role)
    member = get_membership(tx, by.workspace.id, account_id)
    require_team(tx, by, new_role, member.role)
    if new_role != member.role:
        _keep_an_owner(tx, member)
        tx.execute(_SET_ROLE, {**_key(member), "new_role": new_role})
    return get_membership(tx, by.workspace.id, account_id)


def remove_member(tx: Transaction, by: Membership, account_id: str) -> None:
    """Take somebody out of the workspace, or leave it. Raises Forbidden, NotFound, Conflict for the last owner."""
    member = get_membership(tx, by.workspace.id, account_id)
    if by.account_id != account_id:
        require_team(tx, by, member.role)
    _keep_an_owner(tx, member)
    tx.execute(_REMOVE, _key(member))


def _keep_an_owner(tx: Transaction, member: Membership) -> None:
    if member.role != "owner":
        return
    owners = tx.execute(_OWNERS, {"of_workspace": member.workspace.id}).scalars().all()
    if set(owners) <= {member.account_id}:
        raise Conflict("This is the only owner of the workspace; make somebody else an owner first")


def _key(member: Membership) -> dict[str, str]:
    return {"of_workspace": member.workspace.id, "of_account": member.account_id}
