"""The page of a workspace's people."""

import pytest
from sqlalchemy import select

from testamur.accounts.inviting import invite, list_invitations
from testamur.accounts.queries import get_membership, list_members
from testamur.audit.tables import audit_entries
from testamur.clock import now
from testamur.delivery.tables import emails

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def roles_in(platform, tenant):
    with platform.database.read() as tx:
        return {member.email: member.role for member in list_members(tx, tenant.workspace.id)}


def actions(platform, tenant):
    with platform.database.read() as tx:
        rows = tx.execute(
            select(audit_entries.c.action, audit_entries.c.actor_name, audit_entries.c.details)
            .where(audit_entries.c.workspace_id == tenant.workspace.id)
            .order_by(audit_entries.c.at, audit_entries.c.id)
        )
        return [tuple(row) for row in rows]


@pytest.fixture
def me(staff, owner):
    return staff(owner)


def test_an_invitation_is_made_sent_again_and_withdrawn(me, platform, tenant, other_tenant, owner):
    assert me.post("~/team/invitations", {"email": "new@example.com", "role": "manager"}).status_code == 303
    for wrong in ({"email": "new@", "role": "manager"}, {"email": "x@example.com", "role": "king"},
                  {"email": "NEW@example.com", "role": "viewer"}, {"email": owner.email, "role": "viewer"}):  # fmt: skip
        answer = me.post("~/team/invitations", wrong)
        assert answer.status_code == 422
        assert 'class="fault"' in answer.text
    with platform.database.read() as tx:
        (made,) = list_invitations(tx, tenant.workspace.id, at=now())
        assert tx.execute(select(emails.c.kind, emails.c.to_address)).all() == [("invitation", "new@example.com")]
    assert "new@example.com" in me.get("~/team").text
    me.post(f"~/team/invitations/{made.id}/send-again")
    me.post(f"~/team/invitations/{made.id}/withdraw")
    assert "new@example.com" not in me.get("~/team").text
    assert [action for action, *_ in actions(platform, tenant)] == [
        "invitation.made", "invitation.sent_again", "invitation.withdrawn",
    ]  # fmt: skip
    assert actions(platform, other_tenant) == []


def test_a_role_is_changed_and_the_change_taken_back(me, client, platform, tenant, person, owner):
    viewer = person(tenant, "viewer")
    path = f"~/team/members/{viewer.account_id}/role"
    answer = me.post(path, {"role": "manager"})
    assert answer.headers["location"] == "/w/meridian/team"
    assert roles_in(platform, tenant)[viewer.email] == "manager"
    page = me.get(
        "~/team", headers={"Cookie": f"session={owner.session}; {answer.headers['set-cookie'].split(';')[0]}"}
    )
    assert "The role is changed." in page.text
    assert 'name="role" value="viewer"' in page.text
    me.post(path, {"role": "viewer"})
    me.post(path, {"role": "king"})
    assert roles_in(platform, tenant)[viewer.email] == "viewer"
    assert actions(platform, tenant) == [
        ("member.role_changed", owner.email, {"from": "viewer", "to": "manager"}),
        ("member.role_changed", owner.email, {"from": "manager", "to": "viewer"}),
    ]


def test_members_are_removed_and_leave(me, staff, platform, tenant, person, owner):
    viewer, designer = person(tenant, "viewer"), person(tenant, "designer")
    me.post(f"~/team/members/{viewer.account_id}/remove")
    assert staff(viewer).get("/w/meridian").status_code == 404
    left = staff(designer).post("~/team/leave")
    assert left.headers["location"] == "/workspaces"
    assert me.post("~/team/leave").headers["location"] == "/w/meridian/team"
    assert roles_in(platform, tenant) == {owner.email: "owner"}
    assert [action for action, *_ in actions(platform, tenant)] == ["member.removed", "member.left"]


def test_an_admin_is_offered_and_allowed_nothing_above(staff, platform, tenant, person, owner):
    admin, viewer = staff(person(tenant, "admin")), person(tenant, "viewer")
    with platform.database.write() as tx:
        by = get_membership(tx, tenant.workspace.id, owner.account_id)
        invited = invite(tx, by, email="second@example.com", role="owner", at=now())
    page = admin.get("~/team").text
    assert 'value="owner"' not in page
    assert f"/team/members/{owner.account_id}/" not in page
    assert f"/team/invitations/{invited.id}/" not in page
    admin.post(f"~/team/members/{viewer.account_id}/role", {"role": "owner"})
    admin.post(f"~/team/members/{owner.account_id}/role", {"role": "viewer"})
    admin.post(f"~/team/members/{owner.account_id}/remove")
    admin.post(f"~/team/invitations/{invited.id}/withdraw")
    assert admin.post("~/team/invitations", {"email": "x@example.com", "role": "owner"}).status_code == 422
    assert roles_in(platform, tenant) == {
        owner.email: "owner", "admin@meridian.example": "admin", viewer.email: "viewer",
    }  # fmt: skip
    assert actions(platform, tenant) == []
    with platform.database.read() as tx:
        assert len(list_invitations(tx, tenant.workspace.id, at=now())) == 1


def test_others_see_the_team_and_change_nothing(staff, person, tenant, other_tenant, owner):
    person(other_tenant, "owner")
    page = staff(person(tenant, "viewer")).get("~/team").text
    assert owner.email in page
    assert "rival" not in page.lower()
    for part in ("/role", "/remove", "/team/invitations"):
        assert part not in page
    assert "/team/leave" in page


def test_somebody_of_another_workspace_is_not_reached(staff, platform, person, tenant, other_tenant, owner):
    rival = staff(person(other_tenant, "owner"))
    rival.post(f"~/team/members/{owner.account_id}/role", {"role": "viewer"})
    rival.post(f"~/team/members/{owner.account_id}/remove")
    assert roles_in(platform, tenant) == {owner.email: "owner"}


def test_a_workspace_does_not_send_mails_without_end(me):
    answers = [
        me.post("~/team/invitations", {"email": f"a{number}@example.com", "role": "viewer"}) for number in range(101)
    ]
    assert {answer.status_code for answer in answers[:100]} == {303}
    assert "Too many invitations" in answers[100].text
