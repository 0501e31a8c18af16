"""Files at their addresses: every format and width, old versions too, once each, and nothing of anybody else's."""

import base64
import io

import pytest
from databases import on_one_database
from PIL import Image
from pypdf import PdfReader
from starlette.requests import Request
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.errors import Unavailable
from testamur.wallet.files import WIDTHS_PX
from testamur.web.errors import error_answer

TYPES = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


def preview_path(tenant, version=1):
    return f"/files/designs/{tenant.workspace.id}/{tenant.certificate_id}/{version}"


def picture(answer):
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.fixture
def rendered(platform):
    """How much has been drawn since the test began."""
    before = platform.renderers.pool.counters().rendered
    return lambda: platform.renderers.pool.counters().rendered - before


@on_one_database
@pytest.mark.parametrize(("ending", "format_"), TYPES.items())
def test_a_picture_comes_in_each_format_and_a_width(client, path, ending, format_):
    answer = client.get(f"{path}.{ending}?width=400")
    made = picture(answer)
    assert (made.format, made.width) == (format_, 400)
    assert answer.headers["content-type"] == f"image/{format_.lower()}"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    usual = picture(client.get(f"{path}.{ending}"))
    assert (usual.format, usual.width) == (format_, 1600)
    # The same drawing, whatever the format does to it.
    small = made.convert("RGB").resize((40, 28)).tobytes()
    same = picture(client.get(f"{path}.png?width=400")).convert("RGB").resize((40, 28)).tobytes()
    assert max(abs(a - b) for a, b in zip(small, same, strict=True)) < 30


def test_the_pdf_and_the_usual_picture_have_one_address_each(client, path, rendered):
    assert client.get(f"{path}.pdf").content.startswith(b"%PDF")
    assert client.get(f"{path}.png?width=1600").content == client.get(f"{path}.png").content
    assert rendered() == 2


@on_one_database
@pytest.mark.parametrize("width", ["0", "401", "100000", "-200", "0400", "4e2", "", "wide"])
def test_another_width_is_told_and_leaves_no_file(client, path, tenant, width, rendered):
    for place in (path, preview_path(tenant)):
        answer = client.get(f"{place}.png", params={"width": width})
        assert answer.status_code == 400
        assert f"The width must be one of {', '.join(map(str, WIDTHS_PX))}" in answer.text
    assert rendered() == 0


@on_one_database
def test_what_is_no_picture_has_no_width(client, path):
    answer = client.get(f"{path}.pdf?width=400")
    assert answer.status_code == 400
    assert "A PDF has no width" in answer.text


@on_one_database
@pytest.mark.parametrize("ending", ["gif", "svg", "PNG", "400.png", "png.pdf", "tar.gz"])
def test_other_formats_are_not_there(client, path, tenant, ending, rendered):
    for place in (path, preview_path(tenant)):
        assert client.get(f"{place}.{ending}").status_code == 404
    assert rendered() == 0


def test_each_file_has_its_own_etag_and_is_not_sent_twice(client, path):
    tags = set()
    for address in (f"{path}.png", f"{path}.png?width=400", f"{path}.jpg", f"{path}.pdf"):
        tag = client.get(address).headers["etag"]
        again = client.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
        tags.add(tag)
    assert len(tags) == 4


def test_a_stored_file_is_served_by_a_process_that_did_not_make_it(client, platform, path, tenant, rendered):
    made = client.get(f"{path}.png?width=200").content
    before = rendered()
    # Not entered, so that leaving it does not close the platform that both share.
    other = TestClient(create_app(platform))
    assert other.get(f"{path}.png?width=200").content == made
    assert rendered() == before


def test_a_deleted_credential_is_not_served_in_any_form_though_its_files_were_just_sent(client, api, credential, path):
    addresses = [f"{path}.png", f"{path}.webp?width=200", f"{path}.pdf"]
    tags = [client.get(address).headers["etag"] for address in addresses]
    api("DELETE", f"/credentials/{credential['id']}", status=204)
    for address, tag in zip(addresses, tags, strict=True):
        assert client.get(address).status_code == 404
        assert client.get(address, headers={"If-None-Match": tag}).status_code == 404
    assert client.get(f"{path}.jpg").status_code == 404


def test_another_workspace_in_the_address_finds_nothing(client, path, tenant, other_tenant):
    assert client.get(f"{path}.png").status_code == 200
    assert client.get(preview_path(tenant) + ".png").status_code == 200
    for address in (f"{path}.png", preview_path(tenant) + ".png"):
        foreign = address.replace(tenant.workspace.id, other_tenant.workspace.id)
        assert client.get(foreign).status_code == 404
        assert client.get(address.replace(tenant.certificate_id, other_tenant.certificate_id)).status_code == 404
    own_preview = picture(client.get(preview_path(other_tenant) + ".png?width=200"))
    assert own_preview.width == 200


