"""What operators script against: output, errors and exit codes of the commands."""

import json

import pytest


def test_help_reads_well_and_every_command_has_some(testamur):
    shown = testamur("--help").stdout
    for name in ("serve", "migrate", "bootstrap", "workspace", "token", "design", "issue"):
        assert name in shown
        assert "Usage: testamur" in testamur(name, "--help").stdout
    # A summary that click had to cut ends in three dots.
    assert not [
        line
        for line in shown.split("Commands:")[1].splitlines()
        if line.startswith("  ") and "..." in line and "TESTAMUR" not in line
    ]
    assert testamur("--version").stdout.startswith("testamur, version ")


def test_bootstrap_prints_one_object_and_a_repeat_only_makes_a_new_token(testamur, set_up):
    assert sorted(set_up) == ["designs", "token", "urls", "workspace"]
    assert sorted(set_up["workspace"]) == ["id", "name", "slug"]
    assert [(sorted(design), design["type"]) for design in set_up["designs"]] == [
        (["id", "name", "type"], "certificate"),
        (["id", "name", "type"], "badge"),
    ]
    assert set_up["urls"] == {"api": "http://127.0.0.1:8000/v1", "wallet": "http://127.0.0.1:8000/credentials"}
    again = json.loads(testamur("bootstrap", "--json").stdout)
    assert again.pop("token") != set_up["token"]
    assert again == {name: value for name, value in set_up.items() if name != "token"}
    assert "Access token" in testamur("bootstrap").stdout


def test_tokens_are_made_listed_and_revoked(testamur, set_up):
    made = json.loads(testamur("token", "create", "For the shop", "--json").stdout)
    assert made["token"].startswith("tst_")
    listed = json.loads(testamur("token", "list", "--json").stdout)
    assert [token["name"] for token in listed] == ["bootstrap", "For the shop"]
    assert made["token"] not in json.dumps(listed)
    assert made["token"] not in testamur("token", "list").stdout
    testamur("token", "revoke", made["id"])
    assert json.loads(testamur("token", "list", "--json").stdout)[1]["revokedAt"] is not None
    again = testamur("token", "revoke", made["id"], exit_code=1)
    assert again.stderr == "testamur: There is no such access token in force in this workspace\n"


def test_a_second_workspace_must_be_named_in_commands(testamur, set_up):
    made = json.loads(testamur("workspace", "create", "Żółw Academy", "--time-zone", "Europe/Warsaw", "--json").stdout)
    assert made["slug"] == "zolw-academy"
    listed = json.loads(testamur("workspace", "list", "--json").stdout)
    assert [workspace["slug"] for workspace in listed] == ["default", "zolw-academy"]
    assert "zolw-academy" in testamur("workspace", "list").stdout
    assert "--workspace" in testamur("token", "list", exit_code=2).stderr
    assert json.loads(testamur("token", "list", "--workspace", "zolw-academy", "--json").stdout) == []
    assert "no workspace nope" in testamur("token", "list", "--workspace", "nope", exit_code=1).stderr
    assert "slug" in testamur("workspace", "create", "Other", "--slug", "default", exit_code=1).stderr.lower()
    assert "time zone" in testamur("workspace", "create", "x", "--time-zone", "Mars", exit_code=1).stderr.lower()


def test_a_design_is_imported_or_told_why_not(testamur, set_up, tmp_path):
    document = {"version": 1, "page": {"size": "A4"}, "elements": []}
    file = tmp_path / "design.json"
    file.write_text(json.dumps({"name": "Plain", "type": "certificate", "document": document}))
    made = json.loads(testamur("design", "import", file, "--json").stdout)
    assert (made["name"], made["type"]) == ("Plain", "certificate")
    assert "Added the certificate design Plain" in testamur("design", "import", file).stdout
    document["page"]["sice"] = "A4"
    file.write_text(json.dumps({"name": "Plain", "type": "certificate", "document": document}))
    told = testamur("design", "import", file, exit_code=1).stderr
    assert told == "testamur: document.page.sice: Is not a member; did you mean size?\n"


def test_migrate_tells_what_it_did(testamur):
    assert testamur("migrate").stdout.startswith("Applied 0001")
    assert testamur("migrate").stdout == "The database is up to date\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "exit_code", "told"),
    [
        (["nonsense"], {}, 2, "No such command"),
        (["token"], {}, 2, "Usage"),
        (["serve", "--port", "99999"], {}, 2, "--port"),
        (["migrate"], {"TESTAMUR_DATABSE_URL": "x"}, 2, "did you mean TESTAMUR_DATABASE_URL?"),
        (["migrate"], {"TESTAMUR_DATA_DIR": "/dev/null/x"}, 2, "TESTAMUR_DATA_DIR cannot be used"),
        (["migrate"], {"TESTAMUR_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/n"}, 1, "database cannot be used"),
        (["token", "list"], {}, 1, "There is no workspace yet"),
    ],
)
def test_a_wrong_call_is_told_on_stderr_with_its_exit_code(testamur, arguments, environment, exit_code, told):
    done = testamur(*arguments, exit_code=exit_code, **environment)
    assert told in done.stderr
    assert "hunter2" not in done.stderr
    assert done.stdout == ""


def test_a_design_of_the_gallery_is_added_or_told_why_not(testamur, set_up):
    listed = json.loads(testamur("design", "gallery", "--json").stdout)
    assert {"name": "round-badge", "title": "Round badge", "type": "badge"} in listed
    assert "round-badge" in testamur("design", "gallery").stdout
    made = json.loads(testamur("design", "add", "round-badge", "--json").stdout)
    assert (made["name"], made["type"]) == ("Round badge", "badge")
    assert "Added the certificate design Event ticket" in testamur("design", "add", "ticket").stdout
    assert "it has certificate, badge" in testamur("design", "add", "nothing", exit_code=1).stderr
