"""What a workspace says of itself, what it may use, taking its data along and having it erased."""

import io
import json
import zipfile

import pytest
from PIL import Image
from sqlalchemy import func, select

from testamur.clock import now
from testamur.db.schema import metadata
from testamur.plans import Plan
from testamur.tokens.secrets import hash_secret
from testamur.web.brand import CONTRAST_MIN, DARK_GROUND, LIGHT_GROUND, contrast, readable
from testamur.worker.schedules import erase_closed
from testamur.workspace_data.deleting import KEPT_TABLES
from testamur.workspace_data.exporting import LEFT_OUT_COLUMNS, LEFT_OUT_TABLES, tables_of_workspaces
from testamur.workspaces.creating import set_plan
from testamur.workspaces.queries import get_workspace

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

PROFILE = {
    "name": "Lyceum of Łódź",
    "slug": "lyceum",
    "website_url": "https://lyceum.example/",
    "support_email": "help@lyceum.example",
    "description": "Teaches.\nSince 1921.",
    "time_zone": "Europe/Warsaw",
    "names_in_credentials": "plain",
    "emails_in_credentials": "hidden",
}


def workspace(platform, person):
    with platform.database.read() as tx:
        return get_workspace(tx, person.workspace_id)


def png(colour="navy"):
    content = io.BytesIO()
    Image.new("RGB", (60, 30), colour).save(content, "PNG")
    return content.getvalue()


