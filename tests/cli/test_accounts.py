"""Accounts by command: the owner that the first set-up makes, and what operators do for who cannot get in."""

import json

import pytest
from sqlalchemy import delete

from testamur.accounts.links import make_link
from testamur.accounts.queries import find_account, find_membership, list_accounts
from testamur.accounts.second_factor import begin_second_factor
from testamur.accounts.sessions import begin_session, find_session
from testamur.accounts.signing_in import find_password
from testamur.accounts.tables import accounts
from testamur.cli.setup import make_first_owner
from testamur.clock import now
from testamur.config import Settings
from testamur.web.platform import open_platform


@pytest.fixture
def platform(tmp_path):
    """What the commands work on."""
    opened = open_platform(Settings(data_dir=tmp_path / "data"))
    yield opened
    opened.close()


def is_right(platform, email, password):
    with platform.database.read() as tx:
        return find_password(tx, email).is_right(password)


def test_the_first_set_up_makes_an_owner_who_can_sign_in(testamur, set_up, platform):
    owner = set_up["owner"]
    assert owner["email"] == "owner@testamur.internal"
    assert is_right(platform, **owner)
    with platform.database.read() as tx:
        (account,) = list_accounts(tx)
        assert find_membership(tx, account.id, "default").role == "owner"
    again = testamur("bootstrap").stdout
    assert owner["password"] not in again
    assert "Password" not in again


def test_the_owner_has_the_address_that_the_settings_say(testamur, platform):
    shown = testamur("bootstrap", TESTAMUR_OWNER_EMAIL="ada@example.com").stdout
    (password,) = [line.split()[1] for line in shown.splitlines() if line.startswith("Password")]
    assert "http://127.0.0.1:8000/sign-in" in shown
    assert is_right(platform, "ada@example.com", password)


def test_workspaces_of_a_version_without_accounts_get_an_owner_once(testamur, set_up, platform):
    testamur("workspace", "create", "Rival Institute")
    with platform.database.write() as tx:
        tx.execute(delete(accounts))
    made = make_first_owner(platform)
    assert is_right(platform, made.email, made.password)
    with platform.database.read() as tx:
        account = find_account(tx, made.email)
        assert [find_membership(tx, account.id, slug).role for slug in ("default", "rival-institute")] == ["owner"] * 2
    assert make_first_owner(platform) is None


def test_accounts_are_made_listed_and_given_places(testamur, set_up, platform, tmp_path):
    testamur("workspace", "create", "Rival Institute")
    made = json.loads(testamur("account", "create", "Ada@example.com", "--name", "Ada", "--json").stdout)
    assert (made["email"], made["name"], made["workspaces"]) == ("Ada@example.com", "Ada", {})
    assert is_right(platform, "ada@example.com", made["password"])
    placed = testamur(
        "account", "create", "ada@example.com", "--workspace", "rival-institute", "--role", "viewer"
    ).stdout
    assert "Password" not in placed
    assert is_right(platform, "ada@example.com", made["password"])
    listed = {item["email"]: item for item in json.loads(testamur("account", "list", "--json").stdout)}
    assert listed["Ada@example.com"]["workspaces"] == {"rival-institute": "viewer"}
    assert listed["owner@testamur.internal"]["workspaces"] == {"default": "owner"}
    assert "rival-institute: viewer" in testamur("account", "list").stdout
    for again in ([], ["--workspace", "rival-institute"]):
        assert "already" in testamur("account", "create", "ada@example.com", *again, exit_code=1).stderr
    assert "no workspace" in testamur("account", "create", "x@example.com", "--workspace", "none", exit_code=1).stderr
    file = tmp_path / "password"
    file.write_text("seven purple otters juggle\nmore\n")
    shown = testamur("account", "create", "eve@example.com", "--password-file", file).stdout
    assert "otters" not in shown
    assert is_right(platform, "eve@example.com", "seven purple otters juggle")
    file.write_text("password123\n")
    assert (
        "easy to guess" in testamur("account", "create", "z@example.com", "--password-file", file, exit_code=1).stderr
    )


def test_who_cannot_get_in_is_helped(testamur, set_up, platform):
    owner = set_up["owner"]
    with platform.database.write() as tx:
        account = find_account(tx, owner["email"])
        begin_second_factor(tx, account, site="here", master_key=platform.master_key, at=now())
        tx.execute(accounts.update().values(has_second_factor=True))
        session = begin_session(tx, account.id, user_agent="", client="", at=now())
        make_link(tx, account.id, "second_step", valid=now() - now(), at=now())
    shown = json.loads(testamur("account", "password", owner["email"], "--json").stdout)
    assert is_right(platform, owner["email"], shown["password"])
    assert not is_right(platform, **owner)
    testamur("account", "remove-second-factor", owner["email"].upper())
    with platform.database.read() as tx:
        assert find_session(tx, session, at=now()) is None
        assert not find_account(tx, owner["email"]).has_second_factor
    for command in ("password", "remove-second-factor"):
        assert "There is no account" in testamur("account", command, "nobody@example.com", exit_code=1).stderr
