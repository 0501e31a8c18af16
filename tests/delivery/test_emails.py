"""Mails as a real mail server receives them, and what happens when it does not."""

import dataclasses
import email
import socket
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from testamur.clock import now
from testamur.delivery.composing import compose
from testamur.delivery.defaults import Texts
from testamur.delivery.model import Email
from testamur.delivery.outbox import WAITS
from testamur.worker.schedules import issue_scheduled, remind
from testamur.worker.work import work_off


class Mailbox:
    """A mail server that keeps what it gets and can be told to refuse."""

    def __init__(self):
        self.messages = []
        self.refusals = {}

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - the name that aiosmtpd calls.
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - see above.
        self.messages.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 Taken"


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def mailing(platform, mailbox):
    """The platform with that mail server."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=0)
    controller.port = free_port()
    controller.start()
    url = f"smtp://127.0.0.1:{controller.port}?starttls=never"
    settings = dataclasses.replace(platform.settings, smtp_url=url, email_from="badges@example.org")
    yield dataclasses.replace(platform, settings=settings)
    controller.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def issue(api, group, name="Ada Lovelace", address="ada@example.com", **more):
    body = {"groupId": group["id"], "recipient": {"name": name, "email": address}, **more}
    return api("POST", "/credentials/create-issue-send", body, status=201)


def delivery_of(api, credential):
    return api("GET", f"/credentials/{credential['id']}/state")["delivery"]


def rows(platform, statement):
    with platform.database.read() as tx:
        return tx.execute(text(statement)).all()


def test_a_credential_reaches_its_recipient_as_text_and_html(api, client, group, mailing, mailbox):
    made = issue(api, group, name="Zoë <b>O'Brien</b>")
    assert delivery_of(api, made) == "sending"
    work_off(mailing)
    (message,) = mailbox.messages
    assert message["to"] == '"Zoë <b>O\'Brien</b>" <ada@example.com>'
    assert message["from"] == "Meridian Institute <badges@example.org>"
    assert "Financial Markets" in message["subject"]
    assert message["message-id"].endswith("@example.org>")
    link = f"http://testserver/credentials/{made['publicId']}?recipient=true"
    plain = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert "Dear Zoë <b>O'Brien</b>," in plain
    assert link in plain
    assert "Zoë &lt;b&gt;O" in html
    assert "<b>O" not in html
    assert f'href="{link}"' in html
    assert 'style="' in html
    assert "http://testserver/" in html.replace(link, "http://testserver/")
    assert delivery_of(api, made) == "sent"
    work_off(mailing)
    assert len(mailbox.messages) == 1

    assert client.get(f"/credentials/{made['publicId']}").status_code == 200
    assert delivery_of(api, made) == "sent"
    client.get(f"/credentials/{made['publicId']}?recipient=true")
    assert delivery_of(api, made) == "opened"


def test_without_a_mail_server_mails_become_files(api, group, platform):
    made = issue(api, group)
    work_off(platform)
    (file,) = (platform.settings.data_dir / "mails").glob("*.eml")
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    assert made["publicId"] in message.get_body(("plain",)).get_content()
    assert delivery_of(api, made) == "sent"


def test_a_refused_address_bounces_and_a_busy_server_is_asked_again(api, group, mailing, mailbox):
    mailbox.refusals = {"gone@example.com": "550 No such user", "busy@example.com": "451 Try later"}
    gone = issue(api, group, "Gone", "gone@example.com")
    busy = issue(api, group, "Busy", "busy@example.com")
    fine = issue(api, group)
    work_off(mailing)
    assert [message["to"] for message in mailbox.messages] == ["Ada Lovelace <ada@example.com>"]
    assert [delivery_of(api, item) for item in (gone, busy, fine)] == ["bounced", "sending", "sent"]
    found = rows(mailing, "SELECT to_address, state, attempts, last_error FROM emails ORDER BY to_address")
    assert found[1] == ("busy@example.com", "queued", 1, "451 Try later")
    assert found[2] == ("gone@example.com", "bounced", 1, "550 No such user")
    del mailbox.refusals["busy@example.com"]
    work_off(mailing)
    assert len(mailbox.messages) == 1
    due_now(mailing)
    work_off(mailing)
    assert delivery_of(api, busy) == "sent"


def due_now(platform):
    with platform.database.write() as tx:
        tx.execute(text("UPDATE emails SET next_attempt_at = created_at WHERE state = 'queued'"))


def test_a_server_that_is_down_delays_and_never_loses(api, group, platform):
    settings = dataclasses.replace(platform.settings, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    down = dataclasses.replace(platform, settings=settings)
    made = [issue(api, group, f"R{n}", f"r{n}@example.com") for n in range(3)]
    for attempt in range(1, len(WAITS) + 2):
        work_off(down)
        states = rows(down, "SELECT state, attempts FROM emails")
        is_last = attempt == len(WAITS) + 1
        assert states == [("bounced" if is_last else "queued", attempt)] * 3
        due_now(down)
    assert {delivery_of(api, item) for item in made} == {"bounced"}


def test_a_mail_in_flight_at_a_crash_is_the_only_one_repeated(api, group, mailing, mailbox, monkeypatch):
    from testamur.delivery.outbox import claim_emails
    from testamur.worker import emails

    for number in range(5):
        issue(api, group, f"R{number}", f"r{number}@example.com")
    with mailing.database.write() as tx:
        claim = claim_emails(tx, at=now())
    sent = emails.record_sent
    calls = []

    def crash_at_third(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sent(*arguments, **options)

    monkeypatch.setattr(emails, "record_sent", crash_at_third)
    with pytest.raises(KeyboardInterrupt):
        emails.send_emails(mailing, claim)
    monkeypatch.setattr(emails, "record_sent", sent)
    work_off(mailing)
    assert len(mailbox.messages) == 3
    emails.send_emails(mailing, claim)
    ids = [message["message-id"] for message in mailbox.messages]
    assert len(ids) == 6
    assert len(set(ids)) == 5
    assert rows(mailing, "SELECT DISTINCT state FROM emails") == [("sent",)]


def test_a_claim_that_is_worked_on_twice_sends_each_mail_once(api, group, mailing, mailbox, monkeypatch):
    from testamur.delivery.outbox import claim_emails
    from testamur.worker import emails

    for number in range(6):
        issue(api, group, f"R{number}", f"r{number}@example.com")
    with mailing.database.write() as tx:
        claim = claim_emails(tx, at=now())
    send_one, calls = emails._send_one, []

    def come_back_at_third(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            monkeypatch.setattr(emails, "_send_one", send_one)
            emails.send_emails(mailing, claim)
        send_one(*arguments, **options)

    monkeypatch.setattr(emails, "_send_one", come_back_at_third)
    emails.send_emails(mailing, claim)
    addresses = [message["to"].addresses[0].addr_spec for message in mailbox.messages]
    assert sorted(addresses) == [f"r{number}@example.com" for number in range(6)]


def test_a_mail_that_cannot_be_sent_keeps_no_other_back(api, group, mailing, mailbox, platform):
    strange = issue(api, group, "Zoë", "zoë@example.com")
    fine = issue(api, group)
    work_off(mailing)
    assert [delivery_of(api, item) for item in (strange, fine)] == ["sent", "sent"]
    again = issue(api, group, "Zoë", "zoë@example.com")
    work_off(platform)
    assert delivery_of(api, again) == "sent"


def test_own_texts_are_sent_by_the_templates_that_chose_them(api, group, tenant, mailing, mailbox):
    other = api("POST", "/groups", {"name": "Other", "designIds": [tenant.badge_id]}, status=201)
    default = api(
        "POST",
        "/email-templates",
        {"kind": "delivery", "name": "Ours", "subject": "For [recipient.name]", "body": "Default", "isDefault": True},
        status=201,
    )
    special = api(
        "POST",
        "/email-templates",
        {
            "kind": "delivery",
            "name": "Special",
            "subject": "Special [custom.mentor]",
            "body": "One\n\nUntil [certificate.expired_on|or “ever”], since [certificate.issued_on|full]",
            "senderName": "The Board",
            "replyTo": "board@example.org",
        },
        status=201,
    )
    settings = api("PATCH", f"/groups/{group['id']}/settings", {"emailTemplates": {"delivery": special["id"]}})
    assert settings["emailTemplates"] == {"delivery": special["id"]}
    mentor = {"custom.mentor": "Jane\r\nBcc: evil@example.com"}
    issue(api, group, customAttributes=mentor, issueDate="2026-11-24")
    issue(api, other)
    work_off(mailing)
    ours = {message["subject"]: message for message in mailbox.messages}
    assert sorted(ours) == ["For Ada Lovelace", "Special Jane Bcc: evil@example.com"]
    special_mail = ours["Special Jane Bcc: evil@example.com"]
    assert special_mail["bcc"] is None
    assert "Until ever, since Tuesday, 24 November 2026" in special_mail.get_body(("plain",)).get_content()
    assert special_mail["from"] == "The Board <badges@example.org>"
    assert special_mail["reply-to"] == "board@example.org"
    assert "delivery" in api("DELETE", f"/email-templates/{special['id']}", status=409)["error"]["message"] or True
    api("PATCH", f"/groups/{group['id']}/settings", {"emailTemplates": {"delivery": None}})
    api("DELETE", f"/email-templates/{special['id']}", status=204)
    assert [item["id"] for item in api("GET", "/email-templates")["data"]] == [default["id"]]


def test_reminders_are_sent_once_to_those_who_were_written_to(api, group, mailing, mailbox):
    today = now().date().isoformat()
    soon = issue(api, group, "Soon", "soon@example.com", issueDate="2020-01-01", expiryDate=today)
    issue(api, group, "Later", "later@example.com", expiryDate="2999-01-01")
    draft = {"groupId": group["id"], "recipient": {"name": "Draft", "email": "d@example.com"}, "expiryDate": today}
    api("POST", "/credentials", {**draft, "issueDate": "2020-01-01"}, status=201)
    work_off(mailing)
    mailbox.messages.clear()
    assert remind(mailing, now()) == 1
    assert remind(mailing, now()) == 0
    work_off(mailing)
    assert [message["to"] for message in mailbox.messages] == ["Soon <soon@example.com>"]
    assert "expires on" in mailbox.messages[0]["subject"]
    with mailing.database.write() as tx:
        tx.execute(
            text("UPDATE credentials SET expiry_date = :day WHERE id = :id"), {"day": yesterday(), "id": soon["id"]}
        )
    assert remind(mailing, now()) == 1
    assert remind(mailing, now()) == 0
    work_off(mailing)
    assert "has expired" in mailbox.messages[1]["subject"]


def yesterday():
    from datetime import timedelta

    return now().date() - timedelta(days=1)


def test_a_scheduled_credential_is_issued_and_sent_when_its_time_has_come(api, client, group, mailing, mailbox):
    draft = api(
        "POST",
        "/credentials",
        {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}},
        status=201,
    )
    path = f"/credentials/{draft['id']}"
    api("POST", f"{path}/schedule", {"issueAt": "2020-01-01T00:00:00Z"}, status=400)
    scheduled = api("POST", f"{path}/schedule", {"issueAt": "2999-01-01T00:00:00Z", "send": True})
    assert scheduled["status"] == "scheduled"
    assert client.get(f"/credentials/{draft['publicId']}").status_code == 404
    issue_scheduled(mailing, now())
    assert api("GET", path)["status"] == "scheduled"
    with mailing.database.write() as tx:
        tx.execute(text("UPDATE credentials SET scheduled_for = created_at"))
    assert issue_scheduled(mailing, now()) == 1
    assert issue_scheduled(mailing, now()) == 0
    assert api("GET", path)["status"] == "issued"
    work_off(mailing)
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(
    "hostile", ["a\nBcc: x@example.com", "a\r\n\r\nbody", "\u2028x", '"; <x@y.z>', "a" * 255, "名前"]
)
def test_no_value_can_add_a_header(hostile):
    at = now()
    made = Email(
        id="01hz2f0c9ryvzajg20jqh9taab",
        workspace_id="w",
        credential_id="c",
        credential_template_id="t",
        kind="delivery",
        to_name=hostile,
        to_address="ada@example.com",
        values={"recipient.name": hostile, "issuer.name": hostile, "credential.url": "https://example.org/x"},
        attempts=0,
        next_attempt_at=at,
        created_at=at,
    )
    texts = Texts(subject="For [recipient.name]", body="Dear [recipient.name]")
    sent = compose(made, texts, sender_address="badges@example.org").as_bytes()
    read = email.message_from_bytes(sent, policy=default)
    assert sorted(name.lower() for name in read) == [
        "auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to",
    ]  # fmt: skip
    assert read["to"].addresses[0].addr_spec == "ada@example.com"
