"""Corrections that recipients ask for: who can make a request real, what an issuer does with it, and when it goes."""

import email
import re
from datetime import timedelta
from email.policy import default

import pytest
from sqlalchemy import text

from testamur.change_requests import answering
from testamur.change_requests.asking import LINK_VALID, ask_for_change, confirm, find_by_link, make_link
from testamur.change_requests.queries import (
    OPEN_MAX,
    count_open_requests,
    get_request,
    list_requests,
    list_requests_of_credential,
)
from testamur.clock import now
from testamur.credentials.deleting import delete_credential
from testamur.credentials.erasing import erase_recipient
from testamur.credentials.queries import get_credential
from testamur.errors import Conflict, Invalid, NotFound
from testamur.worker.schedules import clean_up
from testamur.worker.work import work_off


@pytest.fixture
def issue(client):
    """The id of an issued credential of a tenant."""

    def call(tenant, name="Ada Lovelce", address="ada@example.com"):
        body = {"name": "Sailing", "designIds": [tenant.certificate_id]}
        group = client.post("/v1/groups", headers=tenant.headers, json=body).json()
        body = {"groupId": group["id"], "recipient": {"name": name, "email": address}, "issueDate": "2026-11-20"}
        draft = client.post("/v1/credentials", headers=tenant.headers, json=body).json()
        answer = client.post(f"/v1/credentials/{draft['id']}/issue", headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    return call


@pytest.fixture
def ask(platform):
    def call(tenant, credential_id, kind="name", proposed="Ada Lovelace", message="", at=None):
        with platform.database.write() as tx:
            credential = get_credential(tx, tenant.workspace.id, credential_id)
            return ask_for_change(tx, credential, kind=kind, proposed=proposed, message=message, at=at or now())

    return call


@pytest.fixture
def asked(platform, ask):
    """A request that its recipient has confirmed."""

    def call(tenant, credential_id, *arguments, **more):
        request = ask(tenant, credential_id, *arguments, **more)
        with platform.database.write() as tx:
            address = get_credential(tx, tenant.workspace.id, credential_id).recipient.email
            _, secret = make_link(tx, tenant.workspace.id, request.id, address, at=request.created_at)
            return confirm(tx, secret, at=now())

    return call


@pytest.fixture
def mails(platform):
    """Those sent since the last call."""
    seen = set()

    def call():
        work_off(platform)
        files = sorted(set((platform.settings.data_dir / "mails").glob("*.eml")) - seen)
        seen.update(files)
        return [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]

    return call


@pytest.fixture
def rows(platform):
    def call(statement):
        with platform.database.read() as tx:
            return tx.execute(text(statement)).all()

    return call


def plain(message):
    return message.get_body(("plain",)).get_content()


def test_the_mail_goes_to_the_credentials_own_address_and_repeats_nothing(platform, tenant, issue, ask, mails, rows):
    credential_id = issue(tenant, address="Ada@Example.com")
    request = ask(tenant, credential_id, "other", "", "Buy pills at https://spam.example")
    (message,) = mails()
    assert message["to"].addresses[0].addr_spec == "Ada@Example.com"
    assert "Meridian Institute to correct the credential Sailing" in plain(message).replace("\n", " ")
    assert "spam" not in message.as_string()
    secret = re.search(r"token=(\S+)", plain(message))[1]
    stored = repr(rows("SELECT * FROM change_requests") + rows("SELECT * FROM emails"))
    assert secret not in stored
    with platform.database.read() as tx:
        assert find_by_link(tx, secret, at=now()) == request
        with pytest.raises(NotFound):
            get_request(tx, tenant.workspace.id, request.id)
        assert list_requests_of_credential(tx, tenant.workspace.id, credential_id) == []
        assert count_open_requests(tx, tenant.workspace.id, limit=100) == 0


def test_a_link_makes_a_request_real_once_and_shows_it_afterwards(platform, tenant, issue, ask):
    request = ask(tenant, issue(tenant))
    at = now()
    with platform.database.write() as tx:
        _, secret = make_link(tx, tenant.workspace.id, request.id, "ada@example.com", at=at)
        confirmed = confirm(tx, secret, at=at)
        assert (confirmed.state, confirmed.confirmed_at, confirmed.stated) == ("open", at, "Ada Lovelce")
        later = at + LINK_VALID + timedelta(days=100)
        assert confirm(tx, secret, at=later) == confirmed
        assert find_by_link(tx, secret, at=later) == confirmed
        assert make_link(tx, tenant.workspace.id, request.id, "ada@example.com", at=at) is None
        assert confirm(tx, "wrong", at=at) is None


def test_a_link_is_over_after_a_week_and_what_waited_is_forgotten(platform, tenant, issue, ask, asked, rows):
    credential_id = issue(tenant)
    asked_at = now() - LINK_VALID + timedelta(minutes=1)
    kept, waiting = asked(tenant, credential_id), ask(tenant, credential_id, at=asked_at)
    with platform.database.write() as tx:
        _, secret = make_link(tx, tenant.workspace.id, waiting.id, "ada@example.com", at=now())
        assert find_by_link(tx, secret, at=now()) == waiting
        assert find_by_link(tx, secret, at=asked_at + LINK_VALID) is None
        assert confirm(tx, secret, at=asked_at + LINK_VALID) is None
    clean_up(platform, now())
    assert len(rows("SELECT id FROM change_requests")) == 2
    clean_up(platform, now() + timedelta(minutes=2))
    assert rows("SELECT id FROM change_requests") == [(kept.id,)]


def test_no_link_is_made_for_another_workspace_or_address(platform, tenant, other_tenant, issue, ask, mails, api):
    credential_id = issue(tenant)
    request = ask(tenant, credential_id)
    with platform.database.write() as tx:
        assert make_link(tx, other_tenant.workspace.id, request.id, "ada@example.com", at=now()) is None
        assert make_link(tx, tenant.workspace.id, request.id, "eve@example.com", at=now()) is None
    api("PATCH", f"/credentials/{credential_id}", {"recipient": {"email": "new@example.com"}})
    assert mails() == []


@pytest.mark.parametrize(
    ("kind", "proposed", "message", "field"),
    [
        ("surname", "Ada", "", "kind"),
        ("name", "", "", "proposed"),
        ("name", "Ada Lovelce", "", "proposed"),
        ("name", "x" * 256, "", "proposed"),
        ("email", "ada@", "", "proposed"),
        ("date", "2026-02-30", "", "proposed"),
        ("date", "1/2/2026", "", "proposed"),
        ("date", "20-11-2026", "", "proposed"),
        ("other", "", " \r\n ", "message"),
        ("name", "Ada", "x" * 2001, "message"),
        ("name", "Ada", "a\x00b", "message"),
    ],
)
def test_what_cannot_be_asked_for_is_told_with_its_field(tenant, issue, ask, rows, kind, proposed, message, field):
    credential_id = issue(tenant)
    with pytest.raises(Invalid) as refusal:
        ask(tenant, credential_id, kind, proposed, message)
    assert refusal.value.problems[0].path == (field,)
    assert rows("SELECT id FROM change_requests") == rows("SELECT id FROM emails") == []


def test_nobody_learns_of_an_address_whether_it_is_the_right_one(tenant, issue, ask):
    credential_id = issue(tenant)
    for address in ("ada@example.com", "eve@example.com"):
        assert ask(tenant, credential_id, "email", address).state == "unconfirmed"


def test_a_credential_has_three_open_requests_at_most(platform, tenant, other_tenant, issue, ask, asked):
    credential_id, at = issue(tenant), now()
    waiting = ask(tenant, credential_id)
    opened = [asked(tenant, credential_id, "other", "", f"Fault {number}") for number in range(OPEN_MAX)]
    with pytest.raises(Conflict):
        ask(tenant, credential_id)
    with platform.database.write() as tx:
        _, secret = make_link(tx, tenant.workspace.id, waiting.id, "ada@example.com", at=at)
        with pytest.raises(Conflict):
            confirm(tx, secret, at=at)
        assert find_by_link(tx, secret, at=at).state == "unconfirmed"
        answering.resolve_request(tx, tenant.workspace.id, opened[0].id, at=at)
        assert confirm(tx, secret, at=at).state == "open"
        assert count_open_requests(tx, tenant.workspace.id, limit=100) == OPEN_MAX
        assert count_open_requests(tx, tenant.workspace.id, limit=2) == 2
        assert count_open_requests(tx, other_tenant.workspace.id, limit=100) == 0
    assert asked(other_tenant, issue(other_tenant)).state == "open"


def test_a_credential_without_an_address_can_be_asked_about_by_nobody(tenant, ask, client, api, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}}
    made = api("POST", "/credentials/create-issue-send", body, status=201)
    with pytest.raises(Conflict, match="without an email address"):
        ask(tenant, made["id"])


