"""The log as operators look at it."""

import json
import sqlite3
from contextlib import closing

import pytest

from testamur.clock import now
from testamur.config import Settings
from testamur.web.platform import open_platform
from testamur.worker.schedules import append_to_log


@pytest.fixture
def append(set_up, tmp_path):
    def run():
        platform = open_platform(Settings(data_dir=tmp_path / "data", rendering_processes=1))
        append_to_log(platform, now())
        platform.close()

    return run


def test_the_state_of_the_log_is_told(testamur, set_up, append):
    told = testamur("log", "status").stdout
    assert told.startswith("The log has no entries yet\n2 wait to be entered since ")
    assert json.loads(testamur("log", "status", "--json").stdout)["pending"] == 2
    append()
    status = json.loads(testamur("log", "status", "--json").stdout)
    assert (status["entries"], status["pending"], status["pendingSince"]) == (3, 0, None)
    assert status["checkpoint"].split("\n")[1:3] == ["3", status["root"]]
    lines = testamur("log", "status").stdout.splitlines()
    assert lines[0].startswith("3 entries, signed ")
    assert lines[1:] == [f"Root {status['root']}", f"Key  {status['keys'][0]}"]


def test_a_log_is_verified_and_a_changed_one_is_found(testamur, set_up, append, tmp_path):
    append()
    checkpoint = json.loads(testamur("log", "status", "--json").stdout)["checkpoint"]
    kept = tmp_path / "kept.txt"
    kept.write_text(checkpoint, encoding="utf-8")
    root = checkpoint.split("\n")[2]
    told = testamur("log", "verify", "--checkpoint", kept)
    assert told.stdout == f"3 entries agree with 1 tree heads; the root is {root}\n"
    assert json.loads(testamur("log", "verify", "--json").stdout) == {
        "entries": 3,
        "heads": 1,
        "root": root,
        "fault": None,
    }
    with closing(sqlite3.connect(tmp_path / "data" / "testamur.db")) as connection, connection:
        connection.execute("UPDATE log_entries SET kind = 'retire' WHERE \"index\" = 1")
    assert testamur("log", "verify", exit_code=1).stderr.endswith("testamur: Entry 1 is not what was entered\n")
    assert (
        json.loads(testamur("log", "verify", "--json", exit_code=1).stdout)["fault"]
        == "Entry 1 is not what was entered"
    )
    assert testamur("log", "verify", "--checkpoint", tmp_path / "nothing", exit_code=2).stdout == ""
