"""Credentials over the API: what is refused, with which words, and that nothing of it is stored."""

import pytest
from databases import on_one_database


@pytest.fixture
def group_id(client, tenant):
    body = {"name": "Financial Markets", "designIds": [tenant.certificate_id]}
    return client.post("/v1/groups", headers=tenant.headers, json=body).json()["id"]


@on_one_database
@pytest.mark.parametrize(
    ("changes", "status", "path"),
    [
        ({"groupId": None}, 400, ["groupId"]),
        ({"groupId": "not an id"}, 404, None),
        ({"groupId": "01fpwtztwf7sacca5r0c483mnm"}, 404, None),
        ({"recipient": None}, 400, ["recipient"]),
        ({"recipient": "Ada"}, 400, ["recipient"]),
        ({"recipient": {}}, 400, ["recipient", "name"]),
        ({"recipient": {"name": " "}}, 400, ["recipient", "name"]),
        ({"recipient": {"name": "A\u0000da"}}, 400, ["recipient", "name"]),
        ({"recipient": {"name": "x" * 256}}, 400, ["recipient", "name"]),
        ({"recipient": {"name": "Ada", "email": "not an address"}}, 400, ["recipient", "email"]),
        ({"recipient": {"name": "Ada", "email": "a@b.com\r\nBcc: c@d.com"}}, 400, ["recipient", "email"]),
        ({"recipient": {"name": "Ada", "id": "01fpwtztwf7sacca5r0c483mnm"}}, 404, None),
        ({"issueDate": "24.11.2026"}, 400, ["issueDate"]),
        ({"issueDate": "2026-02-30"}, 400, ["issueDate"]),
        ({"issueDate": 20261124}, 400, ["issueDate"]),
        ({"issueDate": "2026-11-24", "expiryDate": "2026-11-23"}, 400, ["expiryDate"]),
        ({"customAttributes": []}, 400, ["customAttributes"]),
        ({"customAttributes": {"custom.mentor": 5}}, 400, ["customAttributes", "custom.mentor"]),
        ({"customAttributes": {"custom.mentor": "x" * 5001}}, 400, ["customAttributes", "custom.mentor"]),
        ({"customAttributes": {"custom.nope": "x"}}, 400, ["customAttributes", "custom.nope"]),
    ],
)
def test_a_faulty_credential_is_refused_with_its_member_and_not_stored(client, tenant, group_id, changes, status, path):
    body = {"groupId": group_id, "recipient": {"name": "Ada", "email": "ada@example.com"}, **changes}
    answer = client.post("/v1/credentials", headers=tenant.headers, json=body)
    assert answer.status_code == status
    if path is not None:
        assert answer.json()["error"]["details"][0]["path"] == path
    assert client.get("/v1/credentials", headers=tenant.headers).json()["data"] == []


@on_one_database
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'"x"', b"{" * 100_000])
def test_a_body_that_is_not_an_object_is_told(client, tenant, content):
    answer = client.post("/v1/credentials", headers=tenant.headers, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {"invalid_json", "validation_error"}


def test_pages_neither_skip_nor_repeat_while_rows_are_added(client, tenant, group_id):
    def create(number):
        body = {"groupId": group_id, "recipient": {"name": f"Recipient {number}"}}
        return client.post("/v1/credentials", headers=tenant.headers, json=body).json()["id"]

    made = [create(number) for number in range(7)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/credentials", params=query, headers=tenant.headers).json()
        seen += [item["id"] for item in page["data"]]
        create("late")
        cursor = page["pagination"]["next"]
        if cursor is None:
            break
    assert seen == made[::-1]


@on_one_database
@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "cursor=x", "cursor=eyJ9"])
def test_a_wrong_page_is_told(client, tenant, query):
    for path in ("/v1/credentials", "/v1/groups", "/v1/designs"):
        answer = client.get(f"{path}?{query}", headers=tenant.headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_error")
        assert answer.json()["error"]["details"][0]["path"] == [query.split("=")[0]]


def test_a_cursor_of_another_list_is_refused(client, tenant, group_id):
    page = client.get("/v1/designs?limit=1", headers=tenant.headers).json()
    cursor = page["pagination"]["next"]
    assert client.get(f"/v1/designs?cursor={cursor}", headers=tenant.headers).status_code == 200
    assert client.get(f"/v1/groups?cursor={cursor}", headers=tenant.headers).status_code == 400
