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
    return {"group": group, "credential": credential, "design": other_tenant.certificate_id}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
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
    ],
)
def test_another_workspaces_things_do_not_exist(client, tenant, other_tenant, foreign, method, path, body):
    ids = {"group": foreign["group"]["id"], "credential": foreign["credential"]["id"], "design": foreign["design"]}
    text = str(body).replace("'", '"')
    for name, value in ids.items():
        text = text.replace("{" + name + "}", value)
    content = None if body is None else text
    answer = client.request(method, path.format(**ids), headers=tenant.headers, content=content)
    assert answer.status_code == 404
    assert "Secret" not in answer.text
    assert "hidden" not in answer.text.lower()
    still = client.get(f"/v1/credentials/{ids['credential']}", headers=other_tenant.headers)
    assert still.json() == foreign["credential"]
    assert client.get(f"/v1/groups/{ids['group']}", headers=other_tenant.headers).json() == foreign["group"]


@pytest.mark.parametrize("path", ["/v1/groups", "/v1/credentials"])
def test_lists_hold_nothing_of_another_workspace(client, tenant, foreign, path):
    assert client.get(path, headers=tenant.headers).json()["data"] == []


def test_designs_of_another_workspace_are_not_listed(client, tenant, foreign):
    listed = client.get("/v1/designs", headers=tenant.headers).json()["data"]
    assert {design["id"] for design in listed} == {tenant.certificate_id, tenant.badge_id}


def test_a_recipient_of_another_workspace_cannot_be_used(client, tenant, foreign):
    body = {"name": "x", "designIds": [tenant.badge_id]}
    group = client.post("/v1/groups", headers=tenant.headers, json=body).json()
    body = {"groupId": group["id"], "recipient": {"name": "x", "id": foreign["credential"]["recipient"]["id"]}}
    assert client.post("/v1/credentials", headers=tenant.headers, json=body).status_code == 404
