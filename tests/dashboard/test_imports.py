"""Issuing to many recipients by a spreadsheet, page by page."""

import csv
import io
import re
import threading
import zipfile
from collections import Counter
from datetime import datetime, timedelta

import openpyxl
import pytest
from browsers import LOOKS
from sqlalchemy import text

from testamur.clock import now
from testamur.imports import running
from testamur.plans import Plan
from testamur.worker.work import work_off
from testamur.workspaces.creating import set_plan

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

SCRIPT = "<script>alert(1)</script>"
FAULTY = "Student,Mail,Shoe size\nAda,ada@example.com,38\n,bob@example.com,40\nCleo,cleo@,\n"


@pytest.fixture
def someone(staff, owner, group):
    return staff(owner)


@pytest.fixture
def upload(someone, group):
    """Uploads a file; the path of the import's page."""

    def send(content, name="spring.csv", *, status=303, **fields):
        content = content if isinstance(content, bytes) else content.encode()
        files = {"file": (name, content, "text/csv")}
        answer = someone.post("~/issue/spreadsheet", {"template": group["id"], **fields}, files=files)
        assert answer.status_code == status, answer.text
        return answer.headers["location"].removesuffix("/columns") if status == 303 else answer

    return send


@pytest.fixture
def checked(someone, upload):
    """An import whose columns were taken as guessed, or as told by their position."""

    def make(content, **fields):
        path = upload(content)
        page = someone.get(f"{path}/columns").text
        names = re.findall(r'<select id="[^"]+" name="(column\.\d+)">(.*?)</select>', page, re.DOTALL)
        guessed = {name: (re.findall(r'value="([^"]*)" selected', options) or [""])[0] for name, options in names}
        told = {
            name.replace("_", ".", 1) if name.startswith("column_") else name: value for name, value in fields.items()
        }
        answer = someone.post(f"{path}/columns", guessed | told)
        assert answer.status_code == 303, answer.text
        return path

    return make


def sheet(count):
    return "name,email\n" + "".join(f"Recipient {n},r{n}@example.com\n" for n in range(count))


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def bomb():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        for number in range(3):
            archive.writestr(f"xl/media/{number}.bin", b"\0" * 100_000_000)
    return made.getvalue()


def issued(api):
    return {item["recipient"]["name"]: item for item in api("GET", "/credentials?limit=100")["data"]}


def test_a_spreadsheet_is_matched_checked_mended_and_issued(api, someone, checked, platform):
    path = checked(FAULTY, column_0="recipient_name")
    page = someone.get(path).text
    assert "Must not be empty" in page
    assert "Must be an e-mail address" in page
    fields = {
        "row.3.recipient_name": "Bob",
        "row.3.recipient_email": "bob@example.com",
        "row.4.recipient_name": "Cleo",
        "row.4.recipient_email": "cleo@still-wrong@",
    }
    assert someone.post(f"{path}/rows", fields).status_code == 303
    page = someone.get(path).text
    assert 'value="cleo@still-wrong@"' in page
    assert "row.3." not in page
    assert someone.post(f"{path}/start", {"action": "send"}).headers["location"] == path
    work_off(platform)
    assert issued(api).keys() == {"Ada", "Bob"}
    page = someone.get(path).text
    assert "Completed" in page
    assert "hx-trigger" not in page
    assert len(list((platform.settings.data_dir / "mails").glob("*.eml"))) == 2
    results = someone.get(f"{path}/results?format=csv").content.decode("utf-8-sig")
    assert [row["outcome"] for row in csv.DictReader(io.StringIO(results))] == ["created", "created", "faulty"]
    book = openpyxl.load_workbook(io.BytesIO(someone.get(f"{path}/results?format=xlsx").content))
    assert [row[1] for row in book.active.iter_rows(values_only=True)] == ["outcome", "created", "created", "faulty"]
    assert "spring.csv" in someone.get("~/issue/imports").text


