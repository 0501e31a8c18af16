"""The plan of a workspace, and how much of its yearly allowance is used."""

from collections.abc import Mapping

from sqlalchemy import bindparam, select, update

from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.errors import PaymentRequired, Unavailable
from testamur.plans import UNLIMITED, Plan
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import credential_usage

_USED = select(credential_usage.c.used).where(
    credential_usage.c.workspace_id == bindparam("of_workspace"), credential_usage.c.year == bindparam("of_year")
)
_NEW_YEAR = insert_if_new(credential_usage)
# The allowance stands in the condition, so that two requests at once cannot both take what is left for one.
_TAKE = (
    update(credential_usage)
    .where(
        credential_usage.c.workspace_id == bindparam("of_workspace"),
        credential_usage.c.year == bindparam("of_year"),
        credential_usage.c.used + bindparam("count") <= bindparam("allowance"),
    )
    .values(used=credential_usage.c.used + bindparam("count"))
)

_USED = select(credential_usage.c.used).where(
    credential_usage.c.workspace_id == bindparam("of_workspace"), credential_usage.c.year == bindparam("of_year")
)


def allowance_left(tx: Transaction, workspace_id: str, plan: Plan, *, year: int) -> int | None:
    """How many credentials may be issued yet in that year; None if there is no limit."""
    if plan.credentials_per_year is None:
        return None
    used = tx.execute(_USED, {"of_workspace": workspace_id, "of_year": year}).scalar() or 0
    return max(0, plan.credentials_per_year - used)


def find_usage(tx: Transaction, workspace_id: str, year: int) -> int:
    """How many credentials were counted against the allowance of a year; without an allowance none are."""
    return tx.execute(_USED, {"of_workspace": workspace_id, "of_year": year}).scalar_one_or_none() or 0


def plan_of(workspace: Workspace, plans: Mapping[str, Plan]) -> Plan:
    """Raises Unavailable if the workspace has a plan that the settings do not describe."""
    if workspace.plan is None:
        return UNLIMITED
    if workspace.plan not in plans:
        raise Unavailable(f"The plan {workspace.plan} of this workspace is not described on this server")
    return plans[workspace.plan]


def take_allowance(tx: Transaction, workspace_id: str, plan: Plan, *, year: int, count: int = 1) -> None:
    """Count issued credentials against the yearly allowance.

    Raises PaymentRequired, and counts none of them, if they are more than what is left.
    """
    if plan.credentials_per_year is None:
        return
    tx.execute(_NEW_YEAR, {"workspace_id": workspace_id, "year": year, "used": 0})
    place = {"of_workspace": workspace_id, "of_year": year}
    if not tx.execute(_TAKE, {**place, "count": count, "allowance": plan.credentials_per_year}).rowcount:
        raise PaymentRequired(f"The yearly limit of {plan.credentials_per_year} credentials of your plan is used up")
