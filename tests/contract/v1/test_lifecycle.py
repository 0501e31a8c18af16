"""A credential's life over the API: corrected, sent, all in one, expired."""

import pytest
from sqlalchemy import text


@pytest.fixture
def draft(api, group):
    body = {
        "groupId": group["id"],
        "recipient": {"name": "John Doe", "email": "john.doe@example.com"},
        "issueDate": "2026-01-01",
        "expiryDate": "2030-01-01",
        "customAttributes": {"custom.mentor": "Jane Doe"},
    }
    return api("POST", "/credentials", body, status=201)


def outbox(platform):
    with platform.database.read() as tx:
        return tx.execute(text("SELECT credential_id, to_address, state FROM emails ORDER BY created_at")).all()


@pytest.mark.parametrize("recipient", [{"name": "Ada"}, {"name": "Ada", "id": "ID"}, {"name": "Ada", "email": None}])
def test_a_name_is_corrected_with_or_without_the_recipients_id(api, draft, recipient):
    if "id" in recipient:
        recipient = {**recipient, "id": draft["recipient"]["id"]}
    before = api("GET", f"/credentials/{draft['id']}/designs")
    changed = api("PATCH", f"/credentials/{draft['id']}", {"recipient": recipient})
    assert changed["recipient"] == {**draft["recipient"], "name": "Ada"}
    assert changed["attributes"] == {"recipient.name": "Ada"}
    assert changed["updatedAt"] > draft["updatedAt"]
    assert {key: changed[key] for key in ("issueDate", "expiryDate", "customAttributes", "status", "createdAt")} == {
        key: draft[key] for key in ("issueDate", "expiryDate", "customAttributes", "status", "createdAt")
    }
    after = api("GET", f"/credentials/{draft['id']}/designs")
    assert after[0]["previews"] != before[0]["previews"]


def test_an_empty_change_changes_nothing(api, draft):
    for body in ({}, {"recipient": {}}, {"recipient": None, "customAttributes": None, "issueDate": None}):
        assert api("PATCH", f"/credentials/{draft['id']}", body) == draft


def test_dates_and_attributes_are_replaced_merged_and_cleared(api, client, tenant, draft, platform):
    from testamur.attributes.defining import define_attribute
    from testamur.clock import now

    with platform.database.write() as tx:
        define_attribute(tx, tenant.workspace.id, tag="custom.grade", at=now())
    path = f"/credentials/{draft['id']}"
    changed = api("PATCH", path, {"expiryDate": None, "customAttributes": {"custom.custom.grade": "A"}})
    assert changed["expiryDate"] is None
    assert changed["customAttributes"] == {"custom.mentor": "Jane Doe", "custom.grade": "A"}
    changed = api("PATCH", path, {"issueDate": "2026-02-02", "customAttributes": {"custom.mentor": None}})
    assert (changed["issueDate"], changed["customAttributes"]) == ("2026-02-02", {"custom.grade": "A"})
    for body, member in (
        ({"issueDate": "2026-13-01"}, ["issueDate"]),
        ({"expiryDate": "2026-01-01"}, ["expiryDate"]),
        ({"recipient": {"name": ""}}, ["recipient", "name"]),
        ({"recipient": {"name": "x", "id": "01fpwtztwf7sacca5r0c483mnm"}}, ["recipient", "id"]),
        ({"customAttributes": {"custom.nope": "x"}}, ["customAttributes", "custom.nope"]),
    ):
        error = api("PATCH", path, body, status=400)["error"]
        assert error["details"][0]["path"] == member
    assert api("GET", path) == changed


def test_an_address_that_is_anothers_makes_one_recipient(api, group, draft):
    body = {"groupId": group["id"], "recipient": {"name": "Bob", "email": "bob@example.com"}}
    bob = api("POST", "/credentials", body, status=201)
    changed = api("PATCH", f"/credentials/{draft['id']}", {"recipient": {"name": "Bob", "email": "BOB@example.com"}})
    assert changed["recipient"] == {"id": bob["recipient"]["id"], "name": "Bob", "email": "BOB@example.com"}


def test_sending_needs_an_issued_credential_an_address_and_a_method(api, group, draft, platform):
    path = f"/credentials/{draft['id']}"
    email = {"deliveryMethod": "email"}
    assert api("POST", f"{path}/send", email, status=409)["error"]["code"] == "conflict"
    api("POST", f"{path}/issue")
    for body in ({}, {"deliveryMethod": "pigeon"}, {"deliveryMethod": None}):
        error = api("POST", f"{path}/send", body, status=400)["error"]
        assert error["details"][0]["path"] == ["deliveryMethod"]
    assert outbox(platform) == []
    assert api("POST", f"{path}/send", email)["status"] == "issued"
    api("POST", f"{path}/send", email)
    assert outbox(platform) == [(draft["id"], "john.doe@example.com", "queued")] * 2

    nameless = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "x"}}, status=201)
    api("POST", f"/credentials/{nameless['id']}/issue")
    assert (
        "recipient.email" in api("POST", f"/credentials/{nameless['id']}/send", email, status=400)["error"]["message"]
    )
    api("PATCH", path, {"expiryDate": "2026-01-02"})
    assert api("POST", f"{path}/send", email, status=409)["error"]["code"] == "conflict"
    assert len(outbox(platform)) == 2


