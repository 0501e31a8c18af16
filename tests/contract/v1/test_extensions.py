"""What Testamur adds to the protocol, and that it changes nothing of it."""

import dataclasses
import io
import socket

import pytest
from PIL import Image
from sqlalchemy import text
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.plans import Plan
from testamur.workspaces.creating import set_plan

DOCUMENT = {"version": 1, "page": {"width": 100, "height": 60}, "elements": []}


@pytest.fixture
def draft(api, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}}
    return api("POST", "/credentials", body, status=201)


def test_a_revoked_credential_is_in_force_no_more_and_can_be_again(api, client, draft):
    path = f"/credentials/{draft['id']}"
    assert api("POST", f"{path}/revoke", status=409)["error"]["code"] == "conflict"
    api("POST", f"{path}/issue")
    state = api("POST", f"{path}/revoke", {"reason": "Issued <b>by mistake</b>"})
    assert state["revocationReason"] == "Issued <b>by mistake</b>"
    assert state["revokedAt"].endswith("Z")
    api("POST", f"{path}/revoke", status=409)
    assert api("GET", path)["status"] == "expired"
    assert sorted(api("GET", path)) == sorted(draft)
    page = client.get(f"/credentials/{draft['publicId']}")
    assert "Revoked" in page.text
    assert "Issued &lt;b&gt;by mistake" in page.text
    found = api("POST", "/credentials/search", {"filter": {"status": {"equals": "issued"}}})["data"]
    assert found == []
    api("POST", f"{path}/send", {"deliveryMethod": "email"}, status=409)
    assert api("POST", f"{path}/unrevoke")["revokedAt"] is None
    assert api("GET", path)["status"] == "issued"
    api("POST", f"{path}/unrevoke", status=409)


def test_settings_of_a_template_and_the_expiry_rule(api, group, draft):
    path = f"/groups/{group['id']}/settings"
    empty = {"description": None, "criteria": None, "expiry": None, "emailTemplates": {}, "designPolicy": "follow"}
    achievement = {"type": None, "tags": [], "skills": [], "attributes": {}}
    expected = {"id": group["id"], "language": "en", **empty, "achievement": achievement}
    assert api("GET", path) == expected
    changed = api("PATCH", path, {"criteria": "Passed", "expiry": {"number": 6, "unit": "months"}})
    assert changed == {**expected, "criteria": "Passed", "expiry": {"number": 6, "unit": "months"}}
    assert api("GET", f"/groups/{group['id']}")["updatedAt"] >= group["updatedAt"]
    body = {"groupId": group["id"], "recipient": {"name": "Bob"}, "issueDate": "2026-08-31"}
    assert api("POST", "/credentials", body, status=201)["expiryDate"] == "2027-02-28"
    assert api("POST", "/credentials", {**body, "expiryDate": "2026-12-31"}, status=201)["expiryDate"] == "2026-12-31"
    assert api("GET", f"/credentials/{draft['id']}")["expiryDate"] is None
    assert api("PATCH", path, {"expiry": None})["expiry"] is None
    for wrong, member in (
        ({"expiry": {"number": 0, "unit": "days"}}, ["expiry", "number"]),
        ({"expiry": {"number": 1, "unit": "eons"}}, ["expiry", "unit"]),
        ({"description": "x" * 10001}, ["description"]),
        ({"language": "klingon"}, ["language"]),
        ({"emailTemplates": {"birthday": None}}, ["emailTemplates"]),
    ):
        details = api("PATCH", path, wrong, status=400)["error"]["details"]
        assert details[0]["path"][: len(member)] == member
    missing = {"emailTemplates": {"delivery": "01fpwtztwf7sacca5r0c483mnm"}}
    api("PATCH", path, missing, status=404)


def test_settings_say_what_is_achieved_and_what_attributes_mean(api, group):
    path = f"/groups/{group['id']}/settings"
    skill = {"name": "Bond pricing", "url": "https://example.org/bonds", "framework": None, "code": "B1"}
    grade = {"means": "result", "name": "Final grade", "resultType": "LetterGrade"}
    given = {"type": "Course", "tags": ["finance"], "skills": [skill], "attributes": {"custom.grade": grade}}
    stated = {**given, "skills": [{**skill, "description": None}]}
    assert api("PATCH", path, {"achievement": given})["achievement"] == stated
    assert api("PATCH", path, {"criteria": "Passed"})["achievement"] == stated
    assert api("GET", path)["achievement"] == stated
    for wrong, member in (
        ({"type": "Prize"}, ["type"]),
        ({"type": "ext:a b"}, ["type"]),
        ({"tags": ["a\x00"]}, ["tags", 0]),
        ({"tags": ["a"] * 51}, ["tags"]),
        ({"skills": [{**skill, "url": "javascript:alert(1)"}]}, ["skills", 0, "url"]),
        ({"skills": [{"name": "x"}]}, ["skills", 0]),
        ({"attributes": {"recipient.name": {"means": "role"}}}, ["attributes", "recipient.name"]),
        ({"attributes": {"custom.a": {"means": "role"}, "custom.b": {"means": "role"}}}, ["attributes", "custom.a"]),
        ({"attributes": {"custom.a": {"means": "mood"}}}, ["attributes"]),
    ):
        details = api("PATCH", path, {"achievement": wrong}, status=400)["error"]["details"]
        assert details[0]["path"][: len(member) + 1] == ["achievement", *member], details
    assert api("GET", path)["achievement"] == stated


