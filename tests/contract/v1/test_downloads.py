"""Many credentials as one ZIP: what is in it, how it is called, and what is refused before it begins."""

import asyncio
import csv
import io
import shutil
import subprocess
import threading
import time
import unicodedata
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from databases import on_one_database
from PIL import Image
from pypdf import PdfReader

from testamur.credentials.downloading import Archive, Entry
from testamur.credentials.renderings import RecordedRendering
from testamur.rendering.workers import RenderingPool
from testamur.web.files import FileStream

NAMES = ["Żółć O'Brien", "محمد علی", "李小龙", "कृष्णा", "ნინო"]
HOSTILE = ["../../x", "CON", "w" * 200, "evil\u202egpj.exe", "=1+1", "@cmd", "Ada", "ada", "ADA"]


@pytest.fixture
def plain(api):
    """A template whose certificates are quickly drawn, for tests of many."""
    document = {"version": 1, "page": {"width": 40, "height": 20}, "elements": []}
    design = api("POST", "/designs", {"name": "Plain", "type": "certificate", "document": document}, status=201)
    return api("POST", "/groups", {"name": "Plain course", "designIds": [design["id"]]}, status=201)


@pytest.fixture
def issue(api, plain):
    """Issues to people of these names, one after the other; gives the credentials in that order."""

    def issue_to(*names, group_id=plain["id"], action="issue"):
        made = []
        for name in names:
            body = {"items": [{"groupId": group_id, "recipient": {"name": name}}], "action": action}
            made.append(api("POST", "/credentials/bulk", body)["results"][0]["credential"])
        return made

    return issue_to


