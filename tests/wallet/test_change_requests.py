"""Asking for a correction on the pages: the form, the link in the mail, and what whoever has it sees."""

import re

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.change_requests.answering import decline_request, resolve_request
from testamur.change_requests.asking import make_link
from testamur.clock import now
from testamur.wallet import change_requests

HERE = {"Origin": "http://testserver"}
ASKED = {"kind": "name", "proposed": "Zoë Ødegård <b>", "message": "As in my passport"}


@pytest.fixture
def ask(client, issue):
    """An issued credential, and a function that sends the form of its page."""
    made = issue()

    def call(data=ASKED, *, by=client, **headers):
        path = f"/credentials/{made['publicId']}/correction"
        return by.post(path, data=data, headers={**HERE, **headers}, follow_redirects=False)

    call.made = made
    return call


@pytest.fixture
def link(ask, platform, rows):
    """The token of a link that was mailed."""

    def call(data=ASKED):
        assert ask(data).status_code == 200
        workspace_id, request_id = rows("SELECT workspace_id, id FROM change_requests ORDER BY id DESC")[0]
        with platform.database.write() as tx:
            return make_link(tx, workspace_id, request_id, "Zoe@Example.com", at=now())[1]

    return call


@pytest.fixture
def rows(platform):
    def call(statement):
        with platform.database.read() as tx:
            return [tuple(row) for row in tx.execute(text(statement))]

    return call


def press(client, token, **headers):
    return client.post(
        "/corrections/confirm", data={"token": token}, headers={**HERE, **headers}, follow_redirects=False
    )


def test_a_recipient_asks_confirms_and_follows_the_request(client, ask, link, platform, tenant, rows, get):
    page = get(f"/credentials/{ask.made['publicId']}", "text/html")
    (path,) = re.findall(r'href="http://testserver(/credentials/[^"]+/correction)"', page.text)
    form = client.get(path)
    assert (form.status_code, form.headers["cache-control"], form.headers["x-robots-tag"]) == (
        200, "no-store", "noindex",
    )  # fmt: skip
    assert "Zoë 🙂" in form.text
    assert "example.com" not in form.text.lower()
    token = link()
    for _ in range(3):
        shown = client.get("/corrections/confirm", params={"token": token})
        assert shown.status_code == 200
        assert "Send this request?" in shown.text
        assert "Zoë Ødegård &lt;b&gt;" in shown.text
    assert rows("SELECT state FROM change_requests") == [("unconfirmed",)]
    answer = press(client, token)
    assert answer.status_code == 303
    for _ in range(2):
        assert "Your request was sent" in client.get(answer.headers["location"]).text
        assert press(client, token).status_code == 303
    assert rows("SELECT state, proposed FROM change_requests") == [("open", "Zoë Ødegård <b>")]
    (request_id,) = rows("SELECT id FROM change_requests")[0]
    with platform.database.write() as tx:
        decline_request(tx, tenant.workspace.id, request_id, reason="Show us <i>it</i> first", at=now())
    told = client.get(answer.headers["location"]).text
    assert "Show us &lt;i&gt;it&lt;/i&gt; first" in told
    assert "<button" not in told


def test_what_is_wrong_stands_at_its_field_with_what_was_written(ask, rows):
    for data, field in (
        ({**ASKED, "kind": "email", "proposed": "zoe@"}, "proposed"),
        ({**ASKED, "kind": "date", "proposed": "1/2/2026"}, "proposed"),
        ({"kind": "other", "message": " "}, "message"),
        ({**ASKED, "kind": "x"}, "kind"),
        ({}, "kind"),
    ):
        answer = ask(data)
        assert answer.status_code == 400
        assert f'id="{field}-fault"' in answer.text
        assert "<title>Error: " in answer.text
        assert data.get("message", "") in answer.text
    assert "<b>" not in ask({**ASKED, "proposed": "<b>" * 100}).text
    assert rows("SELECT id FROM change_requests") == []


def test_a_long_message_of_any_letters_is_read_and_a_longer_form_is_not(ask, rows):
    assert ask({**ASKED, "message": "🙂" * 2000}).status_code == 200
    assert rows("SELECT message FROM change_requests") == [("🙂" * 2000,)]
    assert ask({**ASKED, "message": "x" * 40_000}).status_code == 413


def test_a_fourth_open_request_is_refused_with_the_reason(client, ask, link, platform, tenant, rows):
    tokens = [link({"kind": "other", "message": f"Fault {number}"}) for number in range(4)]
    assert [press(client, token).status_code for token in tokens] == [303, 303, 303, 409]
    assert "wait for the issuer" in press(client, tokens[3]).text
    assert ask().status_code == 409
    (request_id,) = rows("SELECT id FROM change_requests WHERE state = 'open'")[0]
    with platform.database.write() as tx:
        resolve_request(tx, tenant.workspace.id, request_id, at=now())
    assert press(client, tokens[3]).status_code == 303


def test_links_that_are_none_lead_to_nothing(client):
    for token in ("", "wrong", "x" * 3000, "\x00", "é😀"):
        answer = client.get("/corrections/confirm", params={"token": token})
        assert answer.status_code == 410
        assert "This link is over" in answer.text
        assert press(client, token).status_code in {400, 410}


def test_a_form_of_another_site_does_nothing(client, ask, link, rows):
    token = link()
    for origin in ("https://evil.example", "null", ""):
        assert ask(Origin=origin).status_code == 403
        assert press(client, token, Origin=origin).status_code == 403
    assert rows("SELECT state FROM change_requests") == [("unconfirmed",)]


def test_nothing_can_be_asked_about_what_is_not_there(client, api, group):
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "D"}}, status=201)
    for public_id in (draft["publicId"], "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "nonsense"):
        path = f"/credentials/{public_id}/correction"
        assert client.get(path).status_code == 404
        assert client.post(path, data=ASKED, headers=HERE).status_code == 404


def test_without_an_address_the_page_says_whom_to_ask(client, api, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}}
    made = api("POST", "/credentials/create-issue-send", body, status=201)
    page = client.get(f"/credentials/{made['publicId']}/correction")
    assert "Ask <bdi>Meridian Institute</bdi> directly" in page.text
    assert "<form" not in page.text


def test_a_recipient_gets_some_mails_only_and_a_client_causes_some_only(ask, platform, rows, monkeypatch):
    assert [ask().status_code for _ in range(6)] == [200] * 5 + [429]
    assert len(rows("SELECT id FROM change_requests")) == len(rows("SELECT id FROM emails")) == 5
    monkeypatch.setattr(change_requests, "CLIENT_RATE", "2/hour")
    app = create_app(platform)
    found = [
        ask({**ASKED, "kind": "x"}, by=TestClient(app, client=(host, 50_000))).status_code
        for host in ("2001:db8::1", "2001:db8::ffff", "10.0.0.1", "2001:db8::2")
    ]
    assert found == [400, 400, 400, 429]


def test_another_workspaces_pinned_name_is_not_mixed_up(api, client, ask, other_tenant):
    group = api("GET", f"/groups/{ask.made['groupId']}")
    api("PATCH", f"/groups/{group['id']}/settings", {"designPolicy": "pinned"})
    body = {"groupId": group["id"], "recipient": {"name": "P", "email": "p@example.com"}}
    pinned = api("POST", "/credentials/create-issue-send", body, status=201)
    api("PATCH", f"/groups/{group['id']}", {"name": "New Name"})
    for made, name in ((pinned, "Financial Markets"), (ask.made, "New Name")):
        page = client.get(f"/credentials/{made['publicId']}/correction").text
        assert name in page
        assert other_tenant.workspace.name not in page
