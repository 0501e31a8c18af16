import pytest
from databases import on_one_database
from starlette.testclient import TestClient


def create(client: TestClient, tenant, **body):
    return client.post("/v1/groups", headers=tenant.headers, json=body)


def test_the_first_request_answers_all_eight_fields(client, tenant):
    answer = create(client, tenant, name="Financial Markets", designIds=[tenant.certificate_id, tenant.badge_id])
    assert answer.status_code == 201
    group = answer.json()
    assert sorted(group) == [
        "badgeDesignId", "certificateDesignId", "createdAt", "designIds", "id", "learningEventUrl", "name", "updatedAt",
    ]  # fmt: skip
    assert group["designIds"] == [tenant.certificate_id, tenant.badge_id]
    assert group["certificateDesignId"] == tenant.certificate_id
    assert group["badgeDesignId"] == tenant.badge_id
    assert group["learningEventUrl"] is None
    assert len(group["id"]) == 26
    assert group["id"] == group["id"].lower()
    assert group["createdAt"].endswith("Z")
    assert client.get(f"/v1/groups/{group['id'].upper()}", headers=tenant.headers).json() == group


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorized"),
        ({"Certifier-Version": "2022-10-26"}, 401, "unauthorized"),
        ({"Authorization": "Bearer nonsense", "Certifier-Version": "2022-10-26"}, 401, "unauthorized"),
        ({"Authorization": "TOKEN"}, 400, "missing_version"),
        ({"Authorization": "TOKEN", "Certifier-Version": "2020-01-01"}, 400, "invalid_version"),
    ],
)
def test_the_gate_checks_token_then_version(client, tenant, headers, status, code):
    sent = {name: value.replace("TOKEN", f"Bearer {tenant.token}") for name, value in headers.items()}
    for path in ("/v1/groups", "/v1/unknown", "/v1"):
        answer = client.get(path, headers=sent)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@on_one_database
@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"designIds": ["C"]}, 400, ["name"]),
        ({"name": "x"}, 400, ["designIds"]),
        ({"name": "   ", "designIds": ["C"]}, 400, ["name"]),
        ({"name": "a\u0000b", "designIds": ["C"]}, 400, ["name"]),
        ({"name": "a\u0007b", "designIds": ["C"]}, 400, ["name"]),
        ({"name": "a" * 256, "designIds": ["C"]}, 400, ["name"]),
        ({"name": 5, "designIds": ["C"]}, 400, ["name"]),
        ({"name": "x", "designIds": []}, 400, ["designIds"]),
        ({"name": "x", "designIds": ["C", "C"]}, 400, ["designIds", 1]),
        ({"name": "x", "designIds": "C"}, 400, ["designIds"]),
        ({"name": "x", "designIds": ["C"], "certificateDesignId": "C"}, 400, ["designIds"]),
        ({"name": "x", "badgeDesignId": "C"}, 400, ["badgeDesignId"]),
        ({"name": "x", "designIds": ["C"], "learningEventUrl": "ftp://example.com"}, 400, ["learningEventUrl"]),
        (
            {"name": "x", "designIds": ["C"], "learningEventUrl": "https://e.com/" + "a" * 10000},
            400,
            ["learningEventUrl"],
        ),
        ({"name": "x", "designIds": ["01fpwtztwf7sacca5r0c483mnm"]}, 404, None),
        ({"name": "x", "designIds": ["not an id\u0000"]}, 404, None),
    ],
)
def test_a_faulty_group_is_refused_with_its_member_and_not_stored(client, tenant, body, status, path):
    filled = {
        key: [tenant.certificate_id if item == "C" else item for item in value]
        if isinstance(value, list)
        else (tenant.certificate_id if value == "C" else value)
        for key, value in body.items()
    }
    answer = create(client, tenant, **filled)
    assert answer.status_code == status
    error = answer.json()["error"]
    if path is not None:
        assert error["code"] == "validation_error"
        assert error["details"][0]["path"] == path
    assert client.get("/v1/groups", headers=tenant.headers).json()["data"] == []


