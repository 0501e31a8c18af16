"""Texts of emails in the dashboard: writing them, the frame that shows them, test mails."""

import email as mails
import re
import socket
from dataclasses import replace
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from testamur.clock import now
from testamur.delivery.templates import (
    choose_email_template,
    create_email_template,
    every_email_template,
    templates_with_email,
)
from testamur.ids import new_id
from testamur.plans import Plan

sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


class Mailbox:
    """A mail server that keeps what it gets, or refuses it."""

    def __init__(self):
        self.messages = []
        self.refusal = None

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - the name that aiosmtpd calls.
        if self.refusal is not None:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - see above.
        self.messages.append(mails.message_from_bytes(envelope.content, policy=default))
        return "250 Taken"


@pytest.fixture
def manager(person, staff, tenant):
    return staff(person(tenant, "manager"))


@pytest.fixture
def mailbox(platform):
    """The platform's mail server."""
    box = Mailbox()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    settings = replace(platform.settings, smtp_url=f"smtp://127.0.0.1:{port}?starttls=never")
    object.__setattr__(platform, "settings", settings)
    yield box
    controller.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sent(**changed):
    body = {
        "kind": "delivery",
        "name": "Warm words",
        "subject": "[recipient.name], well done",
        "body": "Dear [recipient.name],\r\n\r\nhere is [group.name].",
        "sender_name": "",
        "reply_to": "",
    }
    return {**body, **changed}


def stored(platform, tenant):
    with platform.database.read() as tx:
        return every_email_template(tx, tenant.workspace.id)


@sqlite
def test_a_text_is_written_changed_and_deleted(platform, manager, tenant):
    page = manager.get("~/emails/new?kind=expired").text
    once = re.search(r'name="once" value="([^"]+)"', page)[1]
    body = sent(kind="expired", once=once, sender_name="The office", reply_to="office@example.org", is_default="yes")
    for _ in range(2):
        assert manager.post("~/emails/new", body).headers["location"] == "/w/meridian/emails"
    (made,) = stored(platform, tenant)
    assert (made.kind, made.body, made.is_default) == (
        "expired",
        "Dear [recipient.name],\n\nhere is [group.name].",
        True,
    )
    assert (made.sender_name, made.reply_to) == ("The office", "office@example.org")
    # The kind of a text never changes, whatever a form says.
    changed = sent(kind="delivery", name="Plain words", body="Over.")
    assert manager.post(f"~/emails/{made.id}", changed).status_code == 303
    (after,) = stored(platform, tenant)
    assert (after.kind, after.name, after.body, after.sender_name, after.is_default) == (
        "expired",
        "Plain words",
        "Over.",
        None,
        False,
    )
    assert manager.post(f"~/emails/{made.id}/delete").headers["location"] == "/w/meridian/emails"
    assert stored(platform, tenant) == []


@sqlite
def test_one_text_of_a_kind_is_the_default(platform, manager, tenant):
    for name in ("First", "Second"):
        manager.post("~/emails/new", sent(name=name))
    first, second = (item.id for item in stored(platform, tenant))

    def defaults():
        return [item.name for item in stored(platform, tenant) if item.is_default]

    manager.post(f"~/emails/{first}/default")
    manager.post(f"~/emails/{second}/default")
    assert defaults() == ["Second"]
    manager.post(f"~/emails/{second}/default", {"is_default": "no"})
    assert defaults() == []


@sqlite
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "Must not be empty"),
        ({"name": "x" * 256}, "at most 255"),
        ({"subject": ""}, "Must not be empty"),
        ({"subject": "a\r\nBcc: all@example.org"}, "control character"),
        ({"body": " \n "}, "Must not be empty"),
        ({"body": "x" * 20001}, "at most 20000"),
        ({"sender_name": "a\x00b"}, "control character"),
        ({"reply_to": "nobody"}, "e-mail address"),
    ],
)
def test_what_cannot_be_used_is_told(platform, manager, tenant, changed, told):
    answer = manager.post("~/emails/new", sent(**{"name": "Typed before", **changed}))
    assert answer.status_code == 422
    assert told in answer.text
    assert "name" in changed or 'value="Typed before"' in answer.text
    assert stored(platform, tenant) == []
    if "name" not in changed:
        frame = manager.post("~/emails/preview", sent(**changed))
        assert (frame.status_code, told in frame.text) == (200, True)


@sqlite
def test_a_misspelt_attribute_is_pointed_out(manager):
    page = manager.post("~/emails/new", sent(name="", body="Dear [Recipient.Name], [custom.mentor]"))
    assert "they would be sent as they stand" in page.text


@sqlite
def test_the_frame_shows_the_mail_and_runs_nothing(platform, manager, tenant):
    frame = manager.post("~/emails/preview", sent(subject=SCRIPT, body=f"{SCRIPT} [group.name]", sender_name=SCRIPT))
    policy = frame.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert frame.headers["x-frame-options"] == "SAMEORIGIN"
    assert SCRIPT not in frame.text
    assert "Financial Markets" in frame.text
    assert "Meridian Institute" in frame.text
    editor = manager.get("~/emails/new")
    assert "frame-ancestors 'none'" in editor.headers["content-security-policy"]
    assert "frame-src 'self'" in editor.headers["content-security-policy"]
    manager.post("~/emails/new", sent(name=SCRIPT, subject=SCRIPT, body=SCRIPT, sender_name=SCRIPT))
    (made,) = stored(platform, tenant)
    for path in ("~/emails", f"~/emails/{made.id}", f"~/emails/preview?id={made.id}", "~/templates/new"):
        page = manager.get(path).text
        assert (SCRIPT in page, "&lt;script&gt;" in page) == (False, True), path