def test_designs_and_pictures_are_added_changed_and_deleted(api, client, tenant):
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(picture, "PNG")
    asset = api("POST", "/assets", status=201, content=picture.getvalue(), headers={"Content-Type": "image/png"})
    assert (asset["mediaType"], asset["width"]) == ("image/png", 8)
    assert api("POST", "/assets", status=201, content=picture.getvalue())["source"] == asset["source"]
    assert "not a PNG" in api("POST", "/assets", status=400, content=b"nonsense")["error"]["message"]
    api("POST", "/assets", status=413, content=b"\0" * (10 * 1024 * 1024 + 2))
    image = {"type": "image", "x": 0, "y": 0, "width": 10, "height": 10, "source": asset["source"]}
    document = {**DOCUMENT, "elements": [image]}
    made = api("POST", "/designs", {"name": "Ours", "type": "badge", "document": document}, status=201)
    assert api("GET", f"/designs/{made['id']}") == made
    assert client.get(made["previewUrl"]).headers["content-type"] == "image/png"
    assert api("GET", f"/designs/{made['id']}/document")["version"] == 1
    changed = api("PATCH", f"/designs/{made['id']}", {"document": DOCUMENT})
    assert changed["previewUrl"] != made["previewUrl"]
    assert api("GET", f"/designs/{made['id']}/document")["version"] == 2
    assert api("PATCH", f"/designs/{made['id']}", {"document": DOCUMENT}) == changed
    wrong = {**DOCUMENT, "page": {"widht": 5}}
    error = api("PATCH", f"/designs/{made['id']}", {"document": wrong}, status=400)["error"]
    assert error["details"][0]["path"] == ["document", "page", "widht"]
    unknown = {**DOCUMENT, "elements": [{**image, "source": "asset:" + "0" * 64}]}
    api("POST", "/designs", {"name": "x", "type": "badge", "document": unknown}, status=400)
    group = api("POST", "/groups", {"name": "Uses it", "designIds": [made["id"]]}, status=201)
    assert "Uses it" in api("DELETE", f"/designs/{made['id']}", status=409)["error"]["message"]
    api("DELETE", f"/groups/{group['id']}", status=204)
    api("DELETE", f"/designs/{made['id']}", status=204)
    api("GET", f"/designs/{made['id']}", status=404)
    assert len(api("GET", "/designs")["data"]) == 2


def test_many_at_once_each_stand_or_fall_alone(api, group):
    items = [
        {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}},
        {"groupId": group["id"], "recipient": {"name": ""}},
        {"groupId": "01fpwtztwf7sacca5r0c483mnm", "recipient": {"name": "Lost", "email": "lost@example.com"}},
        {"groupId": group["id"], "recipient": "Bob"},
        {"groupId": group["id"], "recipient": {"name": "Bob"}, "issueDate": "2026-01-01"},
    ]
    results = api("POST", "/credentials/bulk", {"items": items, "action": "send"})["results"]
    assert [result["index"] for result in results] == list(range(5))
    assert [result["error"] and result["error"]["code"] for result in results] == [
        None, "validation_error", "not_found", "validation_error", None,
    ]  # fmt: skip
    assert [result["credential"]["status"] for result in results if result["credential"]] == ["issued", "issued"]
    listed = api("GET", "/credentials")["data"]
    assert sorted(item["recipient"]["name"] for item in listed) == ["Ada", "Bob"]
    assert api("POST", "/credentials/bulk", {"items": []})["results"] == []
    too_many = {"items": [items[0]] * 1001}
    assert api("POST", "/credentials/bulk", too_many, status=400)["error"]["details"][0]["path"] == ["items"]


