"""Imports: a spreadsheet becomes credentials, whatever interrupts it."""

import csv
import io
import json
import zipfile
from datetime import date

import openpyxl
import pytest
from databases import on_one_database
from PIL import Image
from sqlalchemy import text

from testamur.imports import running
from testamur.worker.work import work_off


@pytest.fixture
def upload(client, tenant, group):
    def call(content, *, status=201, **query):
        query = {"groupId": group["id"], **query}
        content = content if isinstance(content, bytes) else content.encode()
        answer = client.post("/v1/imports", headers=tenant.headers, params=query, content=content)
        assert answer.status_code == status, answer.text
        return answer.json()

    return call


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def sheet(count, start=0):
    return "name,email\n" + "".join(f"Recipient {n},r{n}@example.com\n" for n in range(start, start + count))


def count(platform, table):
    with platform.database.read() as tx:
        return tx.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()


def test_values_are_checked_by_the_types_of_their_attributes(api, client, upload, other_tenant, platform):
    for name, type_ in (("Score", "number"), ("Passed", "date"), ("Photo", "image")):
        api("POST", "/attributes", {"name": name, "type": type_}, status=201)
    content = io.BytesIO()
    Image.new("RGB", (4, 4), "teal").save(content, "PNG")
    picture = client.post("/v1/assets", headers=other_tenant.headers, content=content.getvalue()).json()["source"]
    rows = [
        ["name", "score", "passed", "photo"],
        ["Ada", 12.5, date(2026, 11, 24), "https://example.com/ada.png"],
        ["Bob", "1,234", "", ""],
        ["Cleo", "", "11/24/2026", ""],
        ["Dan", "", "", picture],
        ["Eve", "", "", ""],
    ]
    made = upload(workbook(*rows), fileName="spring.xlsx")
    told = {fault["row"]: fault["error"] for fault in made["preview"]["faults"]}
    assert told.keys() == {3, 4, 5}
    assert "custom.score: " in told[3]
    assert "write 1234 or 1.234" in told[3]
    assert "write it as 2026-11-24" in told[4]
    assert "no such picture" in told[5]
    api("POST", f"/imports/{made['id']}/start")
    work_off(platform)
    found = {item["recipient"]["name"]: item["customAttributes"] for item in api("GET", "/credentials")["data"]}
    expected = {"custom.score": "12.5", "custom.passed": "2026-11-24", "custom.photo": "https://example.com/ada.png"}
    assert found == {"Ada": expected, "Eve": {}}


def test_a_spreadsheet_is_previewed_started_and_told_row_by_row(api, upload, platform):
    content = (
        "Student;Mail;Mentor;Shoe size\nZoë;zoe@example.com;Jane;38\n;nobody@example.com;;\nBob;bob@example.com;;\n"
        "Eve;ZOE@example.com;;\n"
    )
    made = upload(content, fileName="spring.csv", columns=json.dumps({"Student": "recipient.name"}))
    assert (made["state"], made["rows"], made["action"]) == ("ready", 4, "issue")
    preview = made["preview"]
    assert preview["columns"] == {"Student": "recipient_name", "Mail": "recipient_email", "Mentor": "custom.mentor"}
    assert preview["ignored"] == ["Shoe size"]
    assert [fault["row"] for fault in preview["faults"]] == [3, 5]
    assert preview["samples"][0]["custom_attributes"] == {"custom.mentor": "Jane"}
    work_off(platform)
    assert api("GET", "/credentials")["data"] == []

    assert api("POST", f"/imports/{made['id']}/start")["state"] == "queued"
    api("POST", f"/imports/{made['id']}/start", status=409)
    work_off(platform)
    done = api("GET", f"/imports/{made['id']}")
    assert done["state"] == "completed"
    assert [done[name] for name in ("rows", "done", "created", "skipped", "faulty")] == [4, 4, 2, 0, 2]
    results = list(csv.DictReader(io.StringIO(api("GET", f"/imports/{made['id']}/results"))))
    assert [result["outcome"] for result in results] == ["created", "faulty", "created", "faulty"]
    assert "Same recipient as line 2" in results[3]["error"]
    issued = {item["id"]: item for item in api("GET", "/credentials")["data"]}
    assert {result["credential_id"] for result in results if result["credential_id"]} == set(issued)
    assert {item["status"] for item in issued.values()} == {"issued"}
    kept = platform.settings.data_dir / "files" / "imports"
    assert [file for file in kept.rglob("*") if file.is_file()] == []


