"""What takes two people, each at their own screen: an invitation, and a recipient's wish that the issuer grants."""

import email
import re
from email.policy import default

import pytest
from browsers import LOOKS
from sqlalchemy import select

from testamur.interactions.tables import credential_interactions

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def mailed_link(platform, work):
    """The first link of the newest mail to an address."""

    def call(address):
        work()
        for file in sorted((platform.settings.data_dir / "mails").glob("*.eml"), reverse=True):
            message = email.message_from_bytes(file.read_bytes(), policy=default)
            if address in message["To"]:
                return re.search(r"http\S+", message.get_body(("plain",)).get_content())[0]
        raise AssertionError(f"no mail went to {address}")

    return call


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_somebody_is_invited_accepts_and_is_refused_what_their_role_forbids(browse, owner, mailed_link, usable, look):
    page = browse(owner, **look)
    page.goto("/w/meridian/team")
    page.get_by_label("Email address").fill("vera@example.com")
    page.get_by_role("radio", name="Viewer").check()
    page.get_by_role("button", name="Send the invitation").click()
    page.get_by_role("button", name="Withdraw the invitation of vera@example.com").wait_for()
    usable(page)
    hers = browse(**look)
    hers.goto(mailed_link("vera@example.com"))
    usable(hers)
    hers.get_by_label("Your name").fill("Vera Rubin")
    hers.get_by_label("Password").fill("nine violet kettles hum")
    hers.get_by_label("The same once more").fill("nine violet kettles hum")
    hers.get_by_role("button", name="Make the account and join").click()
    hers.get_by_text("Welcome to Meridian Institute").wait_for()
    usable(hers)
    # Neither by a link that she sees, nor by an address that somebody sends her.
    hers.goto("/w/meridian/credentials")
    assert hers.get_by_role("link", name="Issue").count() == 0
    for address in ("/issue", "/developers", "/settings/data"):
        assert hers.goto(f"/w/meridian{address}").status == 403
        hers.get_by_text("Your role does not include this").wait_for()
    usable(hers)
    assert hers.goto("/w/rival").status == 404
    page.goto("/w/meridian/team")
    assert page.get_by_label("Role of Vera Rubin").input_value() == "viewer"
    page.get_by_role("button", name="Remove Vera Rubin").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_label("Role of Vera Rubin").wait_for(state="detached")
    assert hers.goto("/w/meridian").status == 404


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_recipient_opens_downloads_shares_asks_for_a_change_and_gets_it(
    browse, owner, platform, api, tenant, mailed_link, usable, look
):
    group = api("POST", "/groups", {"name": "Celestial Navigation", "designIds": [tenant.badge_id]}, status=201)
    body = {"groupId": group["id"], "recipient": {"name": "Grace Hoper", "email": "grace@example.com"}}
    api("POST", "/credentials/create-issue-send", {**body, "issueDate": "2026-01-20"}, status=201)
    page = browse(**look, permissions=["clipboard-read", "clipboard-write"])
    page.goto(mailed_link("grace@example.com"))
    usable(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PDF").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    address = page.evaluate("navigator.clipboard.readText()")
    shared = page.get_by_role("list", name="Share").get_by_role("link", name="LinkedIn").get_attribute("href")
    assert re.search(r"credentials(%2F|/)[0-9a-f-]{36}", shared)
    # Whoever gets the link sees the same without a mail or an account.
    friend = browse()
    friend.goto(address)
    assert "Grace Hoper" in friend.inner_text("main")

    page.get_by_role("link", name="Ask for a correction").click()
    page.get_by_role("radio", name=re.compile("name")).first.check()
    page.get_by_label("What it should say").fill("Grace Hopper")
    usable(page)
    page.get_by_role("button", name="Send me the link").click()
    page.get_by_role("heading", name="Look into your mail").wait_for()
    followed = mailed_link("grace@example.com")
    page.goto(followed)
    page.get_by_role("button", name="Send to").click()
    page.get_by_role("heading", name="Your request was sent").wait_for()
    usable(page)

    issuer = browse(owner, **look)
    issuer.goto("/w/meridian/requests")
    issuer.get_by_role("link", name="Grace Hoper").click()
    usable(issuer)
    issuer.get_by_role("button", name="Apply the correction").click()
    issuer.get_by_text("The credential is corrected").wait_for()

    # The mail leads to the page itself, and the link of before tells what became of the request.
    page.goto(followed)
    page.get_by_role("heading", name="Your request was dealt with").wait_for()
    page.goto(mailed_link("grace@example.com"))
    page.get_by_text("Corrected on").wait_for()
    assert "Grace Hopper" in page.inner_text("main")
    usable(page)
    friend.reload()
    assert "Grace Hopper" in friend.inner_text("main")
    with platform.database.read() as tx:
        seen = set(tx.execute(select(credential_interactions.c.event_type)).scalars())
    assert {"credential_viewed", "credential_downloaded", "credential_link_copied"} <= seen