def test_a_key_makes_a_repeated_request_harmless(api, client, tenant, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}}

    def post(key, sent, path="/v1/credentials"):
        return client.post(path, headers={**tenant.headers, "Idempotency-Key": key}, json=sent)

    first, again = post("k1", body), post("k1", body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert post("k1", {**body, "recipient": {"name": "Bob"}}).status_code == 422
    assert post("k1", body, "/v1/credentials/create-issue-send").status_code == 422
    assert post("k2", body).json() != first.json()
    faulty = post("k3", {"groupId": group["id"]})
    assert faulty.status_code == post("k3", {"groupId": group["id"]}).status_code == 400
    assert faulty.json() == post("k3", {"groupId": group["id"]}).json()
    issue = f"/v1/credentials/{first.json()['id']}/issue"
    assert client.post(issue, headers={**tenant.headers, "Idempotency-Key": "k4"}).status_code == 200
    assert client.post(issue, headers={**tenant.headers, "Idempotency-Key": "k4"}).json()["status"] == "issued"
    for wrong in ("", "x" * 256):
        assert post(wrong, body).json()["error"]["details"][0]["path"] == ["Idempotency-Key"]
    assert len(api("GET", "/credentials")["data"]) == 2


def test_a_key_in_use_by_a_request_in_flight_is_a_conflict(platform, tenant, client, group):
    from hashlib import sha256

    from testamur.clock import now
    from testamur.idempotency.keys import begin

    content = b'{"x": 1}'
    asked = b"POST /v1/groups?\n" + content
    with platform.database.write() as tx:
        assert begin(tx, tenant.workspace.id, "k", sha256(asked).hexdigest(), at=now()) is None
    headers = {**tenant.headers, "Idempotency-Key": "k"}
    answer = client.post("/v1/groups", headers=headers, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_no_answer_is_stored_to_be_read(platform, client, tenant):
    headers = {**tenant.headers, "Idempotency-Key": "once"}
    body = {"url": "https://example.com/hook"}
    first = client.post("/v1/webhooks", headers=headers, json=body)
    assert client.post("/v1/webhooks", headers=headers, json=body).json() == first.json()
    with platform.database.read() as tx:
        stored = str(tx.execute(text("SELECT * FROM idempotency_keys")).all())
    assert first.json()["secret"] not in stored
    assert "example.com" not in stored


def test_a_key_belongs_to_its_workspace(client, tenant, other_tenant, group):
    body = {"groupId": group["id"], "recipient": {"name": "Hidden Person"}}
    first = client.post("/v1/credentials", headers={**tenant.headers, "Idempotency-Key": "same"}, json=body)
    assert first.status_code == 201
    other = client.post("/v1/credentials", headers={**other_tenant.headers, "Idempotency-Key": "same"}, json=body)
    assert other.status_code == 404
    assert "Hidden" not in other.text


def test_a_problem_is_told_as_rfc_9457_to_who_asks(client, tenant):
    headers = {**tenant.headers, "Accept": "application/problem+json"}
    answer = client.post("/v1/groups", headers=headers, json={"name": "", "designIds": [tenant.badge_id]})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (400, "Validation error")
    assert problem["errors"][0]["path"] == ["name"]
    assert client.get("/v1/groups", headers={"Accept": "application/problem+json"}).json()["status"] == 401


@pytest.fixture
def limited(platform):
    settings = dataclasses.replace(platform.settings, rate_limit="5/minute")
    with TestClient(create_app(dataclasses.replace(platform, settings=settings))) as opened:
        yield opened


def test_what_is_left_of_the_rate_is_told(limited, tenant, other_tenant):
    answers = [limited.get("/v1/groups", headers=tenant.headers) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"workspace";q=5;w=60'
    assert answers[0].headers["ratelimit"].startswith('"workspace";r=4;t=')
    assert 1 <= int(answers[5].headers["retry-after"]) <= 60
    assert limited.get("/v1/groups", headers=other_tenant.headers).status_code == 200
    assert limited.get("/v1/unknown", headers=other_tenant.headers).headers["ratelimit"].startswith('"workspace";r=3')


def test_requests_pass_while_the_counter_of_the_rate_is_away(platform, tenant):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"valkey://127.0.0.1:{probe.getsockname()[1]}/0"
    settings = dataclasses.replace(platform.settings, rate_limit="1/minute", valkey_url=url)
    with TestClient(create_app(dataclasses.replace(platform, settings=settings))) as opened:
        answers = [opened.get("/v1/groups", headers=tenant.headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert "ratelimit" not in answers[0].headers


@pytest.fixture
def planned(platform, tenant):
    """A client of a server on which the tenant has a small plan."""
    small = Plan(credentials_per_year=3, designs_per_template=1, features=frozenset({"webhooks"}))
    settings = dataclasses.replace(platform.settings, plans={"small": small})
    with platform.database.write() as tx:
        set_plan(tx, tenant.workspace.id, "small", at=tenant.workspace.created_at)
    with TestClient(create_app(dataclasses.replace(platform, settings=settings))) as opened:
        yield opened


def test_what_a_plan_lacks_is_402_and_stores_nothing(planned, tenant):
    def post(path, body):
        return planned.post(f"/v1{path}", headers=tenant.headers, json=body)

    two = {"name": "x", "designIds": [tenant.badge_id, tenant.certificate_id]}
    refused = post("/groups", two)
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "payment_required")
    group = post("/groups", {"name": "x", "designIds": [tenant.badge_id]}).json()
    body = {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}}
    for extra in ({"expiryDate": "2999-01-01"}, {"customAttributes": {"custom.mentor": "x"}}):
        assert post("/credentials", {**body, **extra}).status_code == 402
    assert post("/attributes", {"name": "x"}).status_code == 402
    template = {"kind": "delivery", "name": "x", "subject": "x", "body": "x"}
    assert post("/email-templates", template).status_code == 402
    imported = planned.post(f"/v1/imports?groupId={group['id']}", headers=tenant.headers, content=b"name\nAda\n")
    assert imported.status_code == 402
    assert planned.get("/v1/credentials", headers=tenant.headers).json()["data"] == []
    assert [post("/credentials/create-issue-send", body).status_code for _ in range(4)] == [201, 201, 201, 402]
    draft = post("/credentials", body).json()
    assert post(f"/credentials/{draft['id']}/issue", {}).status_code == 402
    assert planned.get(f"/v1/credentials/{draft['id']}", headers=tenant.headers).json()["status"] == "draft"
    listed = planned.get("/v1/credentials", headers=tenant.headers).json()["data"]
    assert sorted(item["status"] for item in listed) == ["draft", "issued", "issued", "issued"]


def test_an_allowance_holds_under_many_requests_at_once(planned, platform, tenant):
    from concurrent.futures import ThreadPoolExecutor

    from testamur.clock import now
    from testamur.errors import PaymentRequired
    from testamur.workspaces.allowance import take_allowance

    def take(_):
        try:
            with platform.database.write() as tx:
                take_allowance(tx, tenant.workspace.id, Plan(credentials_per_year=10), year=now().year)
        except PaymentRequired:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(40))) == 10


def test_what_visitors_do_is_recorded_and_summed_up(api, client, group, draft):
    api("POST", f"/credentials/{draft['id']}/issue")
    path = f"/credentials/{draft['publicId']}/interactions"

    def tell(event, by="guest", path=path):
        return client.post(path, json={"eventType": event, "triggeredBy": by}).status_code

    events = ["credential_viewed", "credential_viewed", "credential_downloaded", "credential_link_copied"]
    assert [tell(event) for event in events] == [204] * 4
    assert tell("credential_verified", "recipient") == 204
    assert tell("credential_eaten") == 400
    assert client.post(path, content=b"x" * 2000).status_code == 413
    assert (
        tell("credential_viewed", path=path.replace(draft["publicId"], "124a8110-1af5-4747-9308-e9d06bd1852a")) == 404
    )
    recorded = api("GET", f"/credential-interactions?credentialId={draft['id']}")["data"]
    assert [item["eventType"] for item in recorded] == ["credential_verified", *events[::-1]]
    summary = {"viewed": 2, "downloaded": 1, "shared": 1, "verified": 1, "opened": 0}
    assert api("GET", f"/groups/{group['id']}/summary") == summary


def test_extensions_are_marked_in_the_description(client):
    document = client.get("/openapi.json").json()
    protocol = {
        f"{method.upper()} {path.removeprefix('/v1')}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not operation.get("x-testamur-extension")
    }
    assert protocol == {
        "POST /groups", "GET /groups", "GET /groups/{id}", "PATCH /groups/{id}", "DELETE /groups/{id}",
        "GET /designs", "GET /designs/{id}",
        "POST /credentials", "GET /credentials", "GET /credentials/{id}", "PATCH /credentials/{id}",
        "DELETE /credentials/{id}", "POST /credentials/{id}/issue", "POST /credentials/{id}/send",
        "POST /credentials/create-issue-send", "POST /credentials/search", "GET /credentials/{id}/designs",
        "POST /credential-interactions", "GET /credential-interactions",
        "GET /attributes", "GET /workspace", "GET /me",
    }  # fmt: skip
    text = client.get("/docs").text
    assert "An extension of Testamur" in text
