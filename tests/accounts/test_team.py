"""Who works in a workspace: invitations, roles, and who may change which."""

from datetime import timedelta
from inspect import signature

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from testamur.accounts.founding import found_workspace, may_found
from testamur.accounts.inviting import (
    INVITATION_VALID,
    accept,
    accept_with_new_account,
    find_invitation,
    has_account,
    invite,
    list_invitations,
    send_again,
    withdraw,
)
from testamur.accounts.members import change_role, remove_member
from testamur.accounts.queries import find_account, find_membership, list_members, list_memberships
from testamur.accounts.roles import ALLOWED, PERMISSIONS, ROLES
from testamur.accounts.tables import invitations, memberships
from testamur.audit.tables import audit_entries
from testamur.clock import now
from testamur.delivery.tables import emails
from testamur.designs.queries import list_designs
from testamur.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from testamur.worker.schedules import clean_up


@pytest.fixture
def do(platform):
    """One transaction of a rule."""

    def call(work, *arguments, **named):
        with platform.database.write() as tx:
            if "at" in signature(work).parameters:
                named.setdefault("at", now())
            return work(tx, *arguments, **named)

    return call


def roles_in(platform, tenant):
    with platform.database.read() as tx:
        return {member.email.partition("@")[0]: member.role for member in list_members(tx, tenant.workspace.id)}


def recorded(platform, tenant):
    with platform.database.read() as tx:
        rows = tx.execute(select(audit_entries).where(audit_entries.c.workspace_id == tenant.workspace.id)).all()
    return [(row.action, row.actor_name, row.client, row.details) for row in rows]


def test_each_role_may_do_what_the_ones_below_it_may_or_something_of_its_own():
    assert ALLOWED["owner"] == set(PERMISSIONS)
    assert ALLOWED["viewer"] == {"view"}
    assert ALLOWED["viewer"] < ALLOWED["designer"] < ALLOWED["manager"] < ALLOWED["admin"] < ALLOWED["owner"]
    assert ALLOWED["viewer"] < ALLOWED["draft_manager"] < ALLOWED["manager"]
    assert "issue_credentials" not in ALLOWED["draft_manager"] | ALLOWED["designer"]
    assert [role for role in ROLES if "manage_team" in ALLOWED[role]] == ["owner", "admin"]


def test_an_invited_stranger_makes_an_account_there_and_joins(
    platform, tenant, other_tenant, person, acting, do, mails, token_in
):
    ada = person("ada@example.com", owner=tenant)
    made = do(invite, acting(ada, tenant), email=" Bob@example.com ", role="manager")
    assert (made.email, made.role, made.inviter_name) == ("Bob@example.com", "manager", "Ada")
    with platform.database.read() as tx:
        assert tx.execute(select(invitations.c.secret_hash)).scalars().all() == [None]
    ((to, subject, body),) = mails()
    assert (to, subject) == ("Bob@example.com", "You are invited to Meridian Institute")
    assert "Ada invites you" in body
    token = token_in(body)
    with platform.database.read() as tx:
        found = find_invitation(tx, token, at=now())
        assert found.id == made.id
        assert not has_account(tx, found)
        assert list_invitations(tx, other_tenant.workspace.id, at=now()) == []
    bob = do(accept_with_new_account, token, name="Bob", password_hash="hash", client="198.51.100.1")
    assert bob.email == "Bob@example.com"
    assert roles_in(platform, tenant) == {"ada": "owner", "Bob": "manager"}
    assert roles_in(platform, other_tenant) == {}
    with pytest.raises(Gone):
        do(accept, token, bob, client="")
    with pytest.raises(Gone):
        do(accept_with_new_account, token, name="Bob", password_hash="hash", client="")
    assert recorded(platform, tenant) == [
        ("invitation.accepted", "Bob@example.com", "198.51.100.1", {"role": "manager"})
    ]
    assert recorded(platform, other_tenant) == []


def test_an_account_joins_further_workspaces_with_its_own_address_only(
    platform, tenant, other_tenant, person, acting, do, mails, token_in
):
    ada, eve = person("ada@example.com", owner=tenant), person("eve@example.com")
    bob = person("bob@example.com", viewer=other_tenant)
    do(invite, acting(ada, tenant), email="BOB@example.com", role="designer")
    token = token_in(mails()[0][2])
    with pytest.raises(Forbidden, match="sign in with that address"):
        do(accept, token, eve, client="")
    with pytest.raises(Conflict):
        do(accept_with_new_account, token, name="Not Bob", password_hash="hash", client="")
    assert do(accept, token, bob, client="").role == "designer"
    with platform.database.read() as tx:
        of_bob = {membership.workspace.slug: membership.role for membership in list_memberships(tx, bob.id)}
    assert of_bob == {"meridian": "designer", "rival": "viewer"}


