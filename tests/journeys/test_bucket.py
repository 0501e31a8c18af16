"""The whole product with its files in a bucket, and with the bucket away."""

import dataclasses
import io

import httpx2
import pytest
from PIL import Image
from pypdf import PdfReader
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.clock import now
from testamur.db.migrating import migrate
from testamur.errors import Unavailable
from testamur.imports import running
from testamur.web.platform import open_platform, storage_of
from testamur.worker.imports import run_import
from testamur.worker.work import work_off


@pytest.fixture
def platform(platform, bucket_url):
    """The usual one of the tests, on a bucket."""
    keys = {"storage_access_key": "AKIDSECRET", "storage_secret_key": "hunter2-hunter2"}
    settings = dataclasses.replace(platform.settings, storage_url=bucket_url, **keys)
    opened = open_platform(settings)
    migrate(opened.database)
    yield opened
    opened.database.close()


def stored(platform):
    return sorted(file.key for file in platform.storage.files())


def local_files(platform):
    return [path for path in (platform.settings.data_dir / "files").rglob("*") if path.is_file()]


def picture():
    made = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 60)).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def drawn(api):
    """A design with a picture of the workspace, and a template that shows it."""
    asset = api("POST", "/assets", content=picture(), headers={"Content-Type": "image/png"}, status=201)
    document = {
        "version": 1,
        "page": {"width": 200, "height": 150},
        "elements": [
            {"type": "image", "x": 10, "y": 10, "width": 80, "height": 60, "source": asset["source"]},
            {"type": "text", "x": 10, "y": 80, "width": 180, "height": 20, "text": "[recipient.name]"},
        ],
    }
    body = {"name": "With a picture", "type": "certificate", "document": document}
    design = api("POST", "/designs", body, status=201)
    return asset, design, api("POST", "/groups", {"name": "Markets", "designIds": [design["id"]]}, status=201)