@on_one_database
@pytest.mark.parametrize("content", [b"", b"{", b'{"name": "\\ud800"}', b"\xff\xfe"])
def test_a_body_that_is_not_json_is_told(client, tenant, content):
    answer = client.post("/v1/groups", headers=tenant.headers, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


def test_a_body_that_is_too_large_is_413(client, tenant):
    answer = client.post("/v1/groups", headers=tenant.headers, content=b" " * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")


def test_unknown_paths_and_methods_are_404_in_the_envelope(client, tenant):
    for method, path in (("GET", "/v1/nothing"), ("PUT", "/v1/groups"), ("GET", "/v1/groups/not-an-id")):
        answer = client.request(method, path, headers=tenant.headers)
        assert answer.status_code == 404
        assert answer.json() == {"error": {"code": "not_found", "message": "The requested resource does not exist"}}


def test_the_legacy_shape_is_accepted_and_translated(client, tenant):
    answer = create(client, tenant, name="x", badgeDesignId=tenant.badge_id, certificateDesignId=tenant.certificate_id)
    assert answer.json()["designIds"] == [tenant.certificate_id, tenant.badge_id]
    path = f"/v1/groups/{answer.json()['id']}"
    changed = client.patch(path, headers=tenant.headers, json={"certificateDesignId": None}).json()
    assert changed["designIds"] == [tenant.badge_id]
    refused = client.patch(path, headers=tenant.headers, json={"badgeDesignId": None})
    assert refused.status_code == 400
    back = client.patch(path, headers=tenant.headers, json={"certificateDesignId": tenant.certificate_id}).json()
    assert back["designIds"] == [tenant.certificate_id, tenant.badge_id]


def test_patch_changes_what_is_given_and_nothing_else(client, tenant):
    event = "https://example.com/course"
    group = create(
        client, tenant, name="x", designIds=[tenant.certificate_id, tenant.badge_id], learningEventUrl=event
    ).json()
    path = f"/v1/groups/{group['id']}"
    assert client.patch(path, headers=tenant.headers, json={}).json() == group
    turned = client.patch(path, headers=tenant.headers, json={"designIds": group["designIds"][::-1]}).json()
    assert turned["designIds"] == group["designIds"][::-1]
    cleared = client.patch(path, headers=tenant.headers, json={"learningEventUrl": None, "name": " y "}).json()
    assert (cleared["learningEventUrl"], cleared["name"]) == (None, "y")
    assert client.patch(path, headers=tenant.headers, json={"name": None}).status_code == 400


def test_pages_yield_each_group_once(client, tenant):
    names = [f"Group {number}" for number in range(7)]
    for name in names:
        create(client, tenant, name=name, designIds=[tenant.badge_id])
    seen, cursor, prevs = [], None, []
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/groups", headers=tenant.headers, params=query).json()
        seen += [group["name"] for group in page["data"]]
        prevs.append(page["pagination"]["prev"])
        cursor = page["pagination"]["next"]
        if cursor is None:
            break
    assert seen == names[::-1]
    assert prevs[0] is None
    back = client.get("/v1/groups", headers=tenant.headers, params={"limit": 3, "cursor": prevs[1]}).json()
    assert [group["name"] for group in back["data"]] == names[:3:-1]


@on_one_database
@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "abc"}, {"cursor": "forged"}])
def test_a_wrong_page_is_400(client, tenant, query):
    answer = client.get("/v1/groups", headers=tenant.headers, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_error")


def test_a_group_is_deleted_unless_it_has_credentials(client, tenant):
    group = create(client, tenant, name="Used", designIds=[tenant.badge_id]).json()
    path = f"/v1/groups/{group['id']}"
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}}
    credential = client.post("/v1/credentials", headers=tenant.headers, json=body).json()
    refused = client.delete(path, headers=tenant.headers)
    assert refused.status_code == 409
    assert "Used" in refused.json()["error"]["message"]
    client.delete(f"/v1/credentials/{credential['id']}", headers=tenant.headers)
    gone = client.delete(path, headers=tenant.headers)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(path, headers=tenant.headers).status_code == 404