def test_ids_and_digests_that_cannot_be_are_not_looked_for(client, path, tenant):
    stem, _, digest = path.rpartition("/")
    for other in ("short", f"{digest[:-1]}!", f"{digest}x", "a" * 44, "..%2f..%2fmaster"):
        assert client.get(f"{stem}/{other}.png").status_code == 404
    assert client.get(f"/files/designs/{tenant.workspace.id}/no-id/1.png").status_code == 404
    assert client.get(f"/files/designs/{tenant.workspace.id}/{tenant.certificate_id}/x.png").status_code == 404


def test_the_preview_of_an_old_version_goes_on_serving_what_it_served(client, api, tenant):
    place = f"/designs/{tenant.certificate_id}"
    first = client.get(preview_path(tenant) + ".png").content
    document = api("GET", f"{place}/document")["document"]
    for number in (2, 3):
        document["background"] = {"color": f"#ff00{number}0"}
        changed = api("PATCH", place, {"document": document})
        assert changed["previewUrl"].endswith(f"/{number}.png")
    third = client.get(preview_path(tenant, 3) + ".png").content
    assert client.get(preview_path(tenant) + ".png").content == first
    assert first != third
    # One that was never asked for while it was the newest.
    second = picture(client.get(preview_path(tenant, 2) + ".png?width=200"))
    assert second.convert("RGB").getpixel((1, 1)) == (255, 0, 32)
    assert client.get(preview_path(tenant, 4) + ".png").status_code == 404
    assert client.get(preview_path(tenant, 0) + ".png").status_code == 404


def test_a_removed_design_has_no_previews(client, api, tenant):
    assert client.get(preview_path(tenant) + ".png").status_code == 200
    api("DELETE", f"/designs/{tenant.certificate_id}", status=204)
    assert client.get(preview_path(tenant) + ".png").status_code == 404


def test_a_design_has_no_pdf(client, tenant):
    assert client.get(preview_path(tenant) + ".pdf").status_code == 404


def test_what_is_unavailable_under_the_api_is_json_with_the_time_to_wait():
    scope = {"type": "http", "method": "GET", "path": "/v1/designs", "query_string": b"", "headers": []}
    scope["server"] = ("testserver", 80)
    answer = error_answer(Request(scope), Unavailable("Too much", retry_after_seconds=7))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert b'"service_unavailable"' in answer.body
    assert "retry-after" not in error_answer(Request(scope), Unavailable()).headers


@on_one_database
def test_an_archival_pdf_and_one_for_the_printer_have_addresses_of_their_own(client, path):
    plain = client.get(f"{path}.pdf").content
    archival = client.get(f"{path}.pdf?standard=a-2b")
    assert archival.status_code == 200
    assert PdfReader(io.BytesIO(archival.content)).xmp_metadata.pdfaid_part == "2"
    # The starter design has no bleed, so the sheet is as large as ever; it is another file all the same.
    bled = client.get(f"{path}.pdf?bleed=1")
    etags = {client.get(f"{path}.pdf{query}").headers["etag"] for query in ("", "?standard=a-2b", "?bleed=1")}
    assert len(etags) == 3
    assert PdfReader(io.BytesIO(bled.content)).pages[0].mediabox == PdfReader(io.BytesIO(plain)).pages[0].mediabox
    for query in ("standard=a-1", "bleed=yes", "signed=0", "width=400"):
        assert client.get(f"{path}.pdf?{query}").status_code == 400
    assert client.get(f"{path}.png?standard=a-2b").status_code == 400


@on_one_database
def test_a_pdf_is_signed_where_the_workspace_has_a_certificate(client, platform, api, path, authority):
    assert client.get(f"{path}.pdf?signed=1").status_code == 404
    key = authority.new_key("p-256")
    packed = authority.pkcs12(key, authority.certificate(key), "secret")
    api(
        "POST",
        "/workspace/pdf-certificate",
        {"pkcs12": base64.b64encode(packed).decode(), "password": "secret"},
    )
    signed = client.get(f"{path}.pdf?signed=1&standard=a-2b")
    assert signed.status_code == 200
    # What is signed is the archival PDF itself, with the signature after its end.
    assert signed.content.startswith(client.get(f"{path}.pdf?standard=a-2b").content)
    assert b"ETSI.CAdES.detached" in signed.content
    # It stays what it was when it was made, whatever becomes of the certificate.
    api("DELETE", "/workspace/pdf-certificate", status=204)
    assert client.get(f"{path}.pdf?signed=1&standard=a-2b").content == signed.content
