"""A long import is signed by another process, beside the rows, and is the same as any other."""

import json
import subprocess
import sys
import time
from collections import Counter
from multiprocessing.connection import wait
from pathlib import Path

import pytest
from databases import on_one_database
from sqlalchemy import event, select, update
from sqlalchemy.engine import Engine

from testamur.clock import now
from testamur.credential_templates.tables import credential_templates
from testamur.credentials import signing_process
from testamur.credentials.signing_process import SigningProcess
from testamur.credentials.tables import signed_credentials
from testamur.imports import running
from testamur.openbadges.timestamps import read_timestamp
from testamur.plans import Plan
from testamur.worker.work import work_off
from testamur.workspaces.creating import set_plan

SHEET = "name,email\n" + "".join(f"Zoë {number},r{number}@example.com\n" for number in range(450))


@pytest.fixture
def taken(monkeypatch):
    """Imports of 450 rows are long, there are two cores, and the process is waited for; how many it took of each chunk."""
    counts = []
    take = SigningProcess.take

    def counted(self, *arguments):
        counts.append(take(self, *arguments))
        return counts[-1]

    monkeypatch.setattr(SigningProcess, "take", counted)
    monkeypatch.setattr(running, "ROWS_PER_CHUNK", 150)
    monkeypatch.setattr(running, "SIGNED_BESIDE_FROM", 300)
    monkeypatch.setattr(signing_process, "processors", lambda: 2)
    monkeypatch.setattr(signing_process, "wait", lambda sockets, _seconds: wait(sockets, 60))
    return counts


@pytest.fixture
def imported(api, client, tenant, group, platform):
    def call():
        query = {"groupId": group["id"], "start": "true"}
        made = client.post("/v1/imports", headers=tenant.headers, params=query, content=SHEET.encode()).json()
        work_off(platform)
        return api("GET", f"/imports/{made['id']}")

    return call


def check_documents(platform, tenant):
    with platform.database.write() as tx:
        rows = tx.execute(select(signed_credentials)).all()
        signer = platform.signers.of(tx, tenant.workspace, at=now()).signer
    assert len({row.list_index for row in rows}) == len(rows) == 450
    names = set()
    for row in rows:
        document = json.loads(row.document)
        created = read_timestamp(document["proof"][0]["created"])
        assert signer.sign(document, created=created) == document
        assert document["credentialStatus"]["statusListIndex"] == str(row.list_index)
        names.add(document["credentialSubject"]["identifier"][-1]["identityHash"])
    assert names == {f"Zoë {number}" for number in range(450)}


def test_a_long_import_is_signed_in_both_processes(imported, platform, tenant, taken):
    done = imported()
    assert (done["state"], done["created"], done["faulty"]) == ("completed", 450, 0)
    assert taken[0] == 0
    assert taken[1] == 75
    assert 0 < taken[2] <= 150
    check_documents(platform, tenant)


@on_one_database
def test_an_import_whose_signing_process_dies_is_signed_all_the_same(imported, platform, tenant, taken, monkeypatch):
    documents = SigningProcess.signed

    def die_first(self):
        self._process.kill()
        # It may have answered already; nothing more is handed to it once it is gone.
        self._process.wait()
        return documents(self)

    monkeypatch.setattr(SigningProcess, "signed", die_first)
    assert imported()["state"] == "completed"
    assert taken == [0, 75, 0]
    check_documents(platform, tenant)


def test_locks_are_taken_in_the_order_in_which_a_single_credential_takes_them(imported, platform, tenant, taken):
    """Else a credential that is issued at the same time and the import could wait for each other."""
    object.__setattr__(platform.settings, "plans", {"small": Plan(credentials_per_year=1000)})
    with platform.database.write() as tx:
        set_plan(tx, tenant.workspace.id, "small", at=now())
    transactions = [[]]

    def seen(_connection, _cursor, statement, *_rest):
        for table in ("status_lists", "credential_usage"):
            if statement.startswith(f"UPDATE {table} "):
                transactions[-1].append(table)

    def ended(_connection):
        transactions.append([])

    event.listen(Engine, "before_cursor_execute", seen)
    event.listen(Engine, "commit", ended)
    try:
        assert imported()["created"] == 450
    finally:
        event.remove(Engine, "before_cursor_execute", seen)
        event.remove(Engine, "commit", ended)
    # The first chunk makes the list and takes places for the second, which takes those for the third.
    both = ["status_lists", "credential_usage"]
    assert [each for each in transactions if each] == [both, both, both[1:]]
    assert taken[1] == 75


def test_what_was_signed_ahead_is_signed_anew_if_the_template_has_changed(
    imported, platform, tenant, taken, monkeypatch
):
    read, read_so_far = running.get_credential_template, []

    def read_in_turn(tx, *arguments):
        read_so_far.append(arguments)
        # The first time is before all chunks, the third in the transaction of the second.
        if len(read_so_far) == 3:
            tx.execute(update(credential_templates).values(name="Celestial Navigation"))
        return read(tx, *arguments)

    monkeypatch.setattr(running, "get_credential_template", read_in_turn)
    assert imported()["state"] == "completed"
    assert taken[:2] == [0, 75]
    check_documents(platform, tenant)
    with platform.database.read() as tx:
        documents = [json.loads(content) for content in tx.execute(select(signed_credentials.c.document)).scalars()]
    names = Counter(document["credentialSubject"]["achievement"]["name"] for document in documents)
    assert names == {"Financial Markets": 150, "Celestial Navigation": 300}


@on_one_database
def test_an_import_that_fails_ends_its_signing_process(imported, taken, monkeypatch):
    pids = []

    def fail(self):
        pids.append(self.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(SigningProcess, "signed", fail)
    with pytest.raises(KeyboardInterrupt):
        imported()
    assert not Path(f"/proc/{pids[0]}").exists()


def test_a_signing_process_takes_nothing_on_one_core_or_of_little():
    with SigningProcess(cores=1) as alone, SigningProcess(cores=2) as process:
        assert alone.take([None] * 500, None, None) == 0
        assert process.take([None] * 20, None, None) == 0
        assert (alone.pid, process.pid) == (None, None)


def test_what_cannot_be_signed_there_is_left_to_the_other_side():
    seconds, documents = signing_process._answer(bytearray(b"\xc1"))
    assert seconds >= 0
    assert documents is None


def test_a_signing_process_ends_when_its_user_is_killed():
    script = (
        "import os, signal\nfrom testamur.credentials.signing_process import SigningProcess\n"
        "process = SigningProcess(cores=2)\nprocess.take([None] * 500, None, None)\nprint(process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    pid = int(subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False).stdout)
    ends = time.monotonic() + 60
    while _is_running(pid) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not _is_running(pid)


def _is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