def test_columns_are_guessed_changed_and_remembered(api, someone, upload, platform):
    api("POST", "/attributes", {"name": "Final grade", "type": "text", "tag": "custom.grade"}, status=201)
    path = upload("Name,Name,E-Mail,Final Grade,,Notes\nAda,Countess,ada@example.com,A,x,y\n")
    page = someone.get(f"{path}/columns").text
    chosen = re.findall(r'<option value="([^"]*)" selected', page)
    assert chosen == ["recipient_name", "", "recipient_email", "custom.grade", "", ""]
    assert "Name (2)" in page
    columns = dict(enumerate(["", "recipient_name", "recipient_email", "custom.grade", "", "custom.mentor"]))
    fields = {f"column.{at}": value for at, value in columns.items()}
    assert someone.post(f"{path}/columns", fields).status_code == 303
    again = re.findall(r'<option value="([^"]*)" selected', someone.get(f"{path}/columns").text)
    assert again == list(columns.values())
    someone.post(f"{path}/start", {"action": "issue"})
    work_off(platform)
    assert issued(api)["Countess"]["customAttributes"] == {"custom.grade": "A", "custom.mentor": "y"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"column.0": ""}, "no column of recipients"),
        ({"column.0": "recipient_name", "column.1": "recipient_name"}, "Two columns mean recipient name"),
        ({"column.0": "recipient_name", "column.1": "custom.nothing"}, "is not something that a column can be"),
        ({}, "no column of recipients"),
    ],
)
def test_columns_that_cannot_be_so_are_told(someone, upload, fields, told):
    path = upload(FAULTY)
    answer = someone.post(f"{path}/columns", fields)
    assert answer.status_code == 422
    assert told in answer.text


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "empty.csv", "The file is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "photo.csv", "This is a picture and not a spreadsheet"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "photo.xlsx", "This is a picture and not a spreadsheet"),
        (b"%PDF-1.7", "list.csv", "This is a PDF"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "old.xls", "old kind (XLS)"),
        (bomb, "bomb.xlsx", "when unpacked"),
        (lambda: workbook(["Name"], ["Ada"])[:-200], "cut.xlsx", "broken or incomplete"),
        (",".join(f"column {n}" for n in range(300)).encode() + b"\nAda\n", "wide.csv", "has 300 columns"),
        (b"name\n" + b"x" * 10_000_000, "long.csv", "this is not a CSV file"),
        ("name\n" + "Ada\n" * 50 + "Zoë\n", "latin.csv", "Line 52 is not UTF-8 text"),
        (b"\0\1\2\3", "binary.csv", "NUL characters"),
    ],
)  # fmt: skip
def test_a_file_of_a_wrong_kind_is_refused(api, upload, platform, content, name, told):
    content = content() if callable(content) else content
    content = content.encode("latin-1") if isinstance(content, str) else content
    answer = upload(content, name, status=422)
    assert told in answer.text
    assert api("GET", "/imports")["data"] == []
    assert not (platform.settings.data_dir / "files" / "imports").exists()


def test_a_file_in_another_encoding_is_read_when_that_is_told(api, someone, upload, platform):
    path = upload("name\nZoë\n".encode("windows-1252"), encoding="windows-1252")
    assert "Zoë" in someone.get(f"{path}/columns").text
    someone.post(f"{path}/columns", {"column.0": "recipient_name"})
    someone.post(f"{path}/start")
    work_off(platform)
    assert issued(api).keys() == {"Zoë"}


def test_a_cell_of_ten_megabytes_is_a_faulty_row(someone, checked):
    content = workbook(["name", "mentor"], ["x" * 30_000, "y" * 32_000], ["Ada", "Jane"])
    page = someone.get(checked(content)).text
    assert "at most 255 characters, has 30000" in page
    assert "at most 5000 characters, has 32000" in page
    assert len(page) < 100_000


def test_no_file_and_no_template_are_told(someone, group):
    assert "Choose a file" in someone.post("~/issue/spreadsheet", {"template": group["id"]}).text
    for template in ("", "'", "01hzzzzzzzzzzzzzzzzzzzzzzz"):
        files = {"file": ("a.csv", b"name\nAda\n", "text/csv")}
        answer = someone.post("~/issue/spreadsheet", {"template": template}, files=files)
        assert answer.status_code == 422, template
        assert "is not there any more" in answer.text


def test_scripts_and_formulas_in_cells_do_nothing(api, someone, checked, platform):
    content = (
        f'name,email,mentor,{SCRIPT}\n"{SCRIPT}",a@example.com,"=cmd|calc",x\n,"{SCRIPT}","{SCRIPT}",{SCRIPT}\n'
        "=1+1,b@example.com,,\n"
    )
    path = checked(content)
    pages = [someone.get(f"{path}{rest}").text for rest in ("", "/columns", "/preview?row=2", "/preview?row=3")]
    someone.post(f"{path}/start")
    work_off(platform)
    pages += [someone.get(path).text, someone.get("~/issue/imports").text]
    assert [SCRIPT in page for page in pages] == [False] * 6
    assert issued(api).keys() == {SCRIPT, "=1+1"}
    assert ",'=1+1," in someone.get(f"{path}/results?format=csv").text