def test_invitations_end_are_withdrawn_and_are_sent_again(
    platform, tenant, other_tenant, person, acting, do, mails, token_in
):
    ada, eve = person("ada@example.com", admin=tenant), person("eve@example.com", owner=other_tenant)
    made = do(invite, acting(ada, tenant), email="bob@example.com", role="viewer")
    for foreign in (send_again, withdraw):
        with pytest.raises(NotFound):
            do(foreign, acting(eve, other_tenant), made.id)
    first = token_in(mails()[0][2])
    later = now() + timedelta(days=5)
    assert do(send_again, acting(ada, tenant), made.id, at=later).expires_at == later + INVITATION_VALID
    with platform.database.write() as tx:
        tx.execute(invitations.update().values(expires_at=now() + INVITATION_VALID))
        tx.execute(emails.update().where(emails.c.state == "queued").values(next_attempt_at=now()))
    second = token_in(mails()[0][2])
    with platform.database.read() as tx:
        assert find_invitation(tx, first, at=now()) is None
        assert find_invitation(tx, second, at=now())
        assert find_invitation(tx, second, at=now() + INVITATION_VALID) is None
    do(withdraw, acting(ada, tenant), made.id)
    with platform.database.read() as tx:
        assert find_invitation(tx, second, at=now()) is None
    do(invite, acting(ada, tenant), email="bob@example.com", role="viewer")
    do(withdraw, acting(ada, tenant), _only(platform, tenant).id)
    assert mails() == []


def _only(platform, tenant):
    with platform.database.read() as tx:
        (found,) = list_invitations(tx, tenant.workspace.id, at=now())
    return found


def test_who_has_a_place_or_an_invitation_gets_no_other(platform, tenant, other_tenant, person, acting, do):
    ada = person("ada@example.com", owner=tenant)
    person("bob@example.com", viewer=other_tenant)
    for address in ("Ada@example.com",):
        with pytest.raises(Conflict, match="member"):
            do(invite, acting(ada, tenant), email=address, role="viewer")
    do(invite, acting(ada, tenant), email="bob@example.com", role="viewer")
    with pytest.raises(Conflict, match="invited already"):
        do(invite, acting(ada, tenant), email="BOB@example.com", role="admin")
    for wrong in ({"email": "bob@", "role": "viewer"}, {"email": "b@example.com", "role": "king"}):
        with pytest.raises(Invalid):
            do(invite, acting(ada, tenant), **wrong)
    # One that is too old makes room.
    later = now() + INVITATION_VALID
    assert do(invite, acting(ada, tenant), email="bob@example.com", role="admin", at=later).role == "admin"
    clean_up(platform, later + INVITATION_VALID)
    with platform.database.read() as tx:
        assert tx.execute(select(invitations.c.id)).all() == []


def test_a_place_that_somebody_got_otherwise_is_kept_as_it_is(platform, tenant, person, acting, do, mails, token_in):
    ada, bob = person("ada@example.com", owner=tenant), person("bob@example.com")
    do(invite, acting(ada, tenant), email="bob@example.com", role="viewer")
    token = token_in(mails()[0][2])
    with platform.database.write() as tx:
        tx.execute(memberships.insert().values(
            workspace_id=tenant.workspace.id, account_id=bob.id, role="admin", created_at=now()
        ))  # fmt: skip
    assert do(accept, token, bob, client="").role == "admin"


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"owner", "admin"}])
def test_only_owners_and_admins_change_the_team(platform, tenant, person, acting, do, role):
    person("owner@example.com", owner=tenant)
    bob, viewer = person("bob@example.com", **{role: tenant}), person("viewer@example.com", viewer=tenant)
    for work, arguments in (
        (change_role, (viewer.id, "manager")),
        (change_role, (bob.id, "owner")),
        (remove_member, (viewer.id,)),
    ):
        with pytest.raises(Forbidden):
            do(work, acting(bob, tenant), *arguments)
    with pytest.raises(Forbidden):
        do(invite, acting(bob, tenant), email="new@example.com", role="viewer")
    do(remove_member, acting(bob, tenant), bob.id)
    assert "bob" not in roles_in(platform, tenant)


