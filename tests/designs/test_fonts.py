"""Fonts of a workspace: uploaded, listed, deleted; nobody else's."""

import io
from datetime import UTC, datetime

import msgspec
import pytest
from databases import on_one_database
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from sqlalchemy import insert

from testamur.designs import fonts
from testamur.designs.fonts import font_folder, workspace_fonts
from testamur.designs.tables import design_versions
from testamur.errors import Invalid
from testamur.rendering.document import parse_document, to_json
from testamur.rendering.fonts import BUNDLED_FOLDER, load_fonts

AT = datetime(2026, 11, 24, tzinfo=UTC)


def font_named(family, source="Cinzel-Regular.ttf"):
    with TTFont(BUNDLED_FOLDER / source) as font:
        old = font["name"].getBestFamilyName()
        for record in font["name"].names:
            record.string = str(record).replace(old, family)
        made = io.BytesIO()
        font.save(made)
    return made.getvalue()


@pytest.fixture(scope="module")
def acme():
    return font_named("Acme Capitals")


def stored_files(platform):
    return sorted(path.name for path in (platform.settings.data_dir / "files" / "fonts").glob("*/*"))


def test_a_font_is_uploaded_listed_and_deleted(api, client, platform, tenant, other_tenant, acme):
    made = api("POST", "/fonts", status=201, content=acme, headers={"Content-Type": "font/ttf"})
    assert made["createdAt"].endswith("Z")
    told = {key: made[key] for key in ("family", "style", "weight", "isItalic", "maySubset")}
    assert told == {
        "family": "Acme Capitals", "style": "Regular", "weight": 400, "isItalic": False, "maySubset": True,
    }  # fmt: skip
    assert api("POST", "/fonts", status=201, content=acme)["id"] == made["id"]
    assert [font["id"] for font in api("GET", "/fonts")["data"]] == [made["id"]]
    assert len(stored_files(platform)) == 1

    # Another workspace neither sees nor deletes it, and has its own copy of the same font.
    headers = other_tenant.headers
    assert client.get("/v1/fonts", headers=headers).json()["data"] == []
    assert client.delete(f"/v1/fonts/{made['id']}", headers=headers).status_code == 404
    theirs = client.post("/v1/fonts", headers=headers, content=acme).json()
    assert theirs["id"] != made["id"]
    assert len(stored_files(platform)) == 2

    assert api("DELETE", f"/fonts/{made['id']}", status=204) == ""
    api("DELETE", f"/fonts/{made['id']}", status=404)
    api("DELETE", "/fonts/nonsense", status=404)
    assert api("GET", "/fonts")["data"] == []
    assert len(stored_files(platform)) == 1
    assert [font["id"] for font in client.get("/v1/fonts", headers=headers).json()["data"]] == [theirs["id"]]
    with platform.database.read() as tx:
        assert workspace_fonts(tx, tenant.workspace.id) == ()
        (ref,) = workspace_fonts(tx, other_tenant.workspace.id)
    assert ref.family == "Acme Capitals"


@on_one_database
def test_what_is_no_font_is_refused(api):
    assert "not a TrueType" in api("POST", "/fonts", status=400, content=b"nonsense")["error"]["message"]
    assert "not a TrueType" in api("POST", "/fonts", status=400, content=b"")["error"]["message"]
    api("POST", "/fonts", status=413, content=b"\0\1\0\0" * (3 * 1024 * 1024))


def test_a_font_that_a_design_names_cannot_be_deleted(api, platform, tenant, other_tenant, client, acme):
    made = api("POST", "/fonts", status=201, content=acme)
    theirs = client.post("/v1/fonts", headers=other_tenant.headers, content=acme).json()
    version = {
        "workspace_id": tenant.workspace.id,
        "design_id": tenant.certificate_id,
        "number": 2,
        "document": '{"elements":[{"type":"text","text":"x","font":"Acme Capitals"}]}',
        "tags": [],
        "created_at": AT,
    }
    with platform.database.write() as tx:
        tx.execute(insert(design_versions), version)
    error = api("DELETE", f"/fonts/{made['id']}", status=409)["error"]
    assert "uses the font Acme Capitals" in error["message"]
    assert len(api("GET", "/fonts")["data"]) == 1
    # What a design of another workspace names does not hold it.
    assert client.delete(f"/v1/fonts/{theirs['id']}", headers=other_tenant.headers).status_code == 204


def test_a_design_is_stored_as_the_search_for_its_fonts_expects():
    document = {"version": 1, "page": {"size": "A4"}, "elements": []}
    text = {"type": "text", "x": 0, "y": 0, "width": 9, "height": 9, "text": "x", "font": "Inter"}
    stored = to_json(parse_document(msgspec.json.encode({**document, "elements": [text]})))
    assert b'"font":"Inter"' in stored


def test_a_workspace_has_a_bounded_number_of_fonts(api, monkeypatch, acme):
    monkeypatch.setattr(fonts, "FONTS_MAX", 1)
    api("POST", "/fonts", status=201, content=acme)
    api("POST", "/fonts", status=201, content=acme)
    other = font_named("Acme Script", "NotoSansThai-Regular.ttf")
    assert "has 1 fonts" in api("POST", "/fonts", status=409, content=other)["error"]["message"]
    assert len(api("GET", "/fonts")["data"]) == 1


@on_one_database
def test_the_fonts_of_a_workspace_are_laid_out_for_typesetting(api, platform, tenant, other_tenant, tmp_path, acme):
    api("POST", "/fonts", status=201, content=acme)
    with platform.database.read() as tx:
        refs = workspace_fonts(tx, tenant.workspace.id)
    folder = font_folder(platform.storage, tenant.workspace.id, refs, tmp_path)
    assert folder == font_folder(platform.storage, tenant.workspace.id, refs, tmp_path)
    assert "Acme Capitals" in load_fonts((str(folder),)).families()
    assert font_folder(platform.storage, tenant.workspace.id, (), tmp_path) is None
    with pytest.raises(Invalid, match="missing from the storage"):
        font_folder(platform.storage, other_tenant.workspace.id, refs, tmp_path)


@on_one_database
def test_a_certificate_is_set_in_an_uploaded_font_and_carries_it(api, client, acme):
    text = {
        "type": "text",
        "x": 5,
        "y": 5,
        "width": 90,
        "height": 20,
        "text": "[recipient.name]",
        "font": "Acme Capitals",
    }
    document = {"version": 1, "page": {"width": 100, "height": 60}, "elements": [text]}
    design = {"name": "Ours", "type": "certificate", "document": document}
    refused = api("POST", "/designs", design, status=400)["error"]
    assert refused["details"][0]["path"] == ["document", "elements", 0, "font"]
    api("POST", "/fonts", status=201, content=acme)
    made = api("POST", "/designs", design, status=201)
    group = api("POST", "/groups", {"name": "Course", "designIds": [made["id"]]}, status=201)
    credential = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Ada"}}, status=201)
    (shown,) = api("GET", f"/credentials/{credential['id']}/designs")
    pdf = client.get(shown["previews"][1]["url"])
    assert pdf.status_code == 200
    fonts_in = PdfReader(io.BytesIO(pdf.content)).pages[0]["/Resources"]["/Font"].values()
    assert [font["/BaseFont"].partition("+")[2] for font in fonts_in] == ["AcmeCapitals-Regular"]
    items = [{"recipient": {"name": name}} for name in ("Ada", "ສົມ")]
    found = api("POST", f"/groups/{group['id']}/check", {"items": items})["findings"]
    assert [(finding["row"], finding["kind"]) for finding in found] == [(2, "glyph")]
