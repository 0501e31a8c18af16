"""Access tokens and webhooks, as somebody sets them up in a browser."""

import hashlib
import hmac
import subprocess

import pytest
from browsers import LOOKS, scrolls_sideways
from receiver import Receiver
from sqlalchemy import select

from testamur.audit.tables import audit_entries
from testamur.tokens.queries import list_tokens
from testamur.webhooks.endpoints import list_endpoints

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def endpoints(platform, person):
    with platform.database.read() as tx:
        return list_endpoints(tx, person.workspace_id, None, 20).items


def actions(platform, person):
    with platform.database.read() as tx:
        statement = select(audit_entries.c.action).where(audit_entries.c.workspace_id == person.workspace_id)
        return list(tx.execute(statement.order_by(audit_entries.c.id)).scalars())


def test_a_token_is_shown_once_and_recorded(platform, staff, owner, other_tenant):
    mine = staff(owner)
    made = mine.post("~/developers", {"name": "<script>alert(1)</script>"})
    assert made.status_code == 200
    assert made.text.count("tst_") == 2  # The token itself, and in the request to paste.
    shown = mine.get("~/developers").text
    assert "&lt;script&gt;" in shown
    assert "<script>alert" not in shown
    secret = made.text.partition('value="tst_')[2].partition('"')[0]
    assert len(secret) == 36
    assert secret not in shown
    assert secret[-4:] in shown
    assert actions(platform, owner) == ["access_token.created"]
    with platform.database.read() as tx:
        others = list_tokens(tx, other_tenant.workspace.id)
    answer = mine.post(f"~/developers/tokens/{others[0].id}/revoke")
    assert answer.status_code == 404
    with platform.database.read() as tx:
        assert not list_tokens(tx, other_tenant.workspace.id)[0].is_revoked


@pytest.mark.parametrize("name", ["", "   ", "a" * 256, "line\nbreak", "\u0000"])
def test_a_name_that_cannot_be_used_is_told(platform, staff, owner, name):
    before = len(actions(platform, owner))
    answer = staff(owner).post("~/developers", {"name": name})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert len(actions(platform, owner)) == before


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://example.org/x", "javascript:alert(1)", "https://" + "a" * 2048]
)
def test_an_address_that_cannot_be_used_is_told(platform, staff, owner, url):
    answer = staff(owner).post("~/developers/webhooks/new", {"url": url, "events": ["credential.issued"]})
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    assert endpoints(platform, owner) == []


def test_a_webhook_listens_to_something(platform, staff, owner):
    for chosen in ([], ["credential.exploded"]):
        answer = staff(owner).post("~/developers/webhooks/new", {"url": "https://example.org/", "events": chosen})
        assert answer.status_code == 422
        assert 'class="fault"' in answer.text
    assert endpoints(platform, owner) == []


def test_what_a_receiver_answers_is_text(platform, staff, owner, work):
    added = staff(owner).post(
        "~/developers/webhooks/new", {"url": "http://127.0.0.1:1/<b>", "events": ["credential.issued"]}
    )
    assert added.status_code == 422  # Brackets are no part of an address.
    staff(owner).post("~/developers/webhooks/new", {"url": "http://127.0.0.1:1/x", "events": ["credential.issued"]})
    (endpoint,) = endpoints(platform, owner)
    staff(owner).post(f"~/developers/webhooks/{endpoint.id}/test")
    work()
    page = staff(owner).get(f"~/developers/webhooks/{endpoint.id}").text
    assert "No connection" in page
    assert "next attempt" in page


def test_another_workspaces_webhook_is_out_of_reach(platform, staff, person, owner, other_tenant):
    rival = person(other_tenant)
    staff(rival).post("~/developers/webhooks/new", {"url": "https://rival.example/", "events": ["credential.issued"]})
    (theirs,) = endpoints(platform, rival)
    mine = staff(owner)
    for path in ("", "/edit"):
        assert mine.get(f"~/developers/webhooks/{theirs.id}{path}").status_code == 404
    for path in ("edit", "switch", "rotate", "delete", "test"):
        body = {"url": "https://evil.example/", "events": "credential.issued"}
        assert mine.post(f"~/developers/webhooks/{theirs.id}/{path}", body).status_code == 404
    assert endpoints(platform, rival) == [theirs]
    assert "rival" not in mine.get("~/developers/webhooks").text


def answer_of(pasted):
    """The status that a request gets, pasted into a shell."""
    run = subprocess.run(["sh", "-c", f"{pasted} -s -w '\n%{{http_code}}'"], capture_output=True, text=True, check=True)
    return run.stdout.rpartition("\n")[2]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_token_is_made_used_revoked_and_refused(browse, owner, accessible, look):
    """With the keyboard alone."""
    page = browse(owner, permissions=["clipboard-read", "clipboard-write"], **look)
    page.goto("/w/meridian/developers")
    accessible(page)
    page.get_by_label("Name").focus()
    page.keyboard.type("Course platform")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your access token").wait_for()
    accessible(page)
    page.get_by_role("button", name="Copy").nth(1).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    pasted = page.evaluate("navigator.clipboard.readText()")
    assert answer_of(pasted) == "201"
    page.get_by_role("link", name="I have copied it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("last used").wait_for()
    page.get_by_role("button", name="Revoke Course platform").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    accessible(page)
    dialog.get_by_role("button", name="Revoke").focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("revoked").wait_for()
    assert answer_of(pasted) == "401"
    assert not scrolls_sideways(page)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_webhook_is_set_up_fails_and_delivers_again(browse, owner, platform, receiver, accessible, work, look):
    page = browse(owner, **look)
    page.goto("/w/meridian/developers/webhooks")
    accessible(page)
    page.get_by_role("link", name="Add webhook").first.click()
    page.get_by_label("Address").fill(receiver.url)
    accessible(page)
    page.get_by_role("button", name="Add webhook").click()
    secret = page.get_by_label("Secret").input_value()
    accessible(page)
    receiver.status = 500
    page.get_by_role("button", name="Send a test event").click()
    page.get_by_text("Waiting").wait_for()
    work()
    page.get_by_text("Answered 500").first.wait_for()
    accessible(page)
    receiver.status = 200
    page.get_by_role("button", name="Deliver again").click()
    work()
    page.locator(".status", has_text="Delivered").wait_for()
    assert [event["type"] for event in receiver.events] == ["webhook.test"] * 2
    headers, body = receiver.got[-1]
    assert headers["X-Webhook-Signature"] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert not scrolls_sideways(page)
    assert actions(platform, owner) == ["webhook.created", "webhook.tested", "webhook.redelivered"]
