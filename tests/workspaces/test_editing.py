"""A workspace changes what it says of itself; what addresses hold of it stays its own."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from testamur.errors import Conflict, Invalid, NotFound
from testamur.workspaces.creating import create_workspace
from testamur.workspaces.editing import update_workspace
from testamur.workspaces.queries import find_workspace_by_slug, get_workspace

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = AT + timedelta(days=1)


@pytest.fixture
def update(platform, tenant):
    def run(workspace_id=tenant.workspace.id, **values):
        with platform.database.write() as tx:
            return update_workspace(tx, workspace_id, at=LATER, **values)

    return run


def by_slug(platform, slug):
    with platform.database.read() as tx:
        return find_workspace_by_slug(tx, slug)


def test_values_are_replaced_kept_and_cleared(update, platform, tenant, other_tenant):
    full = update(
        name="Meridian College",
        website_url="https://meridian.example",
        support_email="registrar@meridian.example",
        description="  A school by the sea.\nSince 1901. ",
        logo_url="https://meridian.example/logo.png",
    )
    assert (full.name, full.slug, full.description) == (
        "Meridian College",
        "meridian",
        "A school by the sea.\nSince 1901.",
    )
    assert (full.created_at, full.updated_at) == (tenant.workspace.created_at, LATER)
    with platform.database.read() as tx:
        assert get_workspace(tx, full.id) == full
        assert get_workspace(tx, other_tenant.workspace.id) == other_tenant.workspace
    kept = update(support_email=None, logo_url="")
    assert (kept.support_email, kept.logo_url, kept.website_url) == (None, None, "https://meridian.example")


def test_what_changes_nothing_leaves_the_time_of_the_last_change(update, tenant):
    assert update(name=tenant.workspace.name) == tenant.workspace


@pytest.mark.parametrize(
    ("values", "member"),
    [
        ({"name": " "}, "name"),
        ({"slug": "Meridian"}, "slug"),
        ({"slug": "a" * 64}, "slug"),
        ({"website_url": "meridian.example"}, "website_url"),
        ({"support_email": "registrar"}, "support_email"),
        ({"description": "x" * 2001}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"logo_url": "javascript:alert(1)"}, "logo_url"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_member_and_changes_nothing(update, platform, tenant, values, member):
    with pytest.raises(Invalid) as raised:
        update(**values)
    assert raised.value.problems[0].path == (member,)
    assert by_slug(platform, "meridian") == tenant.workspace


def test_an_unknown_workspace_is_not_found(update):
    with pytest.raises(NotFound):
        update("01arz3ndektsv4rrffq69g5fav", name="x")


def test_an_old_slug_leads_to_its_workspace_and_nobody_else_gets_it(update, platform, tenant, other_tenant):
    renamed = update(slug="meridian-college")
    assert renamed.slug == "meridian-college"
    assert by_slug(platform, "meridian") == by_slug(platform, "meridian-college") == renamed
    with pytest.raises(Conflict, match="the slug meridian already, or there was"):
        update(other_tenant.workspace.id, slug="meridian")
    with pytest.raises(Conflict, match="choose another"), platform.database.write() as tx:
        create_workspace(tx, name="Meridian", at=AT)
    with pytest.raises(Conflict):
        update(slug="rival")
    assert by_slug(platform, "rival") == other_tenant.workspace
    again = update(slug="meridian")
    assert (again.id, again.slug) == (tenant.workspace.id, "meridian")
    assert by_slug(platform, "meridian-college") == again


def test_of_two_that_want_a_slug_at_once_one_gets_it(update, platform, tenant, other_tenant):
    outcomes, barrier = [], threading.Barrier(2)

    def want(workspace_id):
        barrier.wait()
        try:
            outcomes.append(update(workspace_id, slug="wanted").id)
        except Conflict:
            outcomes.append("conflict")

    ids = (tenant.workspace.id, other_tenant.workspace.id)
    threads = [threading.Thread(target=want, args=(workspace_id,)) for workspace_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == sorted(["conflict", by_slug(platform, "wanted").id])


@pytest.mark.parametrize("slug", ["", "nobody", "a\x00b", "Meridian", "x" * 5000, "../meridian"])
def test_no_other_text_leads_to_a_workspace(platform, tenant, slug):
    assert by_slug(platform, slug) is None