def issue(api, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada Lovelace"}}
    made = api("POST", "/credentials", body, status=201)
    api("POST", f"/credentials/{made['id']}/issue")
    (shown,) = api("GET", f"/credentials/{made['id']}/designs")
    return made, {preview["format"]: preview["url"] for preview in shown["previews"]}


def test_a_credential_is_drawn_served_and_deleted_on_a_bucket(client, api, tenant, platform, drawn):
    asset, design, group = drawn
    digest = asset["source"].removeprefix("asset:")
    asset_key = f"assets/{tenant.workspace.id}/{digest}"
    assert stored(platform) == [asset_key]
    # The same picture again is the same file.
    again = api("POST", "/assets", content=picture(), headers={"Content-Type": "image/png"}, status=201)
    assert again == asset
    assert client.get("/readyz").json()["checks"]["storage"] == "ok"

    made, urls = issue(api, group)
    pdf, png = client.get(urls["pdf"]), client.get(urls["png"])
    assert "Ada Lovelace" in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    image = Image.open(io.BytesIO(png.content)).convert("RGB")
    assert image.getpixel((image.width // 10, image.height // 10)) == (200, 30, 60)
    assert client.get(design["previewUrl"]).status_code == 200
    files = stored(platform)
    assert len(files) == 4
    # What is served the second time is what was stored.
    names = {key.rpartition(".")[2]: key for key in files if key.startswith("credentials/")}
    assert platform.storage.read(names["pdf"]) == client.get(urls["pdf"]).content == pdf.content
    assert platform.storage.read(names["png"]) == client.get(urls["png"]).content == png.content

    other, other_urls = issue(api, group)
    assert client.get(other_urls["png"]).status_code == 200
    api("DELETE", f"/credentials/{made['id']}", status=204)
    assert client.get(urls["pdf"]).status_code == 404
    left = stored(platform)
    assert not [key for key in left if f"/{made['id']}/" in key]
    assert [key for key in left if f"/{other['id']}/" in key]
    assert local_files(platform) == []


def test_a_spreadsheet_is_kept_in_the_bucket_until_it_is_credentials(client, api, tenant, platform, drawn):
    _, _, group = drawn
    content = b"name\n" + b"".join(b"Recipient %d\n" % number for number in range(30))
    query = {"groupId": group["id"]}
    made = api("POST", "/imports", content=content, params=query, status=201)
    second = api("POST", "/imports", content=content, params=query, status=201)
    assert [key for key in stored(platform) if key.startswith("imports/")] == sorted(
        f"imports/{tenant.workspace.id}/{item['id']}" for item in (made, second)
    )
    api("POST", f"/imports/{made['id']}/start")
    work_off(platform)
    assert api("GET", f"/imports/{made['id']}")["created"] == 30
    assert api("POST", f"/imports/{second['id']}/cancel")["state"] == "cancelled"
    assert [key for key in stored(platform) if key.startswith("imports/")] == []


@pytest.fixture
def client_away(platform):
    """The same database served by a process that cannot reach the bucket."""
    settings = dataclasses.replace(platform.settings, storage_url="s3://files?endpoint=http://127.0.0.1:1")
    opened = open_platform(settings)
    with TestClient(create_app(opened), raise_server_exceptions=False) as client:
        yield client


def test_while_the_bucket_is_away_nothing_is_lost_and_a_retry_finds_all(
    client, client_away, api, tenant, platform, drawn
):
    _, _, group = drawn
    made, urls = issue(api, group)
    before = client.get(urls["pdf"]).content
    waiting = api("POST", "/imports", content=b"name\nBob\n", params={"groupId": group["id"]}, status=201)
    files = stored(platform)

    ready = client_away.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["storage"]) == (503, "failed")
    assert client_away.get("/healthz").status_code == 200
    # What needs no file goes on.
    assert client_away.get(f"/v1/credentials/{made['id']}", headers=tenant.headers).status_code == 200
    shown = client_away.get(urls["pdf"])
    assert shown.status_code == 503
    assert "Back in a moment" in shown.text
    for method, path, content in (
        ("POST", "/assets", picture()),
        ("POST", f"/imports?groupId={group['id']}", b"name\nEve\n"),
        ("POST", f"/imports/{waiting['id']}/cancel", b""),
        ("DELETE", f"/credentials/{made['id']}", b""),
    ):
        answer = client_away.request(method, f"/v1{path}", headers=tenant.headers, content=content)
        assert answer.status_code == 503, (path, answer.text)
        assert answer.json()["error"]["code"] == "service_unavailable"
        for hidden in ("127.0.0.1", "AKIDSECRET", "hunter2"):
            assert hidden not in answer.text
    assert api("GET", f"/imports/{waiting['id']}")["state"] == "ready"
    assert len(api("GET", "/imports")["data"]) == 1

    assert stored(platform) == files
    assert client.get(urls["pdf"]).content == before
    api("DELETE", f"/credentials/{made['id']}", status=204)
    assert client.get(urls["pdf"]).status_code == 404


def test_an_import_waits_while_the_bucket_is_away_and_goes_on_when_it_is_back(api, platform, drawn):
    _, _, group = drawn
    query = {"groupId": group["id"], "start": "true"}
    made = api("POST", "/imports", content=b"name\nBob\n", params=query, status=201)
    gone = dataclasses.replace(platform.settings, storage_url="s3://files?endpoint=http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        work_off(dataclasses.replace(platform, storage=storage_of(gone)))
    assert api("GET", f"/imports/{made['id']}")["state"] == "running"
    # The claim lapses.
    with platform.database.write() as tx:
        claim = running.claim_import(tx, at=now() + running.LEASE)
    run_import(platform, claim)
    done = api("GET", f"/imports/{made['id']}")
    assert (done["state"], done["created"]) == ("completed", 1)


def test_an_import_is_over_only_when_its_file_is_removed(api, platform, drawn, s3_server):
    """Its worker dies or loses the bucket between the last row and the removal of the file."""
    _, _, group = drawn
    query = {"groupId": group["id"], "start": "true"}
    made = api("POST", "/imports", content=b"name\nBob\n", params=query, status=201)

    # From here on the server lets one request pass, which reads the file, and refuses the next, which removes it.
    httpx2.post(f"{s3_server}/moto-api/reset-auth", content="1")
    try:
        with pytest.raises(Unavailable, match="refuses the credentials"):
            work_off(platform)
    finally:
        httpx2.post(f"{s3_server}/moto-api/reset-auth", content="inf")
    assert api("GET", f"/imports/{made['id']}")["state"] == "running"
    with platform.database.write() as tx:
        claim = running.claim_import(tx, at=now() + running.LEASE)
    run_import(platform, claim)
    done = api("GET", f"/imports/{made['id']}")
    assert (done["state"], done["done"], done["created"]) == ("completed", 1, 1)
    assert [key for key in stored(platform) if key.startswith("imports/")] == []