@sqlite
def test_a_test_mail_goes_to_ones_own_address(platform, manager, tenant, mailbox):
    body = sent(test="yes", sender_name="The office", reply_to="office@example.org")
    answer = manager.post("~/emails/new", body)
    assert answer.status_code == 200
    assert f"Sent to {manager.person.email}" in answer.text
    assert 'value="Warm words"' in answer.text
    (message,) = mailbox.messages
    assert message["To"].addresses[0].addr_spec == manager.person.email
    assert message["Subject"] == "Test: Manager, well done"
    assert message["Reply-To"] == "office@example.org"
    assert "here is Financial Markets." in message.get_body(("plain",)).get_content()
    assert stored(platform, tenant) == []


@sqlite
def test_a_mail_server_that_refuses_is_told_of(platform, manager, mailbox):
    mailbox.refusal = "550 Not from here"
    answer = manager.post("~/emails/new", sent(test="yes"))
    assert "The mail server refused it: 550 Not from here" in answer.text
    object.__setattr__(
        platform, "settings", replace(platform.settings, smtp_url=f"smtp://127.0.0.1:{free_port()}?starttls=never")
    )
    assert "No connection to the mail server" in manager.post("~/emails/new", sent(test="yes")).text
    assert "Must not be empty" in manager.post("~/emails/new", sent(test="yes", body="")).text


@sqlite
def test_test_mails_are_few(manager, mailbox):
    answers = [manager.post("~/emails/new", sent(test="yes")).text for _ in range(6)]
    assert len(mailbox.messages) == 5
    assert "Too many test mails" in answers[-1]


@sqlite
def test_without_a_mail_server_the_mail_is_written_down(platform, manager):
    answer = manager.post("~/emails/new", sent(test="yes"))
    assert "written to the folder of mails" in answer.text
    assert len(list((platform.settings.data_dir / "mails").iterdir())) == 1


@sqlite
def test_texts_of_another_workspace_do_not_exist(platform, manager, tenant, other_tenant):
    with platform.database.write() as tx:
        foreign = create_email_template(
            tx, other_tenant.workspace.id, kind="delivery", name="Rival", subject="Rival", body="Rival", at=now()
        )
    for path in (f"~/emails/{foreign.id}", f"~/emails/preview?id={foreign.id}"):
        assert manager.get(path).status_code == 404
    for path in ("", "/default", "/delete"):
        assert manager.post(f"~/emails/{foreign.id}{path}", sent()).status_code == 404, path
    assert "Rival" not in manager.get("~/emails").text
    assert "Rival" not in manager.get(f"~/templates/new?design={tenant.badge_id}").text
    assert stored(platform, other_tenant) == [foreign]


def test_a_text_in_use_is_not_deleted(platform, manager, tenant, other_tenant, group):
    with platform.database.write() as tx:
        made = create_email_template(
            tx, tenant.workspace.id, kind="delivery", name="Ours", subject="Hello", body="Hello", at=now()
        )
        choose_email_template(tx, tenant.workspace.id, group["id"], "delivery", made.id)
    with platform.database.read() as tx:
        assert templates_with_email(tx, tenant.workspace.id, made.id, limit=5) == [group["id"]]
        assert templates_with_email(tx, other_tenant.workspace.id, made.id, limit=5) == []
    assert "Financial Markets" in manager.get(f"~/emails/{made.id}").text
    assert manager.post(f"~/emails/{made.id}/delete").headers["location"] == f"/w/meridian/emails/{made.id}"
    assert len(stored(platform, tenant)) == 1


@sqlite
def test_a_plan_is_kept_to(platform, manager, tenant):
    from testamur.workspaces.tables import workspaces

    settings = replace(platform.settings, plans={"small": Plan(features=frozenset())})
    object.__setattr__(platform, "settings", settings)
    with platform.database.write() as tx:
        tx.execute(workspaces.update().where(workspaces.c.id == tenant.workspace.id).values(plan="small"))
    answer = manager.post("~/emails/new", sent(once=new_id()))
    assert (answer.status_code, "does not include email templates" in answer.text) == (422, True)


@sqlite
@pytest.mark.parametrize("view", [{}, {"narrow": True, "dark": True}], ids=["wide-light", "narrow-dark"])
def test_a_text_is_written_with_the_mail_beside_it(browse, accessible, platform, person, tenant, mailbox, view):
    someone = person(tenant)
    page = browse(someone, **view)
    page.goto("/w/meridian/emails")
    accessible(page)
    page.get_by_role("link", name="New text: Delivery").click()
    frame = page.frame_locator("iframe[name=mail]")
    frame.get_by_text("Dear Alexandra Whitfield,").wait_for()
    page.get_by_label("Name", exact=True).fill("Warm words")
    page.get_by_label("Text", exact=True).fill("Bravo, ")
    page.get_by_text("Attributes to insert").click()
    page.get_by_role("button", name="[recipient.name]").click()
    frame.get_by_text("Bravo, Alexandra Whitfield").wait_for()
    accessible(page)
    if view.get("narrow"):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Send a test mail").click()
    page.get_by_text(f"Sent to {someone.email}").wait_for()
    page.get_by_role("button", name="Save").last.click()
    page.get_by_role("link", name="Warm words").wait_for()
    (made,) = stored(platform, tenant)
    assert made.body == "Bravo, [recipient.name]"
    page.goto("/w/meridian/attributes")
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert len(mailbox.messages) == 1
