"""An invitation, as whoever got it by mail sees it: they join with the account of that address, or make it here."""

from starlette.responses import Response

from testamur.accounts.inviting import accept, accept_with_new_account, find_invitation, has_account
from testamur.accounts.model import Account, Invitation
from testamur.accounts.sessions import begin_session
from testamur.dashboard.passwords import new_hash
from testamur.dashboard.screens import for_anybody, for_signed_in
from testamur.dashboard.visits import SignedInVisit, Visit, faults_of
from testamur.db import Transaction
from testamur.errors import Conflict, Forbidden, Gone, Invalid
from testamur.text import account_address
from testamur.web.translating import gettext as _
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import get_workspace


async def show(visit: Visit) -> Response:
    return await _page(visit, visit.query("token"))


async def join_as_new(visit: Visit) -> Response:
    """Make the account of the invited address, and sign it in: who has the link reads that address's mail."""
    form = await visit.form()
    token, name = form.text("token"), form.text("name")
    found = await visit.read(lambda tx: _find(tx, token, visit))
    if found is None or found[2]:
        return await _page(visit, token)
    invitation, workspace, _has_account = found
    try:
        hashed = await new_hash(visit, form.text("password"), (invitation.email, name), form.text("repeated"))

        def work(tx: Transaction) -> str:
            account = accept_with_new_account(
                tx, token, name=name, password_hash=hashed, client=visit.client, at=visit.at
            )
            return begin_session(tx, account.id, user_agent=visit.user_agent, client=visit.client, at=visit.at)

        secret = await visit.write_unrecorded(work)
    except Invalid as fault:
        return await _page(visit, token, {"name": name}, faults_of(fault))
    except (Gone, Conflict):
        return await _page(visit, token)
    response = visit.go(f"/w/{workspace.slug}", _("Welcome to %(workspace)s.") % {"workspace": workspace.name})
    visit.keep_session(response, secret)
    return response


async def join(visit: SignedInVisit) -> Response:
    token = (await visit.form()).text("token")
    try:
        member = await visit.write_unrecorded(
            lambda tx: accept(tx, token, visit.account, client=visit.client, at=visit.at)
        )
    except (Gone, Forbidden):
        return await _page(visit, token)
    workspace = member.workspace
    return visit.go(f"/w/{workspace.slug}", _("Welcome to %(workspace)s.") % {"workspace": workspace.name})


def _find(tx: Transaction, token: str, visit: Visit) -> tuple[Invitation, Workspace, bool] | None:
    invitation = find_invitation(tx, token, at=visit.at)
    if invitation is None:
        return None
    return invitation, get_workspace(tx, invitation.workspace_id), has_account(tx, invitation)


async def _page(
    visit: Visit, token: str, values: dict[str, str] | None = None, faults: dict[str, str] | None = None
) -> Response:
    found = await visit.read(lambda tx: _find(tx, token, visit))
    if found is None:
        return visit.page("accounts/invitation_over.html", status=410)
    invitation, workspace, is_known = found
    signed_in = await visit.signed_in()
    context = {
        "token": token,
        "invitation": invitation,
        "workspace": workspace,
        "is_known": is_known,
        "account": signed_in.account if signed_in else None,
        "is_theirs": signed_in is not None and _is_theirs(signed_in.account, invitation),
        "values": values or {},
        "faults": faults or {},
    }
    return visit.page("accounts/invitation.html", context, status=422 if faults else 200)


def _is_theirs(account: Account, invitation: Invitation) -> bool:
    return account_address(account.email) == account_address(invitation.email)


SCREENS = (
    for_anybody("GET", "/invitation", show),
    for_anybody("POST", "/invitation", join_as_new),
    for_signed_in("POST", "/invitation/accept", join),
)