@pytest.mark.parametrize(("email", "mails"), [("john@example.com", 1), (None, 0), ("", 0)])
def test_all_in_one_creates_issues_and_sends(api, client, group, platform, email, mails):
    body = {"groupId": group["id"], "recipient": {"name": "John Doe", "email": email}, "sendEmail": True}
    made = api("POST", "/credentials/create-issue-send", body, status=201)
    assert made["status"] == "issued"
    assert len(outbox(platform)) == mails
    assert client.get(f"/credentials/{made['publicId']}").status_code == 200
    with platform.database.read() as tx:
        state = tx.execute(text("SELECT delivery_state FROM credentials")).scalar_one()
    assert state == ("sending" if mails else "not_provided")


def test_all_in_one_stores_nothing_if_anything_is_wrong(api, group, platform):
    body = {"groupId": group["id"], "recipient": {"name": "x", "email": "nonsense"}}
    api("POST", "/credentials/create-issue-send", body, status=400)
    body = {"groupId": "01fpwtztwf7sacca5r0c483mnm", "recipient": {"name": "x", "email": "x@example.com"}}
    api("POST", "/credentials/create-issue-send", body, status=404)
    assert api("GET", "/credentials")["data"] == []
    assert outbox(platform) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"not json"])
def test_issuing_takes_whatever_body_there_is(client, tenant, draft, content):
    path = f"/v1/credentials/{draft['id']}/issue"
    headers = {**tenant.headers, "Content-Type": "application/json"}
    assert client.post(path, headers=headers, content=content).json()["status"] == "issued"
    assert client.post(path, headers=headers, content=content).status_code == 409


def test_expiry_is_the_same_in_get_list_and_search(api, draft):
    path = f"/credentials/{draft['id']}"
    api("POST", f"{path}/issue")
    for expiry, status in (("2026-01-01", "expired"), ("2999-01-01", "issued"), (None, "issued")):
        api("PATCH", path, {"expiryDate": expiry})
        assert api("GET", path)["status"] == status
        assert [item["status"] for item in api("GET", "/credentials")["data"]] == [status]
        for asked in ("issued", "expired", "draft", "scheduled"):
            found = api("POST", "/credentials/search", {"filter": {"status": {"equals": asked}}})["data"]
            assert [item["status"] for item in found] == ([status] if asked == status else [])


def test_interactions_are_recorded_and_listed(api, draft):
    from testamur.interactions.model import InteractionType

    def body(**changes):
        return {
            "credentialId": draft["id"],
            "eventType": "credential_viewed",
            "triggeredBy": "guest",
            "triggeredAt": "2024-03-12T17:33:05.784Z",
            **changes,
        }

    made = [
        api("POST", "/credential-interactions", body(eventType=type_), status=201) for type_ in InteractionType.__args__
    ]
    assert len(made) == 13
    assert sorted(made[0]) == ["credentialId", "eventType", "id", "triggeredAt", "triggeredBy"]
    assert made[0]["triggeredAt"] == "2024-03-12T17:33:05.784Z"
    listed = api("GET", f"/credential-interactions?credentialId={draft['id'].upper()}&limit=100")
    assert listed["data"] == made[::-1]
    for unknown in ("01fpwtztwf7sacca5r0c483mnm", "nonsense"):
        assert api("GET", f"/credential-interactions?credentialId={unknown}")["data"] == []
    for change, member in (
        ({"eventType": "credential_eaten"}, "eventType"),
        ({"triggeredBy": "nobody"}, "triggeredBy"),
        ({"triggeredAt": "2999-01-01T00:00:00.000Z"}, "triggeredAt"),
        ({"triggeredAt": "2024-03-12"}, "triggeredAt"),
        ({"credentialId": None}, "credentialId"),
    ):
        error = api("POST", "/credential-interactions", body(**change), status=400)["error"]
        assert error["details"][0]["path"] == [member]
    api("POST", "/credential-interactions", body(credentialId="01fpwtztwf7sacca5r0c483mnm"), status=404)
    assert len(api("GET", "/credential-interactions?limit=100")["data"]) == 13


def test_attributes_are_a_bare_list_with_the_standard_ones_marked(api):
    listed = api("GET", "/attributes")
    assert [item["tag"] for item in listed if not item["isDefault"]] == ["custom.mentor"]
    assert {"recipient.name", "certificate.uuid", "group.name"} <= {item["tag"] for item in listed if item["isDefault"]}
    assert sorted(listed[0]) == ["createdAt", "id", "isDefault", "name", "tag", "type", "updatedAt"]


def test_attributes_are_defined_renamed_and_deleted(api, draft):
    made = api("POST", "/attributes", {"name": "Final grade", "type": "number"}, status=201)
    assert (made["tag"], made["name"], made["type"]) == ("custom.final_grade", "Final grade", "number")
    api("POST", "/attributes", {"name": "Final grade"}, status=409)
    assert api("POST", "/attributes", {"name": "€"}, status=400)["error"]["details"][0]["path"] == ["tag"]
    assert api("PATCH", f"/attributes/{made['id']}", {"name": "Grade"})["tag"] == "custom.final_grade"
    api("DELETE", f"/attributes/{made['id']}", status=204)
    api("DELETE", f"/attributes/{made['id']}", status=404)
    mentor = next(item for item in api("GET", "/attributes") if item["tag"] == "custom.mentor")
    assert "credentials with a value" in api("DELETE", f"/attributes/{mentor['id']}", status=409)["error"]["message"]


def test_workspace_and_token_tell_who_asks(api, tenant):
    workspace = api("GET", "/workspace")
    assert (workspace["id"], workspace["name"]) == (tenant.workspace.id, tenant.workspace.name)
    assert sorted(workspace) == ["createdAt", "id", "name", "updatedAt"]
    me = api("GET", "/me")
    assert me.pop("token")["name"] == "tests"
    assert me == workspace
