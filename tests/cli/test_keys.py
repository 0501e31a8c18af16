"""Keys as operators handle them, and a master key that is not the database's."""

import json
import os
import shutil
from base64 import b64encode

import pytest

OTHER_KEY = b64encode(os.urandom(32)).decode()


def listed(testamur, *arguments):
    return json.loads(testamur("keys", "list", "--json", *arguments).stdout)


def test_keys_are_listed_and_rotated(testamur, set_up):
    first = listed(testamur)
    assert sorted((key["algorithm"], key["state"]) for key in first) == [("Ed25519", "active"), ("RS256", "active")]
    assert sorted(first[0]) == [
        "activeFrom", "algorithm", "compromisedAt", "createdAt", "id", "reason", "retiredAt", "state",
    ]  # fmt: skip
    table = [line.split() for line in testamur("keys", "list").stdout.splitlines()[1:]]
    assert [row[:3] for row in table] == [[key["id"], key["algorithm"], "active"] for key in first]
    (made,) = json.loads(testamur("keys", "rotate", "--algorithm", "Ed25519", "--json").stdout)
    assert made["state"] == "next"
    assert [key["id"] for key in listed(testamur)][-1] == made["id"]
    again = testamur("keys", "rotate", exit_code=1)
    assert again.stderr.startswith(f"testamur: The new key {made['id']} is published already and signs from ")
    assert len(listed(testamur)) == 3
    told = testamur("keys", "rotate", "--algorithm", "RS256").stdout
    assert told.startswith("Published the RS256 key ")
    assert told.endswith(" UTC\n")


def test_the_key_that_signs_is_not_retired_and_one_that_waits_is(testamur, set_up):
    active = next(key for key in listed(testamur) if key["algorithm"] == "Ed25519")
    assert testamur("keys", "retire").stdout == "No key waits to be retired\n"
    assert "say --yes" in testamur("keys", "retire", active["id"], exit_code=2).stderr
    assert "is the one that signs" in testamur("keys", "retire", active["id"], "--yes", exit_code=1).stderr
    (waits,) = json.loads(testamur("keys", "rotate", "--algorithm", "Ed25519", "--json").stdout)
    # All or none.
    testamur("keys", "retire", waits["id"], active["id"], "--yes", exit_code=1)
    assert testamur("keys", "retire", waits["id"], "--yes").stdout == f"Retired {waits['id']}\n"
    states = {key["id"]: key["state"] for key in listed(testamur)}
    assert (states[active["id"]], states[waits["id"]]) == ("active", "retired")
    missing = testamur("keys", "retire", "nonsense", "--yes", exit_code=1).stderr
    assert missing == "testamur: The workspace default has no key nonsense; testamur keys list shows those it has\n"


def test_a_compromised_key_is_replaced_and_another_workspace_keeps_its_own(testamur, set_up):
    testamur("workspace", "create", "Rival")
    theirs = listed(testamur, "--workspace", "rival")
    ours = ("--workspace", "default")
    assert "--workspace" in testamur("keys", "list", exit_code=2).stderr
    stolen = next(key["id"] for key in listed(testamur, *ours) if key["algorithm"] == "RS256")
    assert "say --yes" in testamur("keys", "compromised", stolen, *ours, exit_code=2).stderr
    assert "has no key" in testamur("keys", "compromised", theirs[0]["id"], *ours, exit_code=1).stderr
    assert "has no key nope" in testamur("keys", "compromised", "nope", *ours, exit_code=1).stderr
    command = ("keys", "compromised", stolen, *ours, "--reason", "Backup was lost", "--yes")
    told = testamur(*command).stdout.splitlines()
    states = {key["id"]: key for key in listed(testamur, *ours)}
    (fresh,) = (key for key in states.values() if (key["algorithm"], key["state"]) == ("RS256", "active"))
    assert told == [
        f"{stolen} is trusted no more",
        f"{fresh['id']} signs from now on",
        "0 credentials are signed anew",
    ]
    assert (states[stolen]["state"], states[stolen]["reason"]) == ("compromised", "Backup was lost")
    assert "already" in testamur(*command, exit_code=1).stderr
    made = json.loads(testamur("keys", "compromised", fresh["id"], *ours, "--yes", "--json").stdout)
    assert (made["id"], made["state"], made["credentialsSignedAnew"]) == (fresh["id"], "compromised", 0)
    assert made["replacement"] in {key["id"] for key in listed(testamur, *ours)}
    assert listed(testamur, "--workspace", "rival") == theirs


@pytest.mark.parametrize("command", [("serve", "--port", "1"), ("worker",), ("migrate",), ("token", "create", "x")])
def test_a_wrong_master_key_stops_the_start(testamur, set_up, command):
    told = testamur(*command, exit_code=1, TESTAMUR_MASTER_KEY=OTHER_KEY)
    assert told.stderr.endswith(
        "testamur: TESTAMUR_MASTER_KEY is not the master key that this database was used with; set it to that one "
        "(docs/keys.md tells where to look)\n"
    )
    assert OTHER_KEY not in told.stderr
    assert told.stdout == ""


def test_a_lost_master_key_file_stops_the_start_until_it_is_back(testamur, set_up, tmp_path):
    file, copy = tmp_path / "data" / "master.key", tmp_path / "copy"
    shutil.move(file, copy)
    told = testamur("migrate", exit_code=1).stderr
    assert f"The master key in {file} is not the one that this database was used with; put that file back" in told
    testamur("migrate", TESTAMUR_MASTER_KEY_FILE=str(copy))
    shutil.copy(copy, file)
    testamur("migrate")
