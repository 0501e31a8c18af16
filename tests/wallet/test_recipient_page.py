"""A recipient's own page: who gets a link, what a link is good for, and what its owner sees."""

import dataclasses
import email
import re
from datetime import timedelta
from email.policy import default

import pytest
from databases import on_one_database
from sqlalchemy import text, update
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.clock import now
from testamur.delivery.tables import emails
from testamur.recipient_accounts.signing_in import LINK_VALID, SESSION_VALID, find_session, make_link, sign_in
from testamur.text import account_address
from testamur.wallet import recipient_page
from testamur.wallet.recipient_page import CREDENTIALS_SHOWN
from testamur.worker.schedules import clean_up
from testamur.worker.work import work_off

HERE = {"Origin": "http://testserver"}


@pytest.fixture
def issue(client):
    """An issued credential of a tenant."""

    def call(tenant, name="Financial Markets", address="ada@example.com", **more):
        body = {"name": name, "designIds": more.pop("designs", [tenant.certificate_id])}
        group = client.post("/v1/groups", headers=tenant.headers, json=body).json()
        body = {"groupId": group["id"], "recipient": {"name": "Ada Lovelace", "email": address}, **more}
        draft = client.post("/v1/credentials", headers=tenant.headers, json=body).json()
        answer = client.post(f"/v1/credentials/{draft['id']}/issue", headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


def ask(client, address, **headers):
    return client.post("/my", data={"email": address}, headers={**HERE, **headers})


def mails(platform):
    work_off(platform)
    files = (platform.settings.data_dir / "mails").glob("*.eml")
    return [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]


def link_in(message):
    plain = message.get_body(("plain",)).get_content()
    return re.search(r"^http://testserver(/my/sign-in\?token=\S+)\s", plain, re.MULTILINE)[1]


def press(client, link, **headers):
    token = link.partition("token=")[2]
    return client.post("/my/sign-in", data={"token": token}, headers={**HERE, **headers}, follow_redirects=False)


@pytest.fixture
def signed_in(client, platform):
    """The client, signed in with an address without a mail."""

    def call(address="ada@example.com"):
        with platform.database.write() as tx:
            link = make_link(tx, address, at=now())
        assert press(client, f"token={link.token}").status_code == 303
        return client

    return call


def rows(platform, statement):
    with platform.database.read() as tx:
        return tx.execute(text(statement)).all()


def shown(page):
    return names_in(page.text)


def names_in(text):
    return re.findall(r"<h2><a [^>]*><bdi>(.*?)</bdi>", text)


def test_a_recipient_signs_in_by_mail_and_sees_credentials_of_all_workspaces(
    client, issue, platform, tenant, other_tenant
):
    first = issue(tenant, "Financial Markets", issueDate="2026-01-10")
    second = issue(other_tenant, "Sailing", "Ada@Example.COM", issueDate="2026-02-10")
    issue(other_tenant, "Not Hers", "eve@example.com")
    asked = ask(client, " ADA@example.com ")
    assert asked.status_code == 200
    assert "ADA@example.com" in asked.text
    (message,) = mails(platform)
    assert message["to"].addresses[0].addr_spec == "Ada@Example.COM"
    assert message["from"].addresses[0].display_name == "testserver"
    link = link_in(message)
    for _ in range(3):
        confirm = client.get(link)
        assert confirm.status_code == 200
        assert "ada@example.com" in confirm.text
    answer = press(client, link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/my/credentials")
    page = client.get("/my/credentials")
    assert shown(page) == ["Sailing", "Financial Markets"]
    assert "2 credentials" in page.text
    for made in (first, second):
        assert f"http://testserver/credentials/{made['publicId']}?recipient=true" in page.text
    for part in ("Meridian Institute", "Rival Institute", "Ada Lovelace", 'datetime="2026-02-10"'):
        assert part in page.text
    pictures = re.findall(r'<img class="certificate" src="http://testserver([^"]+)"', page.text)
    assert len(pictures) == 2
    for picture in pictures:
        assert client.get(picture).headers["content-type"] == "image/png"
    assert (page.headers["cache-control"], page.headers["x-robots-tag"]) == ("no-store", "noindex")
    assert client.get("/my", follow_redirects=False).headers["location"] == "/my/credentials"


def test_known_and_unknown_addresses_are_answered_and_worked_on_alike(client, issue, platform, tenant, api, group):
    issue(tenant)
    body = {"groupId": group["id"], "recipient": {"name": "Dora", "email": "draft@example.com"}}
    api("POST", "/credentials", body, status=201)
    answers = {}
    for address in ("ada@example.com", "nobody@example.com", "draft@example.com"):
        answer = ask(client, address)
        answers[address] = (answer.status_code, answer.text.replace(address, "ADDRESS"), len(answer.headers))
        queued = "SELECT kind, state, workspace_id FROM emails WHERE to_address = "
        assert rows(platform, f"{queued}'{address}'") == [("sign_in", "queued", None)]
    assert len(set(answers.values())) == 1
    assert [str(message["to"]) for message in mails(platform)] == ["ada@example.com"]
    assert rows(platform, "SELECT to_address, state FROM emails") == [("ada@example.com", "sent")]
    assert len(rows(platform, "SELECT address FROM sign_in_links")) == 1


def test_a_link_works_once_and_its_secrets_are_nowhere(client, issue, platform, tenant):
    issue(tenant)
    ask(client, "ada@example.com")
    link = link_in(mails(platform)[0])
    assert press(client, link).status_code == 303
    again = press(client, link)
    assert again.status_code == 410
    assert "used already" in again.text
    assert client.get(link).status_code == 410
    stored = repr(rows(platform, "SELECT * FROM recipient_sessions") + rows(platform, "SELECT * FROM emails"))
    assert client.cookies["recipient"] not in stored
    assert link.partition("token=")[2] not in stored


def test_a_link_that_is_wrong_or_too_old_signs_nobody_in(client, issue, platform, tenant):
    issue(tenant)
    with platform.database.write() as tx:
        old = make_link(tx, "ada@example.com", at=now() - LINK_VALID)
        fresh = make_link(tx, "ada@example.com", at=now() - LINK_VALID + timedelta(minutes=1))
    for token in (old.token, "", "wrong", "x" * 3000, "\x00", "é😀", fresh.token[:-1]):
        assert client.get("/my/sign-in", params={"token": token}).status_code == 410
        assert press(client, f"token={token}").status_code in {400, 410}
    assert client.get("/my/sign-in").status_code == 410
    assert client.post("/my/sign-in", headers=HERE).status_code == 410
    assert "recipient" not in client.cookies
    assert press(client, f"token={fresh.token}").status_code == 303


def test_nobody_is_signed_in_without_a_session_in_force(client, issue, platform, tenant):
    issue(tenant)
    with platform.database.write() as tx:
        link = make_link(tx, "ada@example.com", at=now() - SESSION_VALID)
        over = sign_in(tx, link.token, at=now() - SESSION_VALID)
        assert find_session(tx, over, at=now() - timedelta(minutes=1)) == "ada@example.com"
        assert find_session(tx, over, at=now()) is None
    for secret in (None, "wrong", over):
        headers = {} if secret is None else {"Cookie": f"recipient={secret}"}
        answer = client.get("/my/credentials", headers=headers, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/my")
        assert client.get("/my", headers=headers, follow_redirects=False).status_code == 200


def test_signing_out_ends_the_session_and_no_other(client, issue, platform, tenant, signed_in):
    issue(tenant)
    secret = signed_in().cookies["recipient"]
    with platform.database.write() as tx:
        other = sign_in(tx, make_link(tx, "ada@example.com", at=now()).token, at=now())
    answer = client.post("/my/sign-out", headers=HERE, follow_redirects=False)
    assert answer.headers["location"] == "/my"
    assert "recipient" not in client.cookies
    for kept, status in ((secret, 303), (other, 200)):
        headers = {"Cookie": f"recipient={kept}"}
        assert client.get("/my/credentials", headers=headers, follow_redirects=False).status_code == status
    assert client.post("/my/sign-out", headers=HERE, follow_redirects=False).status_code == 303


def test_the_cookie_is_for_this_host_and_no_script(client, issue, platform, tenant):
    issue(tenant)
    secure = dataclasses.replace(
        platform, settings=dataclasses.replace(platform.settings, base_url="https://c.example")
    )
    for served, base_url, expected in (
        (platform, "http://testserver", {"HttpOnly", "SameSite=lax", "Path=/"}),
        (secure, "https://c.example", {"HttpOnly", "SameSite=lax", "Path=/", "Secure"}),
    ):
        with platform.database.write() as tx:
            link = make_link(tx, "ada@example.com", at=now())
        visitor = TestClient(create_app(served), base_url=base_url)
        answer = press(visitor, f"token={link.token}", Origin=base_url)
        name, *attributes = answer.headers["set-cookie"].split("; ")
        assert expected | {f"Max-Age={30 * 24 * 3600}"} == set(attributes)
        assert name.startswith("__Host-recipient=" if "Secure" in expected else "recipient=")
        assert shown(visitor.get("/my/credentials")) == ["Financial Markets"]


@on_one_database
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://testserver.evil.example", "testserver"])
def test_a_form_of_another_site_does_nothing(client, issue, platform, tenant, signed_in, origin):
    issue(tenant)
    signed_in()
    with platform.database.write() as tx:
        link = make_link(tx, "ada@example.com", at=now())
    for path, data in (
        ("/my", {"email": "ada@example.com"}),
        ("/my/sign-in", {"token": link.token}),
        ("/my/sign-out", {}),
    ):
        answer = client.post(path, data=data, headers={"Origin": origin}, follow_redirects=False)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert rows(platform, "SELECT id FROM emails") == []
    assert client.get("/my/credentials", follow_redirects=False).status_code == 200
    assert press(client, f"token={link.token}").status_code == 303


@on_one_database
def test_a_form_without_origin_is_refused_and_one_at_another_name_of_this_server_is_not(client):
    assert client.post("/my", data={"email": "ada@example.com"}).status_code == 403
    assert ask(client, "ada@example.com", Origin="http://127.0.0.1", Host="127.0.0.1").status_code == 200


@on_one_database
def test_what_is_no_address_is_told_with_the_field(client, platform):
    for address in ("", "ada", "ada@", "a b@example.com", "x" * 300 + "@example.com", "a\x00@example.com"):
        answer = ask(client, address)
        assert answer.status_code == 400
        assert 'aria-describedby="email-fault"' in answer.text
    assert "&lt;b&gt;" in ask(client, "<b>").text
    for content in (b"\xff\xfe", b"&".join(b"a=1" for _ in range(100))):
        assert client.post("/my", content=content, headers=HERE).status_code == 400
    assert client.post("/my", content=b"email=" + b"x" * 5000, headers=HERE).status_code == 413
    assert rows(platform, "SELECT id FROM emails") == []


def test_a_link_can_be_asked_for_some_times_only(client, issue, tenant, platform, monkeypatch):
    issue(tenant)
    for address in ("ada@example.com", "nobody@example.com"):
        assert [ask(client, address).status_code for _ in range(6)] == [200] * 5 + [429]
    assert ask(client, "ADA@example.com").headers["retry-after"].isdigit()
    assert len(rows(platform, "SELECT id FROM emails")) == 10
    monkeypatch.setattr(recipient_page, "CLIENT_RATE", "3/hour")
    app = create_app(platform)
    found = []
    for host, number in (
        ("2001:db8::1", 1),
        ("2001:db8::ffff", 2),
        ("10.0.0.1", 3),
        ("2001:db8::2", 4),
        ("2001:db8::3", 5),
    ):
        visitor = TestClient(app, client=(host, 50_000))
        found.append(ask(visitor, f"person{number}@example.com").status_code)
    assert found == [200, 200, 200, 200, 429]


def test_only_credentials_in_the_world_are_listed(client, issue, tenant, api, group, signed_in):
    issue(tenant, "In Force", expiryDate="2999-01-01")
    issue(tenant, "Lapsed", issueDate="2019-01-01", expiryDate="2020-01-01")
    withdrawn, deleted = issue(tenant, "Withdrawn"), issue(tenant, "Deleted")
    api("POST", f"/credentials/{withdrawn['id']}/revoke", {"reason": "A mistake"})
    api("DELETE", f"/credentials/{deleted['id']}", status=204)
    api(
        "POST",
        "/credentials",
        {"groupId": group["id"], "recipient": {"name": "A", "email": "ada@example.com"}},
        status=201,
    )
    page = signed_in().get("/my/credentials")
    assert sorted(shown(page)) == ["In Force", "Lapsed", "Withdrawn"]
    by_name = {name: part for part in page.text.split('<li class="award">') for name in names_in(part)}
    assert "status expired" not in by_name["In Force"]
    assert "</span> Expired</p>" in by_name["Lapsed"]
    assert "</span> Revoked</p>" in by_name["Withdrawn"]
    api("DELETE", f"/credentials/{withdrawn['id']}", status=204)
    assert "Withdrawn" not in shown(client.get("/my/credentials"))


def test_a_list_that_becomes_empty_says_so(client, issue, tenant, api, signed_in):
    made = issue(tenant)
    signed_in()
    api("PATCH", f"/credentials/{made['id']}", {"recipient": {"name": "Ada", "email": "new@example.com"}})
    page = client.get("/my/credentials")
    assert shown(page) == []
    assert "There are none for this address now" in page.text
    assert shown(signed_in("new@example.com").get("/my/credentials")) == ["Financial Markets"]


def test_a_long_list_is_turned_over_page_by_page(client, api, group, signed_in):
    for number in range(CREDENTIALS_SHOWN * 2 + 1):
        body = {"groupId": group["id"], "recipient": {"name": f"N{number:02}", "email": "ada@example.com"}}
        api("POST", "/credentials/create-issue-send", body, status=201)
    signed_in()
    path, seen = "/my/credentials", []
    while path:
        page = client.get(path)
        seen.append(re.findall(r"Awarded to <bdi>(.*?)</bdi>", page.text))
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = older and older[1]
    assert [len(names) for names in seen] == [CREDENTIALS_SHOWN, CREDENTIALS_SHOWN, 1]
    assert [name for names in seen for name in names] == [
        f"N{number:02}" for number in reversed(range(CREDENTIALS_SHOWN * 2 + 1))
    ]
    newer = re.search(r'rel="prev" href="([^"]+)"', page.text)[1]
    assert re.findall(r"Awarded to <bdi>(.*?)</bdi>", client.get(newer).text) == seen[1]
    assert client.get("/my/credentials?cursor=nonsense").status_code == 400


def test_an_address_that_only_folds_alike_is_somebody_else(client, issue, platform, tenant, other_tenant, signed_in):
    issue(tenant, "Hers", "ada@strasse.example")
    issue(other_tenant, "Another's", "ada@straße.example")
    issue(other_tenant, "Kelvin's", "\u212aate@example.com")
    issue(tenant, "Kate's", "kate@example.com")
    assert shown(signed_in("ada@straße.example").get("/my/credentials")) == ["Another&#39;s"]
    assert shown(signed_in("ada@strasse.example").get("/my/credentials")) == ["Hers"]
    assert shown(signed_in("KATE@example.com").get("/my/credentials")) == ["Kate&#39;s"]
    assert account_address("ADA@Example.COM ") == "ada@example.com"


def test_a_pinned_credential_is_listed_as_it_was_issued(client, issue, tenant, api, signed_in):
    made = issue(tenant, "Old Name", designs=[tenant.badge_id, tenant.certificate_id])
    api("PATCH", f"/groups/{made['groupId']}/settings", {"designPolicy": "pinned"})
    body = {"groupId": made["groupId"], "recipient": {"name": "Pinned", "email": "ada@example.com"}}
    api("POST", "/credentials/create-issue-send", body, status=201)
    api("PATCH", f"/groups/{made['groupId']}", {"name": "New Name"})
    page = signed_in().get("/my/credentials")
    assert sorted(shown(page)) == ["New Name", "Old Name"]
    assert page.text.count('class="badge"') == 2


def test_time_takes_away_links_sessions_and_who_asked(client, issue, platform, tenant):
    issue(tenant)
    ask(client, "ada@example.com")
    mails(platform)
    with platform.database.write() as tx:
        sign_in(tx, make_link(tx, "ada@example.com", at=now()).token, at=now())
    tables = ("emails", "sign_in_links", "recipient_sessions")

    def left():
        return [len(rows(platform, f"SELECT * FROM {table}")) for table in tables]

    assert left() == [1, 1, 1]
    for later, expected in (
        (timedelta(minutes=29), [1, 1, 1]),
        (timedelta(minutes=31), [1, 0, 1]),
        (timedelta(hours=25), [0, 0, 1]),
        (timedelta(days=30, minutes=1), [0, 0, 0]),
    ):
        clean_up(platform, now() + later)
        assert left() == expected


def test_a_mail_that_was_kept_back_too_long_is_not_sent(client, issue, platform, tenant):
    issue(tenant)
    ask(client, "ada@example.com")
    with platform.database.write() as tx:
        tx.execute(update(emails).values(created_at=now() - timedelta(hours=2)))
    assert mails(platform) == []
    assert rows(platform, "SELECT id FROM emails") == []
    assert rows(platform, "SELECT address FROM sign_in_links") == []


def test_a_refused_sign_in_mail_changes_no_credential(issue, client, platform, tenant, api):
    made = issue(tenant, address="zoë@example.com")
    settings = dataclasses.replace(platform.settings, smtp_url="smtp://127.0.0.1:1")
    ask(client, "zoë@example.com")
    work_off(dataclasses.replace(platform, settings=settings))
    assert rows(platform, "SELECT state, attempts FROM emails") == [("queued", 1)]
    assert api("GET", f"/credentials/{made['id']}/state")["delivery"] == "not_sent"


def test_the_page_of_a_credential_leads_to_all(client, issue, tenant):
    made = issue(tenant)
    assert '<a href="/my">' in client.get(f"/credentials/{made['publicId']}").text
    page = client.get("/my")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert '<meta name="robots" content="noindex">' in page.text
