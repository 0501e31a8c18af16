"""Mending faulty rows, starting later, cancelling and going on: whatever is done, each row is issued once."""

import csv
import io
from collections import Counter
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import text

from testamur.clock import now
from testamur.errors import Conflict, Invalid, NotFound
from testamur.imports import running
from testamur.imports.controlling import KEPT, cancel_import, resume_import, start_import, start_now
from testamur.imports.mending import list_faulty_rows, mend_rows, mended_rows, store_check
from testamur.imports.preparing import file_key, look_through
from testamur.imports.queries import get_import
from testamur.imports.results import results_as_csv, results_as_workbook
from testamur.worker.schedules import clean_up
from testamur.worker.work import work_off


class Imported:
    """An import of a workspace, and what its pages do with it."""

    def __init__(self, platform, tenant, id_):
        self.platform, self.tenant, self.id = platform, tenant, id_
        self.place = (tenant.workspace.id, id_)

    def now(self):
        with self.platform.database.read() as tx:
            return get_import(tx, *self.place)

    def move(self, verb, **options):
        with self.platform.database.write() as tx:
            return verb(tx, *self.place, at=now(), **options)

    def faulty(self):
        with self.platform.database.read() as tx:
            return list_faulty_rows(tx, *self.place, None, 100).items

    def check(self, **options):
        found = self.now()
        content = self.platform.storage.read(file_key(*self.place))
        with self.platform.database.read() as tx:
            preview = look_through(
                tx, self.tenant.workspace, content, credential_template_id=found.credential_template_id,
                duplicates=found.duplicates, mapping=found.columns, changes=mended_rows(tx, *self.place), at=now(),
            )  # fmt: skip
        options = {"revision": found.revision, "columns": found.columns, "duplicates": found.duplicates, **options}
        return self.move(store_check, preview=preview, **options)

    def mend(self, rows):
        self.move(mend_rows, rows=rows)
        return self.check()


@pytest.fixture
def imported(client, tenant, group, platform):
    def make(content, **query):
        answer = client.post(
            "/v1/imports", headers=tenant.headers, params={"groupId": group["id"], **query}, content=content.encode()
        )
        assert answer.status_code == 201, answer.text
        return Imported(platform, tenant, answer.json()["id"])

    return make


def sheet(count):
    return "name,email\n" + "".join(f"Recipient {n},r{n}@example.com\n" for n in range(count))


def names(api):
    found, cursor = [], ""
    while True:
        page = api("GET", f"/credentials?limit=100{cursor}")
        found += [item["recipient"]["name"] for item in page["data"]]
        if not page["pagination"]["next"]:
            return Counter(found)
        cursor = f"&cursor={page['pagination']['next']}"


def count(platform, table):
    with platform.database.read() as tx:
        return tx.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()


def test_faulty_rows_are_kept_with_what_is_wrong_where(api, imported):
    api("POST", "/attributes", {"name": "Score", "type": "number"}, status=201)
    content = "name,email,score,issue date\nAda,ada@example.com,1,\n,bob@,many,\nCleo,,,soon\nEve,ADA@example.com,,\n"
    made = imported(content)
    rows = made.faulty()
    assert [row.line for row in rows] == [3, 4, 5]
    assert rows[0].cells == {"recipient_email": "bob@", "custom.score": "many"}
    assert rows[0].faults.keys() == {"recipient_name", "recipient_email", "custom.score"}
    assert rows[1].cells["issue_date"] == "soon"
    assert rows[1].faults.keys() == {"issue_date"}
    assert rows[2].faults.keys() == {""}
    assert made.now().faults_found == 3


