"""The people of a workspace: roles, invitations, leaving."""

from collections.abc import Callable

from starlette.responses import Response

from testamur.accounts.inviting import invite, list_invitations, send_again, withdraw
from testamur.accounts.members import change_role, checked_role, remove_member
from testamur.accounts.queries import get_membership, list_members
from testamur.accounts.roles import ROLES, Role
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Undo, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from testamur.web.translating import gettext as _
from testamur.web.translating import marked

# What a role is called, and what it may do.
ROLE_NAMES: dict[Role, str] = {
    "owner": marked("Owner"),
    "admin": marked("Admin"),
    "manager": marked("Manager"),
    "draft_manager": marked("Draft manager"),
    "designer": marked("Designer"),
    "viewer": marked("Viewer"),
}
ROLE_TEXTS: dict[Role, str] = {
    "owner": marked("Everything, and deleting the workspace."),
    "admin": marked("Everything but deleting the workspace, and making or changing owners."),
    "manager": marked("Issue credentials, and edit designs, templates and emails."),
    "draft_manager": marked("Prepare drafts of credentials; somebody else issues them."),
    "designer": marked("Edit designs."),
    "viewer": marked("Look at everything, change nothing."),
}


async def show(visit: WorkspaceVisit) -> Response:
    return await _page(visit, {"role": "viewer"}, {})


async def submit_invitation(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    email, role = form.text("email"), form.text("role")
    try:
        # Who sends mails to many strangers by this form is stopped.
        visit.platform.sign_in_guard.count_invitation(email, visit.workspace_id)
        await visit.write(
            lambda tx: invite(tx, visit.member, email=email, role=role, at=visit.at),
            action="invitation.made",
            subject=lambda made: made.id,
            details={"email": email.strip(), "role": role},
        )
    except Invalid as fault:
        return await _page(visit, form.values(), faults_of(fault))
    except (Conflict, Forbidden) as refusal:
        return await _page(visit, form.values(), {"email": refusal.message})
    except RateLimited:
        return await _page(visit, form.values(), {"email": _("Too many invitations were sent. Try again in an hour.")})
    return visit.go(visit.url("/team"), _("An invitation goes to %(email)s.") % {"email": email.strip()})


async def submit_send_again(visit: WorkspaceVisit) -> Response:
    await visit.form()
    invitation_id = visit.parameter("id")
    return await _change(
        visit,
        lambda tx: send_again(tx, visit.member, invitation_id, at=visit.at),
        "invitation.sent_again",
        invitation_id,
        _("The invitation is sent again; the link before works no more."),
    )


async def submit_withdraw(visit: WorkspaceVisit) -> Response:
    await visit.form()
    invitation_id = visit.parameter("id")
    return await _change(
        visit,
        lambda tx: withdraw(tx, visit.member, invitation_id),
        "invitation.withdrawn",
        invitation_id,
        _("The invitation is withdrawn; its link works no more."),
    )


async def submit_role(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    account_id, role = visit.parameter("id"), form.text("role")
    try:
        checked_role(role)
        before = await visit.read(lambda tx: get_membership(tx, visit.workspace_id, account_id))
    except (Invalid, NotFound) as failure:
        return visit.go(visit.url("/team"), failure.message, kind="bad")
    return await _change(
        visit,
        lambda tx: change_role(tx, visit.member, account_id, role),
        "member.role_changed",
        account_id,
        _("The role is changed."),
        details={"from": before.role, "to": role},
        undo=Undo(visit.url(f"/team/members/{account_id}/role"), {"role": before.role}),
    )


async def submit_removal(visit: WorkspaceVisit) -> Response:
    await visit.form()
    account_id = visit.parameter("id")
    return await _change(
        visit,
        lambda tx: remove_member(tx, visit.member, account_id),
        "member.removed",
        account_id,
        _("This person is no member of the workspace any more."),
    )


async def leave(visit: WorkspaceVisit) -> Response:
    await visit.form()
    return await _change(
        visit,
        lambda tx: remove_member(tx, visit.member, visit.account.id),
        "member.left",
        visit.account.id,
        _("You have left %(workspace)s.") % {"workspace": visit.workspace.name},
        then="/workspaces",
    )


async def _change(
    visit: WorkspaceVisit,
    work: Callable[[Transaction], object],
    action: str,
    subject: str,
    notice: str,
    *,
    details: dict[str, str] | None = None,
    undo: Undo | None = None,
    then: str = "",
) -> Response:
    try:
        await visit.write(work, action=action, subject=subject, details=details)
    except (Conflict, Forbidden, NotFound) as failure:
        return visit.go(visit.url("/team"), failure.message, kind="bad")
    return visit.go(then or visit.url("/team"), notice, undo=undo)


async def _page(visit: WorkspaceVisit, values: dict[str, str], faults: dict[str, str]) -> Response:
    members, invitations = await visit.read(
        lambda tx: (
            list_members(tx, visit.workspace_id),
            list_invitations(tx, visit.workspace_id, at=visit.at) if visit.may("manage_team") else [],
        )
    )
    owners = sum(member.role == "owner" for member in members)
    # Nobody gives a role above their own.
    given = ROLES[ROLES.index(visit.member.role) :]
    context = {
        "members": members,
        "invitations": invitations,
        "given": given,
        "is_only_owner": owners == 1 and visit.member.role == "owner",
        "owners": owners,
        "role_names": {role: _(name) for role, name in ROLE_NAMES.items()},
        "role_texts": {role: _(text) for role, text in ROLE_TEXTS.items()},
        "values": values,
        "faults": faults,
    }
    return visit.page("team/show.html", context, status=422 if faults else 200)


SCREENS = (
    in_workspace("GET", "/team", show, "view"),
    in_workspace("POST", "/team/invitations", submit_invitation, "manage_team"),
    in_workspace("POST", "/team/invitations/{id}/send-again", submit_send_again, "manage_team"),
    in_workspace("POST", "/team/invitations/{id}/withdraw", submit_withdraw, "manage_team"),
    in_workspace("POST", "/team/members/{id}/role", submit_role, "manage_team"),
    in_workspace("POST", "/team/members/{id}/remove", submit_removal, "manage_team"),
    in_workspace("POST", "/team/leave", leave, "view"),
)