def test_a_row_is_shown_as_its_certificate_with_those_around_it(someone, checked):
    path = checked(FAULTY, column_0="recipient_name")
    part = someone.get(f"{path}/preview", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "data:image/webp" in part
    assert re.findall(r"preview\?row=(\d+)", part) == ["3", "3"]
    faulty = someone.get(f"{path}/preview?row=3")
    assert "<html" in faulty.text
    assert "This row cannot be issued as it stands" in faulty.text
    assert "Must not be empty" in faulty.text
    assert someone.get(f"{path}/preview?row=99").status_code == 404
    assert someone.get(f"{path}/preview?row=-1").status_code == 200


def test_many_faulty_rows_are_paged(someone, checked):
    path = checked("name,email\n" + ",x@example.com\n" * 45)
    seen, link, pages = [], path, 0
    while link:
        page = someone.get(link).text
        seen += re.findall(r'name="row\.(\d+)\.recipient_name"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        link, pages = found and found[1], pages + 1
    assert (pages, len(seen), len(set(seen))) == (3, 45, 45)
    assert someone.get(f"{path}?cursor=nonsense").status_code == 400


def test_it_is_put_off_in_the_time_zone_of_the_workspace(api, someone, checked, platform, tenant):
    with platform.database.write() as tx:
        tx.execute(text("UPDATE workspaces SET time_zone = 'Asia/Tokyo' WHERE id = :id"), {"id": tenant.workspace.id})
    path = checked(sheet(2))
    tomorrow = (now() + timedelta(days=1)).date()
    for moment, told in (
        ("", "a day and a time"),
        ("2020-01-01T09:00", "moment to come"),
        ("9999", "a day and a time"),
    ):
        answer = someone.post(f"{path}/start", {"action": "issue", "when": "later", "starts_at": moment})
        assert answer.status_code == 422
        assert told in answer.text
    someone.post(f"{path}/start", {"action": "issue", "when": "later", "starts_at": f"{tomorrow}T09:30"})
    work_off(platform)
    assert issued(api) == {}
    (found,) = api("GET", "/imports")["data"]
    at = datetime.fromisoformat(found["startsAt"])
    assert (at.date(), at.hour, at.minute) == (tomorrow, 0, 30)
    assert "Scheduled" in someone.get(path).text
    assert "Scheduled" in someone.get("~/issue/imports").text
    someone.post(f"{path}/now")
    work_off(platform)
    assert len(issued(api)) == 2


def test_started_twice_it_is_issued_once(api, someone, checked, platform):
    path = checked(sheet(3), duplicates="allow")
    answers = [someone.post(f"{path}/start", {"action": "issue"}) for _ in range(2)]
    work_off(platform)
    assert someone.post(f"{path}/start", {"action": "issue"}).status_code == 303
    work_off(platform)
    assert [answer.headers["location"] for answer in answers] == [path, path]
    assert len(issued(api)) == 3


def test_a_plan_that_is_used_up_half_way_stops_it_and_more_goes_on(
    api, someone, checked, platform, tenant, monkeypatch
):
    monkeypatch.setattr(running, "ROWS_PER_CHUNK", 10)
    plans = {"small": Plan(credentials_per_year=25), "large": Plan(credentials_per_year=100)}
    object.__setattr__(platform.settings, "plans", plans)
    with platform.database.write() as tx:
        set_plan(tx, tenant.workspace.id, "small", at=now())
    path = checked(sheet(40))
    assert "Your plan allows 25 more credentials" in someone.get(path).text
    someone.post(f"{path}/start", {"action": "issue"})
    work_off(platform)
    page = someone.get(path).text
    assert "yearly limit of 25 credentials of your plan is used up" in page
    assert "20 of 40 rows" in page
    with platform.database.write() as tx:
        set_plan(tx, tenant.workspace.id, "large", at=now())
    someone.post(f"{path}/resume")
    work_off(platform)
    assert "40 of 40 rows" in someone.get(path).text
    assert len(issued(api)) == 40


def test_a_plan_without_imports_is_told(someone, upload, platform, tenant):
    object.__setattr__(platform.settings, "plans", {"small": Plan(features=frozenset())})
    with platform.database.write() as tx:
        set_plan(tx, tenant.workspace.id, "small", at=now())
    assert "does not include imports" in upload(sheet(1), status=422).text


def test_discarded_it_is_gone(api, someone, upload, platform):
    path = upload(sheet(2))
    assert someone.post(f"{path}/cancel").headers["location"].endswith("/issue/imports")
    kept = platform.settings.data_dir / "files" / "imports"
    assert [file for file in kept.rglob("*") if file.is_file()] == []
    assert someone.post(f"{path}/start").status_code == 303
    assert someone.get(f"{path}/preview").status_code == 404
    work_off(platform)
    assert issued(api) == {}


def test_the_progress_is_a_part_of_a_page_that_ends_by_itself(someone, checked, platform):
    path = checked(sheet(2))
    someone.post(f"{path}/start")
    waiting = someone.get(f"{path}/progress?shown=queued").text
    assert 'hx-trigger="every 1s"' in waiting
    assert "import-actions" not in waiting
    work_off(platform)
    done = someone.get(f"{path}/progress?shown=queued").text
    assert "hx-trigger" not in done
    assert 'id="import-actions" class="row" hx-swap-oob="true"' in done


def test_a_sample_is_made_for_the_template(api, someone, group, checked, platform, tenant):
    api("POST", "/attributes", {"name": "Score", "type": "number"}, status=201)
    for format_ in ("csv", "xlsx"):
        answer = someone.get(f"~/issue/sample?template={group['id']}&format={format_}")
        assert f".{format_}" in answer.headers["content-disposition"]
        someone.post(f"{checked(answer.content, duplicates='replace')}/start")
        work_off(platform)
        assert issued(api).keys() == {"Ada Lovelace", "Alan Turing"}
    assert someone.get("~/issue/sample?template=01hzzzzzzzzzzzzzzzzzzzzzzz").status_code == 404


def test_another_workspaces_imports_are_not_there(client, someone, other_tenant, platform):
    body = {"name": "Rival Award", "designIds": [other_tenant.certificate_id]}
    other = client.post("/v1/groups", headers=other_tenant.headers, json=body).json()["id"]
    content = b"name,email\n,hidden@example.com\nHidden,\n"
    made = client.post("/v1/imports", params={"groupId": other}, headers=other_tenant.headers, content=content).json()
    path = f"~/issue/imports/{made['id']}"
    for rest in ("", "/progress", "/columns", "/preview", "/results"):
        answer = someone.get(path + rest)
        assert answer.status_code == 404
        assert "hidden@" not in answer.text
    for rest in ("columns", "rows", "start", "pause", "resume", "cancel", "now"):
        assert someone.post(f"{path}/{rest}", {"row.2.recipient_name": "Mallory"}).status_code == 404
    assert made["id"] not in someone.get("~/issue/imports").text
    files = {"file": ("a.csv", b"name\nAda\n", "text/csv")}
    assert someone.post("~/issue/spreadsheet", {"template": other}, files=files).status_code == 422
    with platform.database.read() as tx:
        assert tx.execute(text("SELECT state FROM imports")).scalars().all() == ["ready"]


def test_an_import_of_the_api_is_gone_on_with_here(api, client, someone, group, tenant, platform):
    content = b"name,email\n,bob@example.com\nAda,ada@example.com\n"
    made = client.post("/v1/imports", params={"groupId": group["id"]}, headers=tenant.headers, content=content).json()
    path = f"~/issue/imports/{made['id']}"
    assert 'name="row.2.recipient_name"' in someone.get(path).text
    someone.post(f"{path}/rows", {"row.2.recipient_name": "Bob", "row.2.recipient_email": "bob@example.com"})
    someone.post(f"{path}/start")
    work_off(platform)
    assert issued(api).keys() == {"Ada", "Bob"}


SPOILED = {
    20: ",r20@example.com,20,2026-11-24",
    120: "Recipient 120,not an address,120,2026-11-24",
    210: "Recipient 210,r210@example.com,many,2026-11-24",
    260: ",r260@example.com,260,2026-11-24",
    330: "Recipient 330,r330@example.com,330,11/24/2026",
    410: "Recipient 410,r7@example.com,410,2026-11-24",
    490: "Recipient 490,r490@,490,2026-11-24",
}
# What is typed in the place of five of the seven: column, and text.
MENDED = {
    20: ("Recipient's name", "Recipient 20"),
    120: ("Email address", "r120@example.com"),
    210: ("Score", "210"),
    330: ("Issue date", "2026-11-24"),
    410: ("Email address", "r410@example.com"),
}


def five_hundred_rows():
    rows = [SPOILED.get(n, f"Recipient {n},r{n}@example.com,{n},2026-11-24") for n in range(500)]
    return "name,email,score,issue date\n" + "\n".join(rows) + "\n"


def reach(page, selector):
    """Goes on with the Tab key until something is reached, as who has no mouse does."""
    for _ in range(120):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by the keyboard")


def upload_by_keyboard(page, file):
    page.goto("/w/meridian/issue/spreadsheet")
    reach(page, "#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(str(file))
    reach(page, "form[enctype] .row button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/columns")


@pytest.fixture
def half_way(platform, monkeypatch):
    """A worker that stops before its sixth chunk until it is told to go on."""
    monkeypatch.setattr(running, "ROWS_PER_CHUNK", 50)
    reached, goes_on = threading.Event(), threading.Event()
    take, taken = running._Chunks.take, []

    def take_slowly(chunks):
        taken.append(1)
        if len(taken) == 6:
            reached.set()
            assert goes_on.wait(60)
        return take(chunks)

    monkeypatch.setattr(running._Chunks, "take", take_slowly)
    thread = threading.Thread(target=work_off, args=(platform,))
    yield thread, reached, goes_on
    goes_on.set()
    if thread.ident is not None:
        thread.join(60)


def mend_by_keyboard(page, usable):
    """From the columns to the import that is started: five of seven faulty rows are mended, two are left out."""
    usable(page)
    reach(page, "footer button:not([type=button])")
    page.keyboard.press("Enter")
    page.locator("#row-preview img").wait_for()
    assert page.locator(".tile dd").all_inner_texts() == ["500", "493", "7"]
    usable(page)
    for number, (column, typed) in MENDED.items():
        reach(page, f'[aria-label="{column}, row {number + 2}"]')
        page.keyboard.press("Control+A")
        page.keyboard.type(typed)
    reach(page, ".toolbar button")
    page.keyboard.press("Enter")
    page.get_by_text("2 rows are faulty still").wait_for()
    assert page.locator(".tile dd").all_inner_texts() == ["500", "498", "2"]
    page.locator("#row-preview img").wait_for()
    reach(page, "#row-after")
    page.keyboard.press("Enter")
    page.get_by_text("Row 3: Recipient 1").wait_for()
    # From the end of the page the Tab key goes on at its beginning.
    reach(page, "form[action$=start] button:not([type=button])")
    page.keyboard.press("Enter")
    page.locator("#import-cancel").wait_for()


def cancel_by_keyboard(page, usable):
    page.get_by_text("250 of 500 rows").wait_for()
    page.get_by_text("Running").wait_for()
    usable(page)
    reach(page, "#import-cancel")
    # The page asks for the progress meanwhile, which must not take the button away from under the finger.
    for _ in range(2):
        with page.expect_response("**/progress*"):
            pass
    assert page.evaluate("document.activeElement.id") == "import-cancel"
    page.keyboard.press("Enter")
    page.get_by_text("Cancelled", exact=True).wait_for()


def resume_by_keyboard(page, usable):
    """The page was left meanwhile."""
    page.goto("/w/meridian/issue/imports")
    reach(page, "tbody th a")
    page.keyboard.press("Enter")
    page.get_by_text("250 of 500 rows").wait_for()
    usable(page)
    reach(page, "#import-resume")
    page.keyboard.press("Enter")
    page.get_by_text("About to start").wait_for()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_five_hundred_rows_with_seven_faults_cancelled_half_way_and_resumed(
    browse, owner, group, api, platform, half_way, usable, tmp_path, look
):
    """With the keyboard alone."""
    api("POST", "/attributes", {"name": "Score", "type": "number"}, status=201)
    file = tmp_path / "spring.csv"
    file.write_text(five_hundred_rows(), encoding="utf-8")
    page = browse(owner, **look)
    upload_by_keyboard(page, file)
    mend_by_keyboard(page, usable)
    worker, reached, goes_on = half_way
    worker.start()
    assert reached.wait(60)
    cancel_by_keyboard(page, usable)
    goes_on.set()
    worker.join(60)
    assert count(platform) == 250
    resume_by_keyboard(page, usable)
    work_off(platform)
    page.get_by_text("Completed").wait_for()
    assert page.locator(".tile dd").all_inner_texts() == ["498", "0", "2"]
    usable(page)
    with platform.database.read() as tx:
        emails = Counter(tx.execute(text("SELECT recipient_email FROM credentials")).scalars())
    assert emails == Counter(f"r{n}@example.com" for n in range(500) if n not in {260, 490})
    reach(page, "a[download]")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    outcomes = Counter(row[1] for row in book.active.iter_rows(min_row=2, values_only=True))
    assert outcomes == {"created": 498, "faulty": 2}


def count(platform):
    with platform.database.read() as tx:
        return tx.execute(text("SELECT COUNT(*) FROM credentials WHERE state = 'issued'")).scalar_one()
