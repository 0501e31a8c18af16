"""From the first request to the certificate in a recipient's hands."""

import io

import zxingcpp
from databases import on_one_database
from PIL import Image
from pypdf import PdfReader


def start(client, tenant):
    body = {"name": "Financial Markets", "designIds": [tenant.certificate_id, tenant.badge_id]}
    group = client.post("/v1/groups", headers=tenant.headers, json=body).json()
    body = {
        "groupId": group["id"],
        "recipient": {"name": "Żółć O'Brien", "email": "Zolc@Example.com", "id": None},
        "issueDate": "2026-11-24",
        "customAttributes": {"custom.custom.mentor": "Jane Doe"},
        "sendEmail": True,
    }
    answer = client.post("/v1/credentials", headers=tenant.headers, json=body)
    assert answer.status_code == 201
    return group, answer.json()


def test_a_draft_is_issued_rendered_and_shown(client, tenant):
    group, draft = start(client, tenant)
    assert draft["status"] == "draft"
    assert draft["groupId"] == group["id"]
    assert draft["attributes"] == {"recipient.name": "Żółć O'Brien"}
    assert draft["customAttributes"] == {"custom.mentor": "Jane Doe"}
    page_path = f"/credentials/{draft['publicId']}"
    assert client.get(page_path).status_code == 404

    issued = client.post(f"/v1/credentials/{draft['id']}/issue", headers=tenant.headers, content=b"[]").json()
    assert issued["status"] == "issued"
    again = client.post(f"/v1/credentials/{draft['id']}/issue", headers=tenant.headers)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")

    designs = client.get(f"/v1/credentials/{draft['id']}/designs", headers=tenant.headers).json()
    assert [design["id"] for design in designs] == group["designIds"]
    urls = {preview["format"]: preview["url"] for preview in designs[0]["previews"]}
    pdf = client.get(urls["pdf"])
    assert pdf.headers["content-type"] == "application/pdf"
    assert "immutable" in pdf.headers["cache-control"]
    document = PdfReader(io.BytesIO(pdf.content))
    text = document.pages[0].extract_text()
    assert "Żółć O'Brien" in text
    assert "Financial Markets" in text
    assert document.metadata.title == "Financial Markets - Żółć O'Brien"
    assert client.get(urls["pdf"]).content == pdf.content

    png = client.get(urls["png"])
    picture = Image.open(io.BytesIO(png.content))
    codes = zxingcpp.read_barcodes(picture.convert("L"))
    assert [code.text for code in codes] == [f"http://testserver{page_path}"]

    page = client.get(page_path)
    assert page.status_code == 200
    assert "Żółć O&#39;Brien" in page.text
    assert urls["png"] in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "Zolc@Example.com" not in page.text


def test_an_old_preview_goes_on_serving_what_it_served(client, tenant):
    group, draft = start(client, tenant)
    path = f"/v1/credentials/{draft['id']}/designs"
    before = client.get(path, headers=tenant.headers).json()
    client.patch(f"/v1/groups/{group['id']}", headers=tenant.headers, json={"name": "Other Markets"})
    after = client.get(path, headers=tenant.headers).json()
    old, new = (PdfReader(io.BytesIO(client.get(item[0]["previews"][1]["url"]).content)) for item in (before, after))
    assert before[0]["previews"] != after[0]["previews"]
    assert "Financial Markets" in old.pages[0].extract_text()
    assert "Other Markets" in new.pages[0].extract_text()


def test_a_deleted_credential_is_gone_with_its_files(client, tenant):
    _, draft = start(client, tenant)
    designs = client.get(f"/v1/credentials/{draft['id']}/designs", headers=tenant.headers).json()
    url = designs[0]["previews"][0]["url"]
    assert client.get(url).status_code == 200
    assert client.delete(f"/v1/credentials/{draft['id']}", headers=tenant.headers).status_code == 204
    assert client.get(url).status_code == 404
    assert client.get(f"/v1/credentials/{draft['id']}", headers=tenant.headers).status_code == 404


def test_an_undefined_attribute_is_told_in_the_observed_words(client, tenant):
    group, _ = start(client, tenant)
    body = {"groupId": group["id"], "recipient": {"name": "x"}, "customAttributes": {"custom.nope": "y"}}
    message = client.post("/v1/credentials", headers=tenant.headers, json=body).json()["error"]["message"]
    assert "Custom attribute [custom.nope] is not defined on the workspace level" in message
    assert "customAttributes" in message


def test_a_past_expiry_shows_as_expired_everywhere(client, tenant):
    group, _ = start(client, tenant)
    body = {
        "groupId": group["id"],
        "recipient": {"name": "x"},
        "issueDate": "2020-01-01",
        "expiryDate": "2021-01-01",
    }
    made = client.post("/v1/credentials", headers=tenant.headers, json=body).json()
    client.post(f"/v1/credentials/{made['id']}/issue", headers=tenant.headers)
    assert client.get(f"/v1/credentials/{made['id']}", headers=tenant.headers).json()["status"] == "expired"
    listed = client.get("/v1/credentials", headers=tenant.headers).json()["data"]
    assert [item["status"] for item in listed] == ["expired", "draft"]
    assert "Expired" in client.get(f"/credentials/{made['publicId']}").text


def test_the_pages_of_the_server_answer(client, platform):
    for path in ("/", "/docs", "/healthz", "/readyz", "/openapi.json"):
        answer = client.get(path)
        assert answer.status_code == 200, path
    missing = client.get("/credentials/124a8110-1af5-4747-9308-e9d06bd1852a")
    assert missing.status_code == 404
    assert "can&#39;t be found" in missing.text
    assert client.get("/nothing").status_code == 404
    assert client.post("/docs").status_code == 405


@on_one_database
def test_the_description_is_valid_openapi_without_the_legacy_fields(client):
    from openapi_spec_validator import validate

    document = client.get("/openapi.json").json()
    validate(document)
    assert document["openapi"] == "3.1.0"
    created = document["components"]["schemas"]["CreateGroup"]
    assert not {"certificateDesignId", "badgeDesignId"} & set(created["properties"])
    assert sorted(created["required"]) == ["designIds", "name"]