def test_nobody_makes_or_changes_who_is_above_them(platform, tenant, other_tenant, person, acting, do):
    owner, admin = person("owner@example.com", owner=tenant), person("admin@example.com", admin=tenant)
    viewer = person("viewer@example.com", viewer=tenant)
    for work, arguments in (
        (change_role, (viewer.id, "owner")),
        (change_role, (admin.id, "owner")),
        (change_role, (owner.id, "viewer")),
        (remove_member, (owner.id,)),
    ):
        with pytest.raises(Forbidden, match="Only an owner"):
            do(work, acting(admin, tenant), *arguments)
    with pytest.raises(Forbidden):
        do(invite, acting(admin, tenant), email="new@example.com", role="owner")
    invited = do(invite, acting(owner, tenant), email="new@example.com", role="owner")
    for work in (withdraw, send_again):
        with pytest.raises(Forbidden):
            do(work, acting(admin, tenant), invited.id)
    assert do(change_role, acting(admin, tenant), viewer.id, "admin").role == "admin"
    assert do(change_role, acting(owner, tenant), viewer.id, "owner").role == "owner"


def test_somebody_of_another_workspace_changes_nothing_here(platform, tenant, other_tenant, person, acting, do):
    person("owner@example.com", owner=tenant)
    rival = person("rival@example.com", owner=other_tenant)
    viewer = person("viewer@example.com", viewer=tenant)
    pretended = replace(acting(rival, other_tenant), workspace=tenant.workspace)
    for acts in (pretended, acting(rival, other_tenant)):
        for work, arguments in ((change_role, (viewer.id, "admin")), (remove_member, (viewer.id,))):
            with pytest.raises(NotFound):
                do(work, acts, *arguments)
    assert roles_in(platform, tenant) == {"owner": "owner", "viewer": "viewer"}
    with platform.database.read() as tx:
        assert find_membership(tx, rival.id, "meridian") is None


def test_the_role_of_who_acts_is_the_one_they_have_now(tenant, person, acting, do):
    owner, admin = person("owner@example.com", owner=tenant), person("admin@example.com", admin=tenant)
    as_admin = acting(admin, tenant)
    do(change_role, acting(owner, tenant), admin.id, "viewer")
    with pytest.raises(Forbidden):
        do(invite, as_admin, email="new@example.com", role="viewer")
    do(remove_member, acting(owner, tenant), admin.id)
    with pytest.raises(NotFound):
        do(invite, as_admin, email="new@example.com", role="viewer")


def test_a_workspace_always_has_an_owner(platform, tenant, other_tenant, person, acting, do):
    # Being the owner of another workspace helps nothing.
    ada = person("ada@example.com", owner=tenant)
    bob = person("bob@example.com", viewer=tenant, owner=other_tenant)
    for work, arguments in ((change_role, (ada.id, "admin")), (remove_member, (ada.id,))):
        with pytest.raises(Conflict, match="only owner"):
            do(work, acting(ada, tenant), *arguments)
    do(change_role, acting(ada, tenant), bob.id, "owner")
    do(remove_member, acting(ada, tenant), ada.id)
    assert roles_in(platform, tenant) == {"bob": "owner"}


def test_of_two_owners_who_leave_at_once_one_stays(platform, tenant, person, acting):
    from threading import Barrier, Thread

    owners = [person("ada@example.com", owner=tenant), person("bob@example.com", owner=tenant)]
    leaving = {owner.id: acting(owner, tenant) for owner in owners}
    barrier, refused = Barrier(2), []

    def leave(owner):
        barrier.wait()
        try:
            with platform.database.write() as tx:
                remove_member(tx, leaving[owner.id], owner.id)
        except Conflict as error:
            refused.append(error)

    threads = [Thread(target=leave, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert list(roles_in(platform, tenant).values()) == ["owner"]


def test_who_may_make_a_further_workspace_is_up_to_the_operator(platform, tenant, person, do):
    ada, bob, cyd = (
        person("ada@example.com", owner=tenant),
        person("bob@example.com", admin=tenant),
        person("c@example.com"),
    )
    with platform.database.read() as tx:
        allowed = {
            kind: [may_found(tx, who, kind) for who in (ada, bob, cyd)] for kind in ("owners", "everyone", "nobody")
        }
    assert allowed == {"owners": [True, False, False], "everyone": [True] * 3, "nobody": [False] * 3}
    options = {"time_zone": "Europe/Warsaw", "storage": platform.storage, "master_key": platform.master_key}
    made = do(found_workspace, ada, name="Night School", allowed="owners", **options, client="203.0.113.7")
    with platform.database.read() as tx:
        assert find_membership(tx, ada.id, made.slug).role == "owner"
        assert len(list_designs(tx, made.id, None, 10).items) == 2
        assert find_account(tx, "c@example.com") == cyd
    with pytest.raises(Forbidden):
        do(found_workspace, bob, name="Night School", allowed="owners", **options, client="")
    with pytest.raises(Conflict):
        do(found_workspace, ada, name="Night School", allowed="owners", **options, client="")
    with pytest.raises(Invalid):
        do(found_workspace, ada, name=" ", allowed="owners", **options, client="")