@pytest.mark.parametrize(
    ("kind", "proposed", "read"),
    [
        ("name", "Ada Lovelace", lambda credential: credential["recipient"]["name"]),
        ("email", "new@example.com", lambda credential: credential["recipient"]["email"]),
        ("date", "2026-11-19", lambda credential: credential["issueDate"]),
    ],
)
def test_what_is_asked_for_is_applied_as_a_correction(platform, tenant, issue, asked, mails, api, kind, proposed, read):
    credential_id = issue(tenant)
    request = asked(tenant, credential_id, kind, proposed)
    mails()
    with platform.database.write() as tx:
        done = answering.apply_request(tx, tenant.workspace, request.id, signers=platform.signers, at=now())
        assert done == get_request(tx, tenant.workspace.id, request.id)
    assert done.state == "resolved"
    assert read(api("GET", f"/credentials/{credential_id}")) == proposed
    assert [item["number"] for item in api("GET", f"/credentials/{credential_id}/versions")] == [2, 1]
    (message,) = mails()
    # Told where the request was confirmed.
    assert message["to"].addresses[0].addr_spec == "ada@example.com"
    assert "has dealt with your request" in plain(message)
    with platform.database.write() as tx, pytest.raises(Conflict):
        answering.apply_request(tx, tenant.workspace, request.id, signers=platform.signers, at=now())


