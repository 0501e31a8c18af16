"""The main job: a spreadsheet becomes certificates, once each, whatever happens on the way."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import call
from databases import on_one_database
from pypdf import PdfReader

# The command with transactions of fewer rows, so that the test needs fewer PDFs.
SMALL_TRANSACTIONS = (
    "import testamur.cli.issue as i; i.ROWS_PER_TRANSACTION = 100; from testamur.cli import main; main()"
)
# More than one transaction issues.
PEOPLE = 120
EXAMPLE = Path(__file__).parents[2] / "examples" / "recipients.csv"


@pytest.fixture
def template(client, platform, tenant):
    """A credential template, in a workspace that has the attributes of the example."""
    from testamur.attributes.defining import define_attribute
    from testamur.clock import now

    with platform.database.write() as tx:
        for tag in ("custom.instructor", "custom.hours"):
            define_attribute(tx, tenant.workspace.id, tag=tag, at=now())
    body = {"name": "Financial Markets", "designIds": [tenant.certificate_id, tenant.badge_id]}
    return client.post("/v1/groups", headers=tenant.headers, json=body).json()["id"]


@pytest.fixture
def environment(platform):
    """That of a command which works on what the server serves."""
    return {
        "TESTAMUR_DATA_DIR": str(platform.settings.data_dir),
        "TESTAMUR_DATABASE_URL": platform.settings.database_url.replace("postgresql+psycopg", "postgresql"),
        "TESTAMUR_BASE_URL": "http://testserver",
        "TESTAMUR_RENDERING_PROCESSES": "1",
    }


@pytest.fixture
def words(template, tmp_path):
    def issue(file, *more):
        return ["issue", str(file), "--template", template, "--out", str(tmp_path / "out"), *more]

    return issue


@pytest.fixture
def issue(words, environment):
    """`testamur issue` of a file: what it printed and how it ended."""
    return lambda *arguments: call(words(*arguments), environment)


def read_results(tmp_path):
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def credentials_of(client, tenant):
    found, cursor = [], None
    while True:
        query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/credentials", params=query, headers=tenant.headers).json()
        found += page["data"]
        cursor = page["pagination"]["next"]
        if cursor is None:
            return found


def test_the_example_gives_25_certificates_and_a_second_run_none(issue, client, tenant, tmp_path):
    done = issue(EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Issued 25, found 0 issued before, wrote 25 PDFs, 0 faulty rows\n"
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").glob("*.pdf")}
    assert len(files) == 25
    results = read_results(tmp_path)
    assert [int(result["row"]) for result in results] == list(range(2, 27))
    issued = {item["id"]: item for item in credentials_of(client, tenant)}
    assert {result["credential_id"] for result in results} == set(issued)
    assert all(item["status"] == "issued" for item in issued.values())
    jr = next(item for item in issued.values() if item["recipient"]["name"].endswith(", Jr."))
    assert jr["customAttributes"] == {"custom.instructor": "Dr. Miguel Ángel Núñez", "custom.hours": "36"}
    for result in results:
        assert client.get(result["public_url"]).status_code == 200
    (polish,) = (content for name, content in files.items() if name.startswith("łukasz-żółciński-"))
    assert "Łukasz Żółciński" in PdfReader(io.BytesIO(polish)).pages[0].extract_text()

    again = issue(EXAMPLE)
    assert again.stdout == "Issued 0, found 25 issued before, wrote 0 PDFs, 0 faulty rows\n"
    assert read_results(tmp_path) == results
    assert len(credentials_of(client, tenant)) == 25


def test_a_faulty_row_is_told_while_the_others_are_issued(issue, client, tenant, tmp_path):
    file = tmp_path / "sheet.csv"
    file.write_text(
        "name,email\nAda,ada@example.com\n,nobody@example.com\nBob,not an address\nEve,ADA@example.com\nKim,kim@example.com\n",
        encoding="utf-8",
    )
    done = issue(file, "--no-pdf")
    assert done.returncode == 1
    assert done.stdout == "Issued 2, found 0 issued before, wrote 0 PDFs, 3 faulty rows\n"
    assert "Line 3: recipient.name" in done.stderr
    assert "Line 4: recipient.email" in done.stderr
    assert "Line 5: Same recipient as line 2" in done.stderr
    assert [bool(result["error"]) for result in read_results(tmp_path)] == [False, True, True, True, False]
    assert {item["recipient"]["name"] for item in credentials_of(client, tenant)} == {"Ada", "Kim"}


@on_one_database
@pytest.mark.parametrize("content", [b"", b"name\n", b"mail\nx@example.com\n", "name\nZoë\n".encode("latin-1")])
def test_a_file_that_cannot_be_read_issues_nothing_and_makes_no_folder(issue, client, tenant, tmp_path, content):
    file = tmp_path / "sheet.csv"
    file.write_bytes(content)
    done = issue(file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("testamur: ")
    assert not (tmp_path / "out").exists()
    assert credentials_of(client, tenant) == []


def test_a_run_that_is_killed_half_way_is_finished_by_the_next(issue, words, environment, client, tenant, tmp_path):
    file = tmp_path / "many.csv"
    rows = "".join(f"Recipient Number {n},r{n}@example.com\n" for n in range(PEOPLE))
    file.write_text("name,email\n" + rows, encoding="utf-8")
    out = tmp_path / "out"
    command = [sys.executable, "-c", SMALL_TRANSACTIONS, *words(file)]
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    # The first transaction issues most rows, then their PDFs are written: kill in the midst of these.
    ends = time.monotonic() + 60
    while len(list(out.glob("*.pdf"))) < 20 and time.monotonic() < ends:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    before = credentials_of(client, tenant)
    assert 0 < len(before) < PEOPLE

    done = issue(file)
    assert done.returncode == 0, done.stderr
    assert f"Issued {PEOPLE - len(before)}, found {len(before)} issued before" in done.stdout
    after = credentials_of(client, tenant)
    assert len(after) == len({item["recipient"]["email"] for item in after}) == PEOPLE
    assert {item["id"] for item in before} <= {item["id"] for item in after}
    pdfs = list(out.glob("*.pdf"))
    assert len(pdfs) == PEOPLE
    assert all(file.read_bytes().rstrip().endswith(b"%%EOF") for file in pdfs)


def test_pinned_certificates_are_written_again_as_they_were_issued(api, issue, template, tenant, tmp_path):
    api("PATCH", f"/groups/{template}/settings", {"designPolicy": "pinned"})
    (tmp_path / "two.csv").write_text("name,email\nAda,ada@example.com\nBob,bob@example.com\n")
    assert issue(tmp_path / "two.csv").returncode == 0
    issued = {file.name: file.read_bytes() for file in (tmp_path / "out").glob("*.pdf")}
    assert len(issued) == 2
    document = {"version": 1, "page": {"size": "A4"}, "elements": []}
    api("PATCH", f"/designs/{tenant.certificate_id}", {"document": document})
    api("PATCH", f"/groups/{template}", {"name": "Renamed", "designIds": [tenant.badge_id]})
    for name in issued:
        (tmp_path / "out" / name).unlink()
    done = issue(tmp_path / "two.csv")
    assert "Issued 0, found 2 issued before, wrote 2 PDFs" in done.stdout
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").glob("*.pdf")} == issued