def test_a_mended_row_is_issued_as_it_was_mended(api, imported, platform):
    made = imported("name,email\nAda,ada@example.com\n,bob@example.com\nCleo,cleo@\n")
    after = made.mend({3: {"recipient_name": "Bob", "recipient_email": "bob@example.com"}})
    assert (after.faults_found, [row.line for row in made.faulty()]) == (1, [4])
    made.mend({4: {"recipient_name": "Cleo", "recipient_email": "ada@example.com"}})
    # It was mended into one that stands in the file already.
    (row,) = made.faulty()
    assert row.faults == {
        "": "Same recipient as line 2; to award it twice, add a column external_id that tells the rows apart"
    }
    made.mend({4: {"recipient_name": "Cleo", "recipient_email": ""}})
    made.move(start_import)
    work_off(platform)
    assert names(api) == {"Ada": 1, "Bob": 1, "Cleo": 1}
    assert (made.now().created, made.now().faulty, made.now().has_file) == (3, 0, False)
    # Names and addresses are not kept longer than they are needed.
    assert count(platform, "import_rows") == 0


def test_rows_that_are_in_order_are_not_changed_by_mending(api, imported, platform):
    made = imported("name,email\nAda,ada@example.com\n,bob@example.com\n")
    made.mend({2: {"recipient_name": "Mallory"}, 900: {"recipient_name": "Nobody"}})
    made.move(start_import)
    work_off(platform)
    assert names(api) == {"Ada": 1}
    assert made.now().faulty == 1


@pytest.mark.parametrize("duplicates", ["skip", "allow"])
def test_cancelled_half_way_and_resumed_issues_each_row_once(api, imported, platform, monkeypatch, duplicates):
    monkeypatch.setattr(running, "ROWS_PER_CHUNK", 10)
    made = imported(sheet(33) + ",broken@example.com\nBad,bad@\n", duplicates=duplicates)
    made.mend({35: {"recipient_name": "Mended", "recipient_email": "broken@example.com"}})
    original, chunks = running.issue_rows, []

    def cancel_in_the_third(tx, *arguments, **options):
        chunks.append(1)
        results = original(tx, *arguments, **options)
        if len(chunks) == 3:
            # As if it had been cancelled by somebody else just before this chunk is recorded.
            cancel_import(tx, *made.place, at=now())
        return results

    monkeypatch.setattr(running, "issue_rows", cancel_in_the_third)
    made.move(start_import)
    work_off(platform)
    # The transaction of the chunk was rolled back, and with it the cancelling; now it is cancelled for good.
    monkeypatch.setattr(running, "issue_rows", original)
    made.move(cancel_import)
    work_off(platform)
    assert (made.now().state, made.now().done) == ("cancelled", 20)
    assert count(platform, "credentials") == 20
    assert made.now().has_file
    made.move(resume_import)
    work_off(platform)
    done = made.now()
    assert (done.state, done.done, done.created, done.skipped, done.faulty) == ("completed", 35, 34, 0, 1)
    assert names(api) == {"Mended": 1, **{f"Recipient {n}": 1 for n in range(33)}}
    with pytest.raises(Conflict):
        made.move(resume_import)


def test_a_cancelled_import_that_never_began_is_gone(imported, platform):
    made = imported(",\nname,email\n,x@example.com\nAda,\n".lstrip(",\n"))
    assert count(platform, "import_rows") == 1
    assert not made.move(cancel_import).has_file
    assert count(platform, "import_rows") == 0
    with pytest.raises(Conflict, match="upload it again"):
        made.move(resume_import)


def test_it_starts_when_it_is_to_start(api, imported, platform):
    made = imported(sheet(3))
    with pytest.raises(Invalid, match="moment to come"):
        made.move(start_import, starts_at=now() - timedelta(minutes=1))
    assert made.now().state == "ready"
    started = made.move(start_import, action="draft", starts_at=now() + timedelta(hours=2))
    assert (started.state, started.action) == ("queued", "draft")
    work_off(platform)
    assert count(platform, "credentials") == 0
    with platform.database.write() as tx:
        assert running.claim_import(tx, at=now() + timedelta(hours=3)) is not None
        tx.execute(text("UPDATE imports SET state = 'queued', claim = NULL, claimed_until = NULL"))
    assert api("GET", f"/imports/{made.id}")["startsAt"]
    made.move(start_now)
    with pytest.raises(Conflict):
        made.move(start_now)
    work_off(platform)
    assert {item["status"] for item in api("GET", "/credentials")["data"]} == {"draft"}


