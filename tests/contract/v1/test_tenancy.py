"""No endpoint lets one workspace see, use or delete what belongs to another."""

import pytest


@pytest.fixture
def foreign(client, other_tenant):
    """A group and an issued credential of the other workspace."""
    headers = other_tenant.headers
    body = {"name": "Secret course", "designIds": [other_tenant.certificate_id]}
    group = client.post("/v1/groups", headers=headers, json=body).json()
    body = {"groupId": group["id"], "recipient": {"name": "Hidden Person", "email": "hidden@example.com"}}
    credential = client.post("/v1/credentials", headers=headers, json=body).json()
    texts = {"kind": "delivery", "name": "Secret mail", "subject": "Secret", "body": "Secret"}
    email = client.post("/v1/email-templates", headers=headers, json=texts).json()
    attribute = client.post("/v1/attributes", headers=headers, json={"name": "Secret grade"}).json()
    told = {"eventType": "credential_viewed", "triggeredBy": "guest", "triggeredAt": "2024-03-12T17:33:05.784Z"}
    body = {"credentialId": credential["id"], **told}
    assert client.post("/v1/credential-interactions", headers=headers, json=body).status_code == 201
    return {
        "group": group,
        "credential": credential,
        "design": other_tenant.certificate_id,
        "email": email["id"],
        "attribute": attribute["id"],
    }


# One after the other on the same things, because none may change them.
FORBIDDEN = [
    ("GET", "/v1/groups/{group}", None),
    ("PATCH", "/v1/groups/{group}", {"name": "Mine now"}),
    ("DELETE", "/v1/groups/{group}", None),
    ("GET", "/v1/designs/{design}", None),
    ("POST", "/v1/groups", {"name": "x", "designIds": ["{design}"]}),
    ("POST", "/v1/groups", {"name": "x", "certificateDesignId": "{design}"}),
    ("POST", "/v1/credentials", {"groupId": "{group}", "recipient": {"name": "x"}}),
    ("GET", "/v1/credentials/{credential}", None),
    ("DELETE", "/v1/credentials/{credential}", None),
    ("POST", "/v1/credentials/{credential}/issue", None),
    ("GET", "/v1/credentials/{credential}/designs", None),
    ("PATCH", "/v1/credentials/{credential}", {"recipient": {"name": "Mine"}}),
    ("POST", "/v1/credentials/{credential}/send", {"deliveryMethod": "email"}),
    ("POST", "/v1/credentials/create-issue-send", {"groupId": "{group}", "recipient": {"name": "x"}}),
    ("GET", "/v1/credentials/{credential}/state", None),
    ("POST", "/v1/credentials/{credential}/revoke", None),
    ("POST", "/v1/credentials/{credential}/unrevoke", None),
    ("POST", "/v1/credentials/{credential}/schedule", {"issueAt": "2999-01-01T00:00:00Z"}),
    ("GET", "/v1/groups/{group}/settings", None),
    ("PATCH", "/v1/groups/{group}/settings", {"criteria": "Mine"}),
    ("GET", "/v1/groups/{group}/summary", None),
    ("GET", "/v1/groups/{group}/download", None),
    ("POST", "/v1/credentials/download", {"credentialIds": ["{credential}"], "status": "all"}),
    ("PATCH", "/v1/designs/{design}", {"name": "Mine"}),
    ("DELETE", "/v1/designs/{design}", None),
    ("GET", "/v1/designs/{design}/document", None),
    ("GET", "/v1/designs/{design}/versions", None),
    ("GET", "/v1/designs/{design}/versions/1", None),
    ("POST", "/v1/designs/{design}/versions/1/restore", None),
    ("GET", "/v1/designs/{design}/export", None),
    ("GET", "/v1/credentials/{credential}/versions", None),
    ("PATCH", "/v1/attributes/{attribute}", {"name": "Mine"}),
    ("DELETE", "/v1/attributes/{attribute}", None),
    ("GET", "/v1/email-templates/{email}", None),
    ("PATCH", "/v1/email-templates/{email}", {"name": "Mine"}),
    ("DELETE", "/v1/email-templates/{email}", None),
    (
        "POST",
        "/v1/credential-interactions",
        {
            "credentialId": "{credential}",
            "eventType": "credential_viewed",
            "triggeredBy": "guest",
            "triggeredAt": "2024-03-12T17:33:05.784Z",
        },
    ),
]


def test_another_workspaces_things_do_not_exist(client, tenant, other_tenant, foreign):
    ids = {name: value if isinstance(value, str) else value["id"] for name, value in foreign.items()}
    for method, path, body in FORBIDDEN:
        told = (method, path, body)
        text = str(body).replace("'", '"')
        for name, value in ids.items():
            text = text.replace("{" + name + "}", value)
        content = None if body is None else text
        answer = client.request(method, path.format(**ids), headers=tenant.headers, content=content)
        assert answer.status_code == 404, told
        assert "Secret" not in answer.text, told
        assert "hidden" not in answer.text.lower(), told
        still = client.get(f"/v1/credentials/{ids['credential']}", headers=other_tenant.headers)
        assert still.json() == foreign["credential"], told
        assert client.get(f"/v1/groups/{ids['group']}", headers=other_tenant.headers).json() == foreign["group"], told


def test_lists_hold_nothing_of_another_workspace(client, tenant, foreign):
    for path in ("groups", "credentials", "credential-interactions", "email-templates", "imports"):
        assert client.get(f"/v1/{path}", headers=tenant.headers).json()["data"] == [], path


def test_searches_and_bulk_reach_nothing_of_another_workspace(client, tenant, foreign):
    for filter_ in (
        {},
        {"id": {"equals": foreign["credential"]["id"]}},
        {"recipient": {"email": {"contains": "hidden"}}},
        {"OR": [{"groupId": {"in": [foreign["group"]["id"]]}}, {"NOT": []}]},
    ):
        answer = client.post("/v1/credentials/search", headers=tenant.headers, json={"filter": filter_})
        assert answer.json()["data"] == []
    body = {"items": [{"groupId": foreign["group"]["id"], "recipient": {"name": "x"}}], "action": "send"}
    (result,) = client.post("/v1/credentials/bulk", headers=tenant.headers, json=body).json()["results"]
    assert result["error"]["code"] == "not_found"
    path = f"/v1/credential-interactions?credentialId={foreign['credential']['id']}"
    assert client.get(path, headers=tenant.headers).json()["data"] == []
    tags = [item["tag"] for item in client.get("/v1/attributes", headers=tenant.headers).json()]
    assert "custom.secret_grade" not in tags
    settings = {"emailTemplates": {"delivery": foreign["email"]}}
    mine = client.post("/v1/groups", headers=tenant.headers, json={"name": "x", "designIds": [tenant.badge_id]}).json()
    answer = client.patch(f"/v1/groups/{mine['id']}/settings", headers=tenant.headers, json=settings)
    assert answer.status_code == 404


def test_designs_of_another_workspace_are_not_listed(client, tenant, foreign):
    listed = client.get("/v1/designs", headers=tenant.headers).json()["data"]
    assert {design["id"] for design in listed} == {tenant.certificate_id, tenant.badge_id}


def test_a_recipient_of_another_workspace_cannot_be_used(client, tenant, foreign):
    body = {"name": "x", "designIds": [tenant.badge_id]}
    group = client.post("/v1/groups", headers=tenant.headers, json=body).json()
    body = {"groupId": group["id"], "recipient": {"name": "x", "id": foreign["credential"]["recipient"]["id"]}}
    assert client.post("/v1/credentials", headers=tenant.headers, json=body).status_code == 404