def test_a_workbook_is_read_as_people_see_it(api, upload, platform):
    content = workbook(
        ["Name", "Email", "Issue date", "mentor"],
        ["Łukasz", "lukasz@example.com", date(2026, 11, 24), 7],
        [None, None, None, None],
        ["Ana", None, "2026-01-02", 1.5],
    )
    upload(content, start="true", action="draft")
    work_off(platform)
    rows = sorted(api("GET", "/credentials")["data"], key=lambda item: item["recipient"]["name"])
    assert [(row["recipient"]["name"], row["issueDate"], row["status"]) for row in rows] == [
        ("Ana", "2026-01-02", "draft"),
        ("Łukasz", "2026-11-24", "draft"),
    ]
    assert rows[1]["customAttributes"] == {"custom.mentor": "7"}


def test_formulas_merged_cells_and_empty_rows_are_taken_for_what_they_show(upload):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Name", "Email", "mentor"],
        ["Ada", "ada@example.com", "=1+1"],
        [],
        ["Bob", "bob@example.com", "Jane"],
    ):
        sheet.append(row)
    sheet.merge_cells("A4:A5")
    sheet["B5"] = "nobody@example.com"
    sheet["Z900"] = " "
    made = io.BytesIO()
    book.save(made)
    preview = upload(made.getvalue())["preview"]
    assert preview["rows"] == 3
    assert [fault["row"] for fault in preview["faults"]] == [5]
    assert [sample["recipient_name"] for sample in preview["samples"]] == ["Ada", "Bob"]
    # The file was never calculated, so the formula has no value to show.
    assert preview["samples"][0]["custom_attributes"] == {}


def test_a_sheet_of_too_many_cells_is_told(upload, monkeypatch):
    from testamur.credentials import spreadsheets

    monkeypatch.setattr(spreadsheets, "CELLS_MAX", 50)
    content = workbook(["Name"], *[[f"Recipient {n}"] for n in range(60)])
    assert "more than 50 cells" in upload(content, status=400)["error"]["message"]


@pytest.mark.parametrize(
    ("duplicates", "created", "skipped", "replaced"), [("skip", 0, 2, 0), ("allow", 2, 0, 0), ("replace", 0, 1, 1)]
)
def test_what_happens_to_who_has_one_already(api, upload, platform, duplicates, created, skipped, replaced):
    upload("name,email\nAda,ada@example.com\nBob,bob@example.com\n", start="true")
    work_off(platform)
    again = upload("name,email\nAda,ada@example.com\nRobert,bob@example.com\n", start="true", duplicates=duplicates)
    work_off(platform)
    done = api("GET", f"/imports/{again['id']}")
    assert [done[name] for name in ("created", "skipped", "replaced")] == [created, skipped, replaced]
    names = sorted(item["recipient"]["name"] for item in api("GET", "/credentials")["data"])
    assert (
        names
        == {
            "skip": ["Ada", "Bob"],
            "allow": ["Ada", "Ada", "Bob", "Robert"],
            "replace": ["Ada", "Robert"],
        }[duplicates]
    )


def test_issued_and_sent_once_each(api, upload, platform):
    upload(sheet(30) + "No Address,\n", start="true", action="send")
    work_off(platform)
    assert len(list((platform.settings.data_dir / "mails").glob("*.eml"))) == 30
    states = {
        api("GET", f"/credentials/{item['id']}/state")["delivery"]
        for item in api("GET", "/credentials?limit=100")["data"]
    }
    assert states == {"sent", "not_provided"}


def test_pause_resume_and_cancel(api, upload, platform, monkeypatch):
    monkeypatch.setattr(running, "ROWS_PER_CHUNK", 10)
    made = upload(sheet(55), start="true")
    path = f"/imports/{made['id']}"
    original, calls = running.issue_rows, []

    def pause_at_third(*arguments, **options):
        calls.append(1)
        return original(*arguments, **options)

    monkeypatch.setattr(running, "issue_rows", pause_at_third)
    api("POST", f"{path}/pause")
    work_off(platform)
    assert (api("GET", path)["done"], calls) == (0, [])
    api("POST", f"{path}/resume")
    work_off(platform)
    assert api("GET", path)["created"] == 55
    for action in ("pause", "resume", "cancel", "start"):
        api("POST", f"{path}/{action}", status=409)
    other = upload(sheet(5, 100))
    assert api("POST", f"/imports/{other['id']}/cancel")["state"] == "cancelled"
    assert [file for file in (platform.settings.data_dir / "files" / "imports").rglob("*") if file.is_file()] == []
    work_off(platform)
    assert count(platform, "credentials") == 55


