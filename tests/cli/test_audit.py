"""What operators do by commands stands in the audit log of the workspace it was done to, with who did it."""

import getpass
import json

import pytest

from testamur.audit.model import Actor
from testamur.audit.queries import AuditFilter, list_entries
from testamur.db import Database
from testamur.workspaces.queries import list_workspaces


@pytest.fixture
def entries(tmp_path):
    """Actions and subjects of a workspace by its slug, the oldest first."""

    def call(slug):
        database = Database(f"sqlite:///{tmp_path / 'data' / 'testamur.db'}")
        try:
            with database.read() as tx:
                (workspace,) = [item for item in list_workspaces(tx) if item.slug == slug]
                found = list_entries(tx, workspace.id, AuditFilter(), None, 100).items[::-1]
        finally:
            database.close()
        assert {entry.actor for entry in found} == {Actor("operator", "", getpass.getuser())}
        return [(entry.action, entry.subject, entry.details) for entry in found]

    return call


def test_commands_that_change_a_workspace_are_in_its_log(testamur, set_up, entries):
    first = entries("default")
    assert [action for action, _, _ in first] == ["workspace.created", "access_token.created"]
    testamur("workspace", "create", "Rival", "--slug", "rival")
    token = json.loads(testamur("token", "create", "script", "--workspace", "default", "--json").stdout)
    testamur("token", "revoke", token["id"], "--workspace", "default")
    testamur("workspace", "update", "default", "--name", "Meridian")
    testamur("workspace", "plan", "default")
    made = json.loads(testamur("keys", "rotate", "--algorithm", "Ed25519", "--workspace", "default", "--json").stdout)
    design = json.loads(testamur("design", "add", "ticket", "--workspace", "default", "--json").stdout)
    testamur("recipient", "erase", "ada@example.com", "--workspace", "default", "--yes")
    listed = json.loads(testamur("keys", "list", "--workspace", "default", "--json").stdout)
    (before,) = [key["id"] for key in listed if key["algorithm"] == "Ed25519" and key["id"] != made[0]["id"]]
    testamur("keys", "compromised", before, "--workspace", "default", "--yes")
    assert entries("default")[2:] == [
        ("access_token.created", token["id"], {"name": "script"}),
        ("access_token.revoked", token["id"], {}),
        ("workspace.updated", None, {}),
        ("workspace.plan_changed", None, {"plan": None}),
        ("signing_key.rotated", made[0]["id"], {"algorithm": "Ed25519"}),
        ("design.created", design["id"], {}),
        ("recipient.erased", None, {"credentials": 0}),
        ("signing_key.compromised", before, {}),
    ]
    assert [action for action, _, _ in entries("rival")] == ["workspace.created"]


def test_what_fails_is_not_in_the_log(testamur, set_up, entries):
    testamur("token", "revoke", "01fpwtztwf7sacca5r0c483mnm", exit_code=1)
    testamur("workspace", "update", "default", "--name", " ", exit_code=1)
    assert len(entries("default")) == 2
