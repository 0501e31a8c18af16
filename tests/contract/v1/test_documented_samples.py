"""Objects have exactly the members that the protocol documents, and lists are walked from end to end."""

import re

import pytest

ULID = r"[0-7][0-9a-hjkmnp-tv-z]{25}"
STAMP = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_a_design_is_told_as_documented(api, tenant):
    design = api("GET", f"/designs/{tenant.certificate_id.upper()}")
    assert re.fullmatch(ULID, design["id"])
    assert re.fullmatch(STAMP, design["createdAt"])
    assert re.fullmatch(STAMP, design["updatedAt"])
    assert design == {
        "id": tenant.certificate_id,
        "name": "Classic certificate",
        "type": "certificate",
        "previewUrl": f"http://testserver/files/designs/{tenant.workspace.id}/{tenant.certificate_id}/1.png",
        "createdAt": design["createdAt"],
        "updatedAt": design["updatedAt"],
    }
    api("GET", "/designs/01fpwtztwf7sacca5r0c483mnm", status=404)


def test_a_credential_is_told_as_documented(api, group):
    body = {
        "groupId": group["id"].upper(),
        "recipient": {"name": "John Doe", "email": "john.doe@example.com"},
        "issueDate": "2022-01-01",
        "expiryDate": "2023-01-01",
        "customAttributes": {"custom.mentor": "Jane Doe"},
    }
    made = api("POST", "/credentials", body, status=201)
    assert re.fullmatch(ULID, made["id"])
    assert re.fullmatch(UUID, made["publicId"])
    assert re.fullmatch(ULID, made["recipient"]["id"])
    assert re.fullmatch(STAMP, made["createdAt"])
    assert made == {
        "id": made["id"],
        "publicId": made["publicId"],
        "groupId": group["id"],
        "status": "draft",
        "recipient": {"id": made["recipient"]["id"], "name": "John Doe", "email": "john.doe@example.com"},
        "issueDate": "2022-01-01",
        "expiryDate": "2023-01-01",
        "attributes": {"recipient.name": "John Doe"},
        "customAttributes": {"custom.mentor": "Jane Doe"},
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    same = api(
        "POST", "/credentials", {**body, "recipient": {"name": "J.", "email": "JOHN.DOE@example.com"}}, status=201
    )
    assert same["recipient"]["id"] == made["recipient"]["id"]
    known = {**body, "recipient": {"name": "John", "id": made["recipient"]["id"]}}
    assert api("POST", "/credentials", known, status=201)["recipient"]["email"] == "john.doe@example.com"
    nameless = [api("POST", "/credentials", {**body, "recipient": {"name": "x"}}, status=201) for _ in range(2)]
    assert nameless[0]["recipient"]["email"] is None
    assert nameless[0]["recipient"]["id"] != nameless[1]["recipient"]["id"]
    (design,) = api("GET", f"/credentials/{made['id']}/designs")
    assert sorted(design) == ["id", "name", "previews"]
    assert [preview["format"] for preview in design["previews"]] == ["png", "pdf"]
    stems = {re.search(r"/([A-Za-z0-9_-]{10})\.(png|pdf)$", preview["url"])[1] for preview in design["previews"]}
    assert len(stems) == 1


@pytest.fixture
def filled(api, group, tenant):
    """Seven of each kind that is listed."""
    for number in range(7):
        api("POST", "/groups", {"name": f"Group {number}", "designIds": [tenant.badge_id]}, status=201)
        document = {"version": 1, "page": {"size": "A4"}}
        api("POST", "/designs", {"name": f"Design {number}", "type": "badge", "document": document}, status=201)
        body = {"groupId": group["id"], "recipient": {"name": f"R{number}"}}
        made = api("POST", "/credentials", body, status=201)
        told = {"credentialId": made["id"], "eventType": "credential_viewed", "triggeredBy": "guest"}
        api("POST", "/credential-interactions", {**told, "triggeredAt": f"2024-03-1{number}T00:00:00Z"}, status=201)
        api("POST", "/webhooks", {"url": f"https://example.com/{number}"}, status=201)
        text = {"kind": "delivery", "name": f"Mail {number}", "subject": "x", "body": "x"}
        api("POST", "/email-templates", text, status=201)
        api("POST", f"/imports?groupId={group['id']}", status=201, content=b"name\nAda\n")


LISTS = ["groups", "designs", "credentials", "credential-interactions", "webhooks", "email-templates", "imports"]


def test_every_list_is_walked_there_and_back(api, filled):
    for name in LISTS:
        walk(api, name)


def walk(api, name):
    whole = api("GET", f"/{name}?limit=100")
    assert whole["pagination"] == {"prev": None, "next": None}, name
    ids = [item["id"] for item in whole["data"]]
    assert len(ids) >= 7, name
    forwards, pages, cursor = [], [], None
    while True:
        page = api("GET", f"/{name}", params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        forwards += [item["id"] for item in page["data"]]
        pages.append(page)
        cursor = page["pagination"]["next"]
        if cursor is None:
            break
    assert forwards == ids, name
    assert pages[0]["pagination"]["prev"] is None, name
    backwards, cursor = pages[-1]["data"], pages[-1]["pagination"]["prev"]
    while cursor is not None:
        page = api("GET", f"/{name}", params={"limit": 3, "cursor": cursor})
        backwards = page["data"] + backwards
        cursor = page["pagination"]["prev"]
    assert [item["id"] for item in backwards] == ids, name