@pytest.fixture
def download(client, tenant):
    """A download as a ZIP that was read through, and its bytes."""

    def get(path, body=None, **query):
        method = "GET" if body is None else "POST"
        answer = client.request(method, f"/v1{path}", headers=tenant.headers, params=query, json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["cache-control"] == "no-store"
        assert "content-length" not in answer.headers
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        assert archive.testzip() is None
        return archive, answer

    return get


def table_of(archive):
    return list(csv.DictReader(io.StringIO(archive.read("results.csv").decode(), newline="")))


def test_a_template_is_downloaded_whole_and_names_keep_their_letters(api, download, group, issue, tmp_path):
    made = issue(*NAMES, group_id=group["id"])
    issue("Only a draft", group_id=group["id"], action="draft")
    archive, answer = download(f"/groups/{group['id']}/download")
    assert archive.namelist() == [*(f"{name}.pdf" for name in NAMES), "results.csv"]
    assert answer.headers["content-disposition"].startswith('attachment; filename="Financial Markets.zip"')
    # The flag that tells readers the names are UTF-8.
    assert all(item.flag_bits & 0x800 for item in archive.infolist())
    assert {item.compress_type for item in archive.infolist()} == {zipfile.ZIP_STORED}
    for name in NAMES[:2]:
        document = PdfReader(io.BytesIO(archive.read(f"{name}.pdf")))
        assert document.metadata.title == f"Financial Markets - {name}"
    assert table_of(archive) == [
        {
            "file": f"{name}.pdf",
            "credential_id": credential["id"],
            "public_url": f"http://testserver/credentials/{credential['publicId']}",
            "recipient": name,
            "error": "",
        }
        for name, credential in zip(NAMES, made, strict=True)
    ]
    (tmp_path / "x.zip").write_bytes(answer.content)
    for tool in (["unzip", "-tqq"], ["7z", "t", "-bd"]):
        if shutil.which(tool[0]):
            subprocess.run([*tool, str(tmp_path / "x.zip")], check=True, capture_output=True, timeout=60)


def test_the_same_selection_gives_the_same_bytes_also_after_it_was_looked_at(api, client, download, group, issue):
    made = issue(*NAMES, group_id=group["id"])
    path = f"/groups/{group['id']}/download"
    first = download(path)[1].content
    assert download(path)[1].content == first
    # Looking at one records and stores its file, and the download takes that one then.
    designs = api("GET", f"/credentials/{made[0]['id']}/designs")
    (pdf,) = (item["url"] for item in designs[0]["previews"] if item["format"] == "pdf")
    shown = client.get(pdf).content
    archive, again = download(path)
    assert again.content == first
    assert archive.read(f"{NAMES[0]}.pdf") == shown
    issue("One more", group_id=group["id"])
    assert download(path)[1].content != first


def test_files_are_not_stored_and_stored_ones_are_used(api, client, platform, download, plain, issue):
    (credential,) = issue("Ada")
    path = f"/groups/{plain['id']}/download"
    folder = platform.settings.data_dir / "files" / "credentials"
    before, _ = download(path)
    assert not folder.exists()
    url = api("GET", f"/credentials/{credential['id']}/designs")[0]["previews"][0]["url"]
    client.get(url)
    (stored,) = (item for item in folder.rglob("*") if item.is_file())
    stored.write_bytes(b"what is stored")
    archive, _ = download(path, format=stored.suffix[1:])
    assert archive.read(f"Ada{stored.suffix}") == b"what is stored"
    assert before.read("Ada.pdf").startswith(b"%PDF")


@on_one_database
def test_hostile_names_become_safe_ones_and_no_name_stands_twice(download, plain, issue):
    made = issue(*HOSTILE)
    archive, _ = download("/credentials/download", {"credentialIds": [item["id"] for item in made]})
    assert archive.namelist() == [
        "x.pdf", "_CON.pdf", "w" * 134 + ".pdf", "evilgpj.exe.pdf", "=1+1.pdf", "@cmd.pdf",
        "Ada.pdf", "ada (2).pdf", "ADA (3).pdf", "results.csv",
    ]  # fmt: skip
    table = table_of(archive)
    assert [row["credential_id"] for row in table] == [item["id"] for item in made]
    assert [(row["file"], row["recipient"]) for row in table[4:6]] == [("'=1+1.pdf", "'=1+1"), ("'@cmd.pdf", "'@cmd")]


def test_names_follow_a_pattern_and_values_in_it_are_not_resolved_again(api, download, group):
    body = {"groupId": group["id"], "recipient": {"name": "[group.name]"}, "issueDate": "2026-11-24"}
    made = api("POST", "/credentials", {**body, "customAttributes": {"custom.mentor": "A/B"}}, status=201)
    api("POST", f"/credentials/{made['id']}/issue")
    name = "[custom.mentor] [2026] [recipient.name] - [group.name], [certificate.issued_on][recipient.email]"
    archive, _ = download(f"/groups/{group['id']}/download", name=name)
    assert archive.namelist()[0] == "A-B [2026] [group.name] - Financial Markets, 24 November 2026.pdf"


def test_all_designs_or_the_first_certificate_and_pictures(api, download, tenant, issue):
    body = {"name": "Both", "designIds": [tenant.badge_id, tenant.certificate_id]}
    group = api("POST", "/groups", body, status=201)
    issue("Ada", "Ada", group_id=group["id"])
    path = f"/groups/{group['id']}/download"
    names = {id_: api("GET", f"/designs/{id_}")["name"] for id_ in (tenant.badge_id, tenant.certificate_id)}
    archive, _ = download(path, designs="all", format="png")
    assert archive.namelist() == [
        *(f"Ada - {name}.png" for name in names.values()),
        *(f"Ada - {name} (2).png" for name in names.values()),
        "results.csv",
    ]
    sizes = [Image.open(io.BytesIO(archive.read(name))).size for name in archive.namelist()[:2]]
    assert sizes[0][0] == sizes[0][1]
    assert sizes[1][0] > sizes[1][1]
    first, _ = download(path, format="png")
    assert first.read("Ada.png") == archive.read(archive.namelist()[1])


def test_a_search_is_downloaded_and_drafts_only_if_asked_for(api, download, issue):
    active, revoked = issue("Active Ada", "Revoked Ada")
    api("POST", f"/credentials/{revoked['id']}/revoke")
    (draft,) = issue("Draft Ada", action="draft")
    issue("Bob")
    filter_ = {"recipient": {"name": {"contains": "ada"}}}

    def names(**how):
        return download("/credentials/download", {"filter": filter_, **how})[0].namelist()[:-1]

    assert names() == ["Active Ada.pdf", "Revoked Ada.pdf"]
    assert names(status="issued") == ["Active Ada.pdf"]
    assert names(status="expired") == ["Revoked Ada.pdf"]
    assert names(status="draft") == ["Draft Ada.pdf"]
    assert names(status="all") == ["Active Ada.pdf", "Revoked Ada.pdf", "Draft Ada.pdf"]
    assert len(download("/credentials/download", {"filter": {}})[0].namelist()) == 4
    ids = [draft["id"], active["id"].upper(), draft["id"]]
    refused = api("POST", "/credentials/download", {"credentialIds": ids}, status=400)["error"]
    assert refused["details"][0]["path"] == ["credentialIds", 0]
    assert "draft" in refused["message"]
    archive, _ = download("/credentials/download", {"credentialIds": ids, "status": "all"})
    assert archive.namelist() == ["Draft Ada.pdf", "Active Ada.pdf", "results.csv"]


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr("testamur.credentials.downloading.CREDENTIALS_PER_PAGE", 7)
    monkeypatch.setattr("testamur.web.downloads.CREDENTIALS_PER_PAGE", 7)


def test_pages_follow_each_other_without_gap_or_repeat(small_pages, download, plain, issue):
    names = [f"Recipient {number:03}" for number in range(28)]
    made = issue(*names)
    expected = [f"{name}.pdf" for name in names]
    archive, _ = download(f"/groups/{plain['id']}/download")
    assert archive.namelist()[:-1] == expected
    ids = [item["id"] for item in reversed(made)]
    archive, _ = download("/credentials/download", {"credentialIds": [*ids, *ids[:3]]})
    assert archive.namelist()[:-1] == expected[::-1]


@pytest.fixture
def broken(api, platform, tenant):
    """A template whose design has lost its picture."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(picture, "PNG")
    asset = api("POST", "/assets", status=201, content=picture.getvalue(), headers={"Content-Type": "image/png"})
    image = {"type": "image", "x": 0, "y": 0, "width": 10, "height": 10, "source": asset["source"]}
    document = {"version": 1, "page": {"width": 100, "height": 60}, "elements": [image]}
    design = api("POST", "/designs", {"name": "Broken", "type": "certificate", "document": document}, status=201)
    platform.storage.delete_all(f"assets/{tenant.workspace.id}")
    return api("POST", "/groups", {"name": "Broken", "designIds": [design["id"]]}, status=201)


@on_one_database
def test_what_cannot_be_rendered_is_told_and_keeps_nothing_else(api, download, plain, issue, broken):
    made = [*issue("Ada"), *issue("Lost", "=Lost", group_id=broken["id"]), *issue("Bob")]
    archive, _ = download("/credentials/download", {"credentialIds": [item["id"] for item in made]})
    assert archive.namelist() == ["Ada.pdf", "Bob.pdf", "results.csv"]
    table = table_of(archive)
    assert [(row["file"], row["recipient"]) for row in table] == [
        ("Ada.pdf", "Ada"), ("", "Lost"), ("", "'=Lost"), ("Bob.pdf", "Bob"),
    ]  # fmt: skip
    assert [bool(row["error"]) for row in table] == [False, True, True, False]
    assert "picture" in table[1]["error"]


def test_what_can_be_refused_is_refused_before_the_first_byte(api, tenant, plain, issue):
    path = f"/groups/{plain['id']}/download"
    api("GET", "/groups/01fpwtztwf7sacca5r0c483mnm/download", status=404)
    api("GET", "/groups/nonsense/download", status=404)
    assert "no such credential" in api("GET", path, status=400)["error"]["message"]
    (credential,) = issue("Ada")
    for query, member in (
        ("format=exe", "format"),
        ("status=lost", "status"),
        ("designs=none", "designs"),
        ("name=[recipient.nam]", "name"),
        ("name=x", "name"),
    ):
        details = api("GET", f"{path}?{query}", status=400)["error"]["details"]
        assert details[0]["path"] == [member], query
    ids = [credential["id"]]
    for body, member in (
        ({}, ["credentialIds"]),
        ({"credentialIds": ids, "filter": {}}, ["credentialIds"]),
        ({"credentialIds": "x"}, ["credentialIds"]),
        ({"credentialIds": ids * 10_001}, ["credentialIds"]),
        ({"credentialIds": ids, "format": "exe"}, ["format"]),
        ({"credentialIds": ids, "name": "[nope.x]"}, ["name"]),
        ({"filter": {"nonsense": 1}}, ["filter", "nonsense"]),
    ):
        details = api("POST", "/credentials/download", body, status=400)["error"]["details"]
        assert details[0]["path"] == member, member
    api("POST", "/credentials/download", {"credentialIds": []}, status=400)
    api("POST", "/credentials/download", {"filter": {"id": {"in": []}}}, status=400)
    for unknown in ("01fpwtztwf7sacca5r0c483mnm", "x\x00y", ""):
        refused = api("POST", "/credentials/download", {"credentialIds": [*ids, unknown]}, status=404)["error"]
        assert "credentialIds[1]" in refused["message"]
    # None of them has kept one of the few places.
    assert api("GET", path)


def test_ids_of_another_workspace_give_nothing_away(client, tenant, other_tenant, download, issue):
    headers = other_tenant.headers
    body = {"name": "Secret course", "designIds": [other_tenant.certificate_id]}
    group = client.post("/v1/groups", headers=headers, json=body).json()
    body = {"groupId": group["id"], "recipient": {"name": "Hidden Person", "email": "hidden@example.com"}}
    hidden = client.post("/v1/credentials/create-issue-send", headers=headers, json=body).json()
    (own,) = issue("Ada")
    path = "/v1/credentials/download"
    answers = [
        client.post(path, headers=tenant.headers, json={"credentialIds": [own["id"], foreign]})
        for foreign in (hidden["id"], "01fpwtztwf7sacca5r0c483mnm")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert client.get(f"/v1/groups/{group['id']}/download", headers=tenant.headers).status_code == 404
    archive, _ = download(
        "/credentials/download", {"filter": {"OR": [{"groupId": {"equals": group["id"]}}, {"NOT": []}]}}
    )
    assert archive.namelist() == ["Ada.pdf", "results.csv"]
    assert b"Hidden" not in b"".join(archive.read(name) for name in archive.namelist())
    refused = client.post(path, headers=tenant.headers, json={"filter": {"id": {"equals": hidden["id"]}}})
    assert refused.status_code == 400
    assert client.post(path, headers=headers, json={"credentialIds": [hidden["id"]]}).status_code == 200


def test_what_is_deleted_before_its_turn_is_told(small_pages, platform, tenant, issue, api):
    from testamur.clock import now
    from testamur.credentials.downloading import Wanted
    from testamur.web.downloads import open_download

    made = issue("Ada", *(f"Other {number}" for number in range(7)), "Cyd")
    wanted = Wanted(format="pdf", pattern="[recipient.name]")
    ids = [item["id"] for item in made]
    archive = open_download(platform, tenant.workspace, wanted, ids, at=now())
    # The first page was read when it was opened.
    api("DELETE", f"/credentials/{ids[-1]}", status=204)
    content = b"".join(archive)
    archive.close()
    read = zipfile.ZipFile(io.BytesIO(content))
    assert "Cyd.pdf" not in read.namelist()
    assert table_of(read)[-1] == {
        "file": "", "credential_id": ids[-1], "public_url": "", "recipient": "", "error": "It was deleted meanwhile",
    }  # fmt: skip
    assert (archive.done, archive.faulty) == (9, 1)


def test_later_credentials_are_not_waited_for(platform, tenant, plain, issue):
    from testamur.clock import now
    from testamur.credentials.downloading import AWARDED, Wanted
    from testamur.credentials.searching import And
    from testamur.web.downloads import open_download, selection_of

    issue("Ada")
    wanted = Wanted(format="pdf", pattern="[recipient.name]")
    earlier = selection_of(And(()), AWARDED, now() - timedelta(minutes=1))
    with pytest.raises(Exception, match="no such credential"):
        open_download(platform, tenant.workspace, wanted, earlier, at=now())


def test_no_more_is_drawn_than_is_taken_and_nothing_once_it_is_closed():
    drawn = []
    rendering = RecordedRendering(
        workspace_id="w", credential_id="c", design_id="d", digest="x", design_version=1, title="", values={},
        language="en", created_at=datetime(2026, 11, 24, tzinfo=UTC),
    )  # fmt: skip
    entries = (Entry(credential_id=str(n), stem="Ada", rendering=rendering) for n in range(1000))

    def draw(entry):
        drawn.append(entry)
        return b"x" * 100_000

    freed = threading.Event()
    pool = RenderingPool(processes=2, queue=1, seconds=10, memory_mib=1024)
    archive = Archive(entries, draw, pool.map, ending="pdf", base_url="", close=freed.set)
    parts = iter(archive)
    for _ in range(5):
        next(parts)
    time.sleep(0.2)
    assert len(drawn) <= archive.done + 10 < 30
    archive.close()
    assert freed.is_set()
    count = len(drawn)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rendering")]
    time.sleep(0.1)
    assert len(drawn) == count
    assert list(parts) == []


@pytest.mark.parametrize("is_leaving", [True, False])
def test_a_client_that_leaves_or_stalls_closes_the_file(monkeypatch, is_leaving):
    monkeypatch.setattr("testamur.web.files.STALLED_SECONDS", 0.1)
    closed = []

    class Endless:
        def __iter__(self):
            while True:
                yield b"x"

        def close(self):
            closed.append(True)

    async def run():
        sent = []
        gone = asyncio.Event()

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if len(sent) == 5:
                gone.set() if is_leaving else await asyncio.sleep(60)

        response = FileStream(Endless(), 200, {}, "application/zip")
        await asyncio.wait_for(response({"type": "http", "path": "/x"}, receive, send), 30)
        assert sent[-1].get("more_body", True)

    asyncio.run(run())
    assert closed == [True]


def test_a_key_for_repeating_keeps_no_archive(client, tenant, issue):
    (credential,) = issue("Ada")
    headers = {**tenant.headers, "Idempotency-Key": "same"}
    for body in ({"credentialIds": [credential["id"]]}, {"filter": {}}):
        answer = client.post("/v1/credentials/download", headers=headers, json=body)
        assert (answer.status_code, answer.content[:2]) == (200, b"PK")


def test_places_are_few_and_are_given_back(platform, client, tenant, plain, issue):
    from testamur.clock import now
    from testamur.credentials.downloading import AWARDED, Wanted
    from testamur.credentials.searching import And
    from testamur.web.downloads import open_download, selection_of

    issue("Ada")
    path = f"/v1/groups/{plain['id']}/download"
    wanted = Wanted(format="pdf", pattern="[recipient.name]")
    everything = selection_of(And(()), AWARDED, now())
    # One was begun, one was not even that, and both hold a place until they are closed.
    opened = [open_download(platform, tenant.workspace, wanted, everything, at=now()) for _ in range(2)]
    next(iter(opened[0]))
    refused = client.get(path, headers=tenant.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "service_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    for archive in opened:
        archive.close()
        archive.close()
    assert [client.get(path, headers=tenant.headers).status_code for _ in range(3)] == [200, 200, 200]


@on_one_database
def test_the_longest_names_are_cut_between_letters(download, plain, issue):
    issue("e\u0301" * 100, "字" * 250)
    names = download(f"/groups/{plain['id']}/download")[0].namelist()[:2]
    assert all(len(name.encode()) <= 150 for name in names)
    assert names == ["é" * 67 + ".pdf", "字" * 44 + ".pdf"]
    assert all(unicodedata.is_normalized("NFC", name) for name in names)