def test_a_worker_that_died_half_way_is_taken_over_without_issuing_twice(api, upload, platform, monkeypatch):
    monkeypatch.setattr(running, "ROWS_PER_CHUNK", 10)
    made = upload(sheet(95), start="true")
    original, calls = running.issue_rows, []

    def die_at_fourth(*arguments, **options):
        calls.append(1)
        results = original(*arguments, **options)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return results

    monkeypatch.setattr(running, "issue_rows", die_at_fourth)
    with pytest.raises(KeyboardInterrupt):
        work_off(platform)
    monkeypatch.setattr(running, "issue_rows", original)
    assert count(platform, "credentials") == 30
    work_off(platform)
    assert count(platform, "credentials") == 30
    with platform.database.write() as tx:
        tx.execute(text("UPDATE imports SET claimed_until = created_at"))
    work_off(platform)
    done = api("GET", f"/imports/{made['id']}")
    assert (done["state"], done["done"], done["created"], done["skipped"]) == ("completed", 95, 95, 0)
    assert count(platform, "credentials") == 95
    assert len(api("GET", f"/imports/{made['id']}/results").splitlines()) == 96


def test_of_two_workers_on_one_import_only_the_one_that_holds_it_writes(api, upload, platform, monkeypatch):
    from testamur.clock import now
    from testamur.imports.running import claim_import
    from testamur.worker.imports import run_import

    monkeypatch.setattr(running, "ROWS_PER_CHUNK", 10)
    upload(sheet(40), start="true")
    with platform.database.write() as tx:
        first = claim_import(tx, at=now())
        tx.execute(text("UPDATE imports SET claimed_until = created_at"))
        second = claim_import(tx, at=now())
    run_import(platform, first)
    assert count(platform, "credentials") == 0
    run_import(platform, second)
    run_import(platform, first)
    assert count(platform, "credentials") == 40


def zip_bomb():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        for number in range(3):
            archive.writestr(f"xl/media/{number}.bin", b"\0" * 100_000_000)
    return made.getvalue()


def plain_zip():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("notes.txt", "hello")
    return made.getvalue()


@on_one_database
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty"),
        (b"name\n", "a header but no row"),
        (b"mail\nx@example.com\n", "no column of recipients' names"),
        ("name\nZoë\n".encode("latin-1"), "Line 2 is not UTF-8"),
        (plain_zip, "not a workbook"),
        (zip_bomb, "when unpacked"),
        (lambda: workbook(["Name"], ["Ada"])[:-200], "broken or incomplete"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "old kind"),
        (b"%PDF-1.7 \xff\xfe", "This is a PDF"),
        (b"\x89PNG\r\n\x1a\n name\nAda\n", "This is a picture"),
        (b"name\n" + b"x" * 1_200_000, "this is not a CSV file"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_nothing(api, upload, platform, content, reason):
    content = content() if callable(content) else content
    assert reason in upload(content, status=400)["error"]["message"]
    assert api("GET", "/imports")["data"] == []
    assert not (platform.settings.data_dir / "files" / "imports").exists()


@on_one_database
@pytest.mark.parametrize(
    ("query", "status", "path"),
    [
        ({"groupId": ""}, 400, ["groupId"]),
        ({"groupId": "01fpwtztwf7sacca5r0c483mnm"}, 404, None),
        ({"action": "burn"}, 400, ["action"]),
        ({"duplicates": "maybe"}, 400, ["duplicates"]),
        ({"columns": "[]"}, 400, ["columns"]),
        ({"encoding": "klingon"}, 400, []),
        ({"fileName": "x" * 256}, 400, ["fileName"]),
    ],
)
def test_a_wrong_request_is_told(upload, query, status, path):
    error = upload("name\nAda\n", status=status, **query)["error"]
    if path is not None:
        assert error["details"][0]["path"] == path


def test_another_workspaces_imports_do_not_exist(client, upload, group, other_tenant):
    made = upload("name,email\nHidden,hidden@example.com\n", start="true")
    for method, path in (
        ("GET", ""), ("GET", "/results"), ("POST", "/start"), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/cancel"),
    ):  # fmt: skip
        answer = client.request(method, f"/v1/imports/{made['id']}{path}", headers=other_tenant.headers)
        assert answer.status_code == 404
        assert "hidden" not in answer.text.lower()
    assert client.get("/v1/imports", headers=other_tenant.headers).json()["data"] == []
    query = {"groupId": group["id"]}
    answer = client.post("/v1/imports", params=query, headers=other_tenant.headers, content=b"name\nAda\n")
    assert answer.status_code == 404
