"""The DIDs that a workspace signs under: recorded once each, and found by slug and host."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from testamur.workspaces.editing import update_workspace
from testamur.workspaces.issuer_identities import issuer_did, served_did
from testamur.workspaces.issuer_profile import issuer_profile

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OLD, NEW = "https://Badges.example:8443", "https://credentials.example"


@pytest.fixture
def sign_under(platform):
    def run(workspace, base_url):
        with platform.database.write() as tx:
            return issuer_did(tx, workspace, base_url, at=AT)

    return run


def served(platform, workspace, slug, host, base_url=NEW):
    with platform.database.read() as tx:
        return served_did(tx, workspace, slug, host=host, base_url=base_url)


def recorded(platform):
    with platform.database.read() as tx:
        return [tuple(row) for row in tx.execute(text("SELECT did, host, slug FROM issuer_identities ORDER BY did"))]


def test_each_did_is_recorded_once(platform, tenant, sign_under):
    for _ in range(2):
        assert sign_under(tenant.workspace, OLD) == "did:web:badges.example%3A8443:i:meridian"
        assert sign_under(tenant.workspace, NEW) == "did:web:credentials.example:i:meridian"
    assert recorded(platform) == [
        ("did:web:badges.example%3A8443:i:meridian", "badges.example:8443", "meridian"),
        ("did:web:credentials.example:i:meridian", "credentials.example", "meridian"),
    ]


def test_the_host_that_is_asked_chooses_among_what_was_signed_under(platform, tenant, other_tenant, sign_under):
    old, new = sign_under(tenant.workspace, OLD), sign_under(tenant.workspace, NEW)
    sign_under(other_tenant.workspace, "https://rival.example")
    assert served(platform, tenant.workspace, "meridian", "badges.EXAMPLE:8443") == old
    assert served(platform, tenant.workspace, "meridian", "credentials.example") == new
    # A proxy may call the server by any name; another's host is no better.
    for host in ("127.0.0.1:8000", "", "rival.example"):
        assert served(platform, tenant.workspace, "meridian", host) == new


def test_a_renamed_workspace_is_found_under_each_slug_by_its_own_did(platform, tenant, sign_under):
    old = sign_under(tenant.workspace, OLD)
    with platform.database.write() as tx:
        renamed = update_workspace(tx, tenant.workspace.id, slug="college", at=AT)
    new = sign_under(renamed, NEW)
    assert new == "did:web:credentials.example:i:college"
    assert served(platform, renamed, "meridian", "badges.example:8443") == old
    assert served(platform, renamed, "college", "badges.example:8443") == new
    assert served(platform, renamed, "meridian", "credentials.example") == "did:web:credentials.example:i:meridian"


def test_a_profile_holds_nothing_empty(tenant):
    assert issuer_profile(tenant.workspace, "did:web:x") == {
        "id": "did:web:x",
        "type": ["Profile"],
        "name": "Meridian Institute",
    }