def test_what_proposes_no_value_is_mended_by_hand(platform, tenant, issue, asked, mails, rows):
    request = asked(tenant, issue(tenant), "other", "", "The course took\r\nthree days")
    mails()
    assert request.message == "The course took\nthree days"
    with platform.database.write() as tx:
        with pytest.raises(Conflict, match="by hand"):
            answering.apply_request(tx, tenant.workspace, request.id, signers=platform.signers, at=now())
        answering.resolve_request(tx, tenant.workspace.id, request.id, at=now())
    assert len(mails()) == 1
    assert rows("SELECT version FROM credentials") == [(1,)]


def test_what_cannot_be_applied_leaves_the_request_open(platform, tenant, issue, asked, api):
    credential_id = issue(tenant)
    api("PATCH", f"/credentials/{credential_id}", {"expiryDate": "2026-12-31"})
    request = asked(tenant, credential_id, "date", "2027-01-01")
    with pytest.raises(Invalid), platform.database.write() as tx:
        answering.apply_request(tx, tenant.workspace, request.id, signers=platform.signers, at=now())
    with platform.database.read() as tx:
        assert get_request(tx, tenant.workspace.id, request.id) == request


def test_a_recipient_is_told_why_a_request_is_declined(platform, tenant, issue, asked, mails, client):
    request = asked(tenant, issue(tenant))
    mails()
    with platform.database.write() as tx:
        for reason in (" \n ", "x" * 1001):
            with pytest.raises(Invalid) as refusal:
                answering.decline_request(tx, tenant.workspace.id, request.id, reason=reason, at=now())
            assert refusal.value.problems[0].path == ("reason",)
        done = answering.decline_request(
            tx, tenant.workspace.id, request.id, reason="Your <b>passport</b> says Lovelce.", at=now()
        )
        with pytest.raises(Conflict):
            answering.resolve_request(tx, tenant.workspace.id, request.id, at=now())
    (message,) = mails()
    assert done.answer in plain(message)
    assert "<b>" not in message.get_body(("html",)).get_content()


def test_another_workspace_sees_and_answers_nothing(platform, tenant, other_tenant, issue, asked):
    mine, theirs = asked(tenant, issue(tenant)), asked(other_tenant, issue(other_tenant, "Eve"))
    with platform.database.write() as tx:
        listed = list_requests(tx, tenant.workspace.id, "open", None, 100).items
        assert [(item.request, item.recipient_name, item.template_name) for item in listed] == [
            (mine, "Ada Lovelce", "Sailing")
        ]
        assert list_requests_of_credential(tx, tenant.workspace.id, theirs.credential_id) == []
        with pytest.raises(NotFound):
            get_request(tx, tenant.workspace.id, theirs.id)
        with pytest.raises(NotFound):
            answering.resolve_request(tx, tenant.workspace.id, theirs.id, at=now())
        with pytest.raises(NotFound):
            answering.decline_request(tx, tenant.workspace.id, theirs.id, reason="No", at=now())
        with pytest.raises(NotFound):
            answering.apply_request(tx, tenant.workspace, theirs.id, signers=platform.signers, at=now())
        assert get_request(tx, other_tenant.workspace.id, theirs.id).state == "open"


def test_requests_are_listed_by_state_page_by_page(platform, tenant, issue, asked):
    made = [asked(tenant, issue(tenant), at=now() - timedelta(hours=hour)) for hour in range(4)]
    with platform.database.write() as tx:
        answering.decline_request(tx, tenant.workspace.id, made[1].id, reason="No", at=now())

        def listed(state, cursor=None):
            page = list_requests(tx, tenant.workspace.id, state, cursor, 2)
            return {item.request.id for item in page.items}, page.next

        first, cursor = listed("open")
        rest, end = listed("open", cursor)
        assert first | rest == {made[0].id, made[2].id, made[3].id}
        assert (len(first), end) == (2, None)
        assert listed("declined")[0] == {made[1].id}
        assert listed("resolved")[0] == set()


@pytest.mark.parametrize("way", ["deleted", "erased"])
def test_requests_go_with_their_credential(platform, tenant, issue, ask, asked, mails, rows, way):
    gone, kept = issue(tenant), issue(tenant, "Bob", "bob@example.com")
    request = asked(tenant, gone, message="My passport says so")
    mails()
    ask(tenant, gone, "email", "ada@home.example")
    stays = asked(tenant, kept, proposed="Robert")
    with platform.database.write() as tx:
        answering.resolve_request(tx, tenant.workspace.id, request.id, at=now())
        answering.resolve_request(tx, tenant.workspace.id, stays.id, at=now())
        if way == "deleted":
            delete_credential(tx, tenant.workspace.id, gone, at=now())
        else:
            erase_recipient(tx, tenant.workspace.id, "ada@example.com", at=now())
    assert rows("SELECT id FROM change_requests") == [(stays.id,)]
    assert [message["to"].addresses[0].addr_spec for message in mails()] == ["bob@example.com"]