def test_a_check_that_began_before_a_row_was_mended_is_not_kept(imported):
    made = imported("name,email\n,bob@example.com\n")
    before = made.now().revision
    made.mend({2: {"recipient_name": "Bob"}})
    with pytest.raises(Conflict, match="changed or started meanwhile"):
        made.check(revision=before)
    made.move(start_import)
    for verb, options in ((mend_rows, {"rows": {2: {}}}), (start_import, {})):
        with pytest.raises(Conflict):
            made.move(verb, **options)
    with pytest.raises(Conflict):
        made.check()


def test_other_columns_read_a_mended_row_anew(imported):
    made = imported("name,email\n,bob@example.com\n")
    made.mend({2: {"recipient_name": "Bob"}})
    assert made.faulty() == []
    made.check(is_matched_anew=True)
    with made.platform.database.read() as tx:
        assert mended_rows(tx, *made.place) == {}


def test_what_nobody_goes_on_with_is_forgotten(imported, platform):
    idle, fresh, done = imported("name\nAda\n,\n"), imported(sheet(2)), imported(sheet(2))
    done.move(start_import)
    work_off(platform)
    with platform.database.write() as tx:
        for made in (idle, done):
            values = {"id": made.id, "at": now() - KEPT - timedelta(days=1)}
            tx.execute(text("UPDATE imports SET updated_at = :at WHERE id = :id"), values)
    clean_up(platform, now())
    assert (idle.now().state, idle.now().has_file) == ("cancelled", False)
    assert platform.storage.read(file_key(*idle.place)) is None
    assert (fresh.now().state, done.now().state) == ("ready", "completed")
    assert platform.storage.read(file_key(*fresh.place)) is not None


def test_the_results_hold_no_formula(imported, platform):
    made = imported(
        'name,email\n"=HYPERLINK(""http://evil.example"")",a@example.com\n@SUM(1),b@example.com\n,c@example.com\n'
    )
    made.move(start_import)
    work_off(platform)
    with platform.database.read() as tx:
        as_csv = results_as_csv(tx, made.now(), "http://testserver").decode()
        as_workbook = results_as_workbook(tx, made.now(), "http://testserver")
    rows = list(csv.DictReader(io.StringIO(as_csv)))
    assert [row["outcome"] for row in rows] == ["created", "created", "faulty"]
    assert rows[0]["recipient_name"] == '\'=HYPERLINK("http://evil.example")'
    assert rows[1]["recipient_name"] == "'@SUM(1)"
    sheet_ = openpyxl.load_workbook(io.BytesIO(as_workbook)).active
    cells = [cell for row in sheet_.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value} <= {"s", "n"}
    assert '=HYPERLINK("http://evil.example")' in [cell.value for cell in cells]


def test_another_workspaces_rows_are_not_reached(imported, other_tenant, platform):
    made = imported("name,email\n,hidden@example.com\n")
    strange = (other_tenant.workspace.id, made.id)
    with platform.database.write() as tx:
        assert list_faulty_rows(tx, *strange, None, 100).items == []
        assert mended_rows(tx, *strange) == {}
        for verb, options in (
            (mend_rows, {"rows": {2: {}}}),
            (cancel_import, {}),
            (resume_import, {}),
            (start_now, {}),
        ):
            with pytest.raises(NotFound):
                verb(tx, *strange, at=now(), **options)
    assert made.now().revision == 0


def test_a_template_is_not_deleted_under_an_import_that_could_go_on(api, imported, platform, group):
    made = imported(sheet(2))
    refused = api("DELETE", f"/groups/{group['id']}", status=409)["error"]["message"]
    assert "is not over; discard or finish it first" in refused
    made.move(start_import)
    work_off(platform)
    assert "has 2 credentials" in api("DELETE", f"/groups/{group['id']}", status=409)["error"]["message"]
    for item in api("GET", "/credentials")["data"]:
        api("DELETE", f"/credentials/{item['id']}", status=204)
    api("DELETE", f"/groups/{group['id']}", status=204)
    with pytest.raises(NotFound):
        made.now()