@sqlite_only
def test_a_profile_is_saved_and_shown(platform, staff, owner, client):
    mine = staff(owner)
    body = {**PROFILE, "brand_color": "#C0FFEE", "has_brand_color": "yes", "is_indexed": "yes"}
    answer = mine.post("~/settings", body, files={"logo": ("logo.png", png(), "image/png")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/w/lyceum/settings")
    saved = workspace(platform, owner)
    assert {field: getattr(saved, field) for field in PROFILE} == {**PROFILE}
    assert (saved.brand_color, saved.is_indexed) == ("#c0ffee", True)
    logo = client.get(saved.logo_url)
    assert (logo.status_code, logo.headers["content-type"]) == (200, "image/png")
    assert "sandbox" in logo.headers["content-security-policy"]
    issuer = client.get("/i/lyceum", headers={"Accept": "text/html"})
    assert "/i/lyceum/brand.css?v=c0ffee" in issuer.text
    brand = client.get("/i/lyceum/brand.css?v=c0ffee")
    assert (brand.status_code, brand.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in brand.headers["cache-control"]


@sqlite_only
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a" * 256),
        ("slug", "Not A Slug"),
        ("slug", "rival"),
        ("website_url", "javascript:alert(1)"),
        ("support_email", "nobody"),
        ("description", "\u0000"),
        ("brand_color", "red;} body { display: none"),
        ("time_zone", "Mars/Olympus"),
        ("names_in_credentials", "shouted"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field(platform, staff, owner, other_tenant, field, value):
    before = workspace(platform, owner)
    answer = staff(owner).post("~/settings", {**PROFILE, "has_brand_color": "yes", field: value})
    assert answer.status_code == 422
    assert "This was not saved" in answer.text
    assert workspace(platform, owner) == before


@sqlite_only
@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"%PDF-1.7", b"<script>alert(1)</script>", b"\x89PNG\r\n\x1a\n" + b"x" * 9]
)
def test_a_logo_is_a_picture(platform, staff, owner, content):
    answer = staff(owner).post("~/settings", PROFILE, files={"logo": ("logo.png", content, "image/png")})
    assert answer.status_code == 422
    assert workspace(platform, owner).logo_url is None


@sqlite_only
def test_a_logo_too_large_is_refused(platform, staff, owner):
    answer = staff(owner).post(
        "~/settings", PROFILE, files={"logo": ("logo.png", png() + b"0" * 2_100_000, "image/png")}
    )
    assert answer.status_code == 422
    assert "2 MB" in answer.text


@pytest.mark.parametrize("color", ["#ffffff", "#000000", "#ffff00", "#c0ffee", "#14213d", "#ff0000", "#777777"])
def test_a_brand_can_be_read_in_both_themes(color):
    for ground in (LIGHT_GROUND, DARK_GROUND):
        assert contrast(readable(color, ground), ground) >= CONTRAST_MIN


def test_contrast_is_that_of_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@sqlite_only
def test_usage_stands_beside_the_plan(platform, staff, owner, api, group):
    assert "as many credentials as it likes" in staff(owner).get("~/settings/plan").text
    plan = Plan(credentials_per_year=10, designs_per_template=1, features=frozenset({"imports"}))
    platform.settings.plans["small"] = plan
    with platform.database.write() as tx:
        set_plan(tx, owner.workspace_id, "small", at=now())
    try:
        api(
            "POST", "/credentials/create-issue-send", {"groupId": group["id"], "recipient": {"name": "Ada"}}, status=201
        )
        shown = staff(owner).get("~/settings/plan").text
        assert "1 of 10 credentials issued in" in shown
        assert shown.count("Not included") == 4
    finally:
        del platform.settings.plans["small"]


def counts(platform, workspace_id):
    with platform.database.read() as tx:
        return {
            table.name: tx.execute(
                select(func.count()).select_from(table).where(table.c.workspace_id == workspace_id)
            ).scalar_one()
            for table in tables_of_workspaces()
        }


def test_all_data_is_taken_along_and_no_secret(platform, staff, owner, api, group, tenant, other_tenant, client):
    for name in ("Ada Lovelace", "=cmd|' /C calc'!A0"):
        body = {"groupId": group["id"], "recipient": {"name": name, "email": "ada@example.com"}}
        api("POST", "/credentials/create-issue-send", body, status=201)
    theirs = client.post(
        "/v1/groups",
        headers=other_tenant.headers,
        json={"name": "Rival secret", "designIds": [other_tenant.certificate_id]},
    )
    assert theirs.status_code == 201
    secret = api("POST", "/webhooks", {"url": "https://example.com/"}, status=201)["secret"]
    staff(owner).post("~/settings", {**PROFILE, "slug": "meridian"}, files={"logo": ("logo.png", png(), "image/png")})
    answer = staff(owner).post("~/settings/data/export")
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    held = counts(platform, owner.workspace_id)
    for table in tables_of_workspaces():
        if table.name in LEFT_OUT_TABLES:
            continue
        rows = [json.loads(line) for line in archive.read(f"data/{table.name}.jsonl").splitlines()]
        assert len(rows) == held[table.name], table.name
        assert not any(LEFT_OUT_COLUMNS & row.keys() for row in rows)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    for forbidden in (secret, tenant.token, hash_secret(tenant.token), "Rival", other_tenant.workspace.id):
        assert forbidden.encode() not in everything
    table = archive.read("credentials.csv").decode("utf-8-sig")
    assert "'=cmd" in table
    signed = [json.loads(archive.read(name)) for name in archive.namelist() if name.startswith("signed/")]
    assert {document["credentialSubject"]["achievement"]["name"] for document in signed} == {"Financial Markets"}
    assert [name for name in archive.namelist() if name.startswith("files/assets/")] != []


def test_a_deleted_workspace_holds_nothing_and_keeps_no_other_from_working(
    platform, staff, owner, person, api, group, tenant, other_tenant, client
):
    body = {"groupId": group["id"], "recipient": {"name": "Ada Lovelace", "email": "ada@example.com"}}
    issued = api("POST", "/credentials/create-issue-send", body, status=201)
    document = client.get(f"/credentials/{issued['publicId']}.json").json()
    before = counts(platform, other_tenant.workspace.id)
    assert staff(owner).post("~/settings/data/delete", {"confirmation": "rival"}).status_code == 422
    assert api("GET", "/me")["id"]
    answer = staff(owner).post("~/settings/data/delete", {"confirmation": "meridian"})
    assert answer.status_code == 303
    # At once nobody gets in any more.
    assert staff(owner).get("~").status_code == 404
    assert client.get("/v1/me", headers=tenant.headers).status_code == 401
    while erase_closed(platform, now()):
        pass
    held = counts(platform, owner.workspace_id)
    assert {name for name, count in held.items() if count} <= KEPT_TABLES
    assert counts(platform, other_tenant.workspace.id) == before
    assert client.get(f"/credentials/{issued['publicId']}").status_code == 404
    assert "Meridian" not in client.get("/i/meridian").text
    # What was downloaded before still verifies: its key is where it was.
    assert client.get("/i/meridian/did.json").json()["verificationMethod"] != []
    assert document["issuer"]["id"].endswith(":i:meridian")
    assert erase_closed(platform, now()) == 0
    assert metadata.tables["credentials"].name in held


@sqlite_only
@pytest.mark.parametrize("look", [{}, {"narrow": True, "dark": True}], ids=["wide light", "narrow dark"])
def test_settings_are_usable_by_everybody(browse, owner, accessible, look):
    page = browse(owner, **look)
    for path in ("", "/plan", "/data"):
        page.goto(f"/w/meridian/settings{path}")
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    page.goto("/w/meridian/settings")
    page.get_by_label("Name", exact=True).first.fill("Lyceum")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").get_by_text("saved").wait_for()
    with page.expect_download() as download:
        page.goto("/w/meridian/settings/data")
        page.get_by_role("button", name="Download all data").click()
    assert download.value.suggested_filename.startswith("meridian-")


@sqlite_only
def test_recipients_see_the_brand(browse, owner, staff, api, group, accessible):
    body = {**PROFILE, "slug": "meridian", "brand_color": "#7a1f5c", "has_brand_color": "yes"}
    staff(owner).post("~/settings", body, files={"logo": ("logo.png", png("purple"), "image/png")})
    issued = api(
        "POST", "/credentials/create-issue-send", {"groupId": group["id"], "recipient": {"name": "Ada"}}, status=201
    )
    for dark in (False, True):
        page = browse(dark=dark)
        page.goto(f"/credentials/{issued['publicId']}")
        accessible(page)
        assert page.locator(".logo img").evaluate("image => image.naturalWidth") == 60
        ground = page.locator(".button").first.evaluate("element => getComputedStyle(element).backgroundColor")
        assert ground != ("rgb(227, 201, 143)" if dark else "rgb(20, 33, 61)")
