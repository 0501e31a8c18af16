"""What people change of their own account, and what they must prove before."""

import re
from base64 import b32decode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from people import PASSWORD
from sqlalchemy import select, update

from testamur.accounts.queries import get_account
from testamur.accounts.second_factor import count_recovery_codes
from testamur.accounts.sessions import begin_session, find_session, list_sessions
from testamur.accounts.signing_in import find_password
from testamur.accounts.tables import account_sessions, accounts
from testamur.clock import now
from testamur.delivery.tables import emails

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

NEW = "eleven quiet lanterns drift"
CONFIRMED = [
    ("GET", "/account/second-factor"),
    ("POST", "/account/email"),
    ("POST", "/account/password"),
    ("POST", "/account/second-factor"),
    ("POST", "/account/second-factor/confirm"),
    ("POST", "/account/second-factor/remove"),
    ("POST", "/account/recovery-codes"),
    ("POST", "/account/passkeys/request"),
    ("POST", "/account/passkeys"),
    ("POST", "/account/passkeys/01hzzzzzzzzzzzzzzzzzzzzzzz/remove"),
]


def age(platform, **time):
    """Everybody signed in that long ago."""
    with platform.database.write() as tx:
        tx.execute(update(account_sessions).values(confirmed_at=now() - timedelta(**time)))


def session_of(answer):
    return re.search(r"session=([^;]+)", answer.headers["set-cookie"])[1]


def code_of(secret, steps=0):
    return TOTP(b32decode(secret), 6, SHA1(), 30).generate(int(now().timestamp()) + 30 * steps).decode()


@pytest.fixture
def me(staff, owner):
    return staff(owner)


def test_profile(me, platform, owner):
    assert me.post("/account", {"name": "Ada", "language": "ar", "theme": "dark"}).status_code == 303
    page = me.get("/account")
    assert '<html lang="ar" dir="rtl" data-theme="dark"' in page.text
    for wrong in ({"name": " "}, {"name": "x", "theme": "blue"}, {"name": "x", "language": "xx"}):
        assert me.post("/account", wrong).status_code == 422
    assert me.post("/account", {"name": "Ada", "language": "", "theme": ""}).status_code == 303
    with platform.database.read() as tx:
        account = get_account(tx, owner.account_id)
    assert (account.name, account.language, account.theme) == ("Ada", None, None)


@pytest.mark.parametrize("method, path", CONFIRMED)
def test_nothing_that_decides_who_gets_in_is_changed_by_an_old_session(me, platform, owner, method, path):
    fields = {"email": "new@example.com", "password": NEW, "repeated": NEW, "code": "000000", "answer": "{}"}
    age(platform, minutes=16)
    with platform.database.read() as tx:
        before = tx.execute(select(accounts)).all()
    answer = me._send(method, path, data=fields if method == "POST" else None)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/confirm")
    with platform.database.read() as tx:
        assert tx.execute(select(accounts)).all() == before
        assert tx.execute(select(emails.c.id)).all() == []
    assert 'action="/account/password"' not in me.get("/account").text


def test_the_password_confirms_and_gives_the_session_another_secret(me, platform, owner):
    age(platform, hours=1)
    wrong = me.post("/account/confirm", {"password": "not this one"})
    assert wrong.status_code == 422
    assert "set-cookie" not in wrong.headers
    right = me.post("/account/confirm", {"password": PASSWORD})
    assert right.headers["location"] == "/account"
    with platform.database.read() as tx:
        assert find_session(tx, owner.session, at=now()) is None
        assert find_session(tx, session_of(right), at=now()).account.id == owner.account_id


def test_confirming_is_tried_ten_times_at_most(me, platform):
    age(platform, hours=1)
    for _ in range(10):
        assert "This is not your password" in me.post("/account/confirm", {"password": "wrong"}).text
    assert "Too many attempts" in me.post("/account/confirm", {"password": PASSWORD}).text


def test_another_password_signs_all_others_out(me, platform, owner):
    with platform.database.write() as tx:
        other = begin_session(tx, owner.account_id, user_agent="", client="", at=now())
    for wrong in ({"password": "short", "repeated": "short"}, {"password": NEW, "repeated": "other"},
                  {"password": owner.email, "repeated": owner.email}):  # fmt: skip
        assert me.post("/account/password", wrong).status_code == 422
    done = me.post("/account/password", {"password": NEW, "repeated": NEW})
    assert done.headers["location"] == "/account"
    with platform.database.read() as tx:
        assert find_password(tx, owner.email).is_right(NEW)
        assert find_session(tx, other, at=now()) is None
        assert find_session(tx, owner.session, at=now()) is None
        assert find_session(tx, session_of(done), at=now())


def test_a_second_factor_is_set_up_asked_for_and_turned_off(me, platform, owner, staff):
    with platform.database.write() as tx:
        other = begin_session(tx, owner.account_id, user_agent="", client="", at=now())
    assert me.get("/account/second-factor").headers["location"] == "/account"
    assert me.post("/account/second-factor").headers["location"] == "/account/second-factor"
    page = me.get("/account/second-factor").text
    secret = re.search(r'id="secret" readonly value="([^"]+)"', page)[1].replace(" ", "")
    assert page.count("<svg xmlns") == 1
    assert secret not in me.get("/account").text
    assert me.post("/account/second-factor/confirm", {"code": "12"}).status_code == 422
    done = me.post("/account/second-factor/confirm", {"code": code_of(secret)})
    codes = re.findall(r"\b[0-9a-z]{4}(?:-[0-9a-z]{4}){3}\b", done.text)
    assert len(codes) == 10
    with platform.database.read() as tx:
        assert find_session(tx, other, at=now()) is None
        assert find_session(tx, owner.session, at=now()) is None
    object.__setattr__(owner, "session", session_of(done))
    assert "10 recovery codes are left" in me.get("/account").text
    assert me.post("/account/second-factor").headers["location"] == "/account"
    # Whoever proves again who they are needs the code as well.
    age(platform, hours=1)
    assert me.post("/account/confirm", {"password": PASSWORD}).status_code == 422
    assert me.post("/account/confirm", {"password": PASSWORD, "code": "000000"}).status_code == 422
    confirmed = me.post("/account/confirm", {"password": PASSWORD, "code": codes[0]})
    object.__setattr__(owner, "session", session_of(confirmed))
    assert "9 recovery codes are left" in me.get("/account").text
    again = re.findall(r"\b[0-9a-z]{4}(?:-[0-9a-z]{4}){3}\b", me.post("/account/recovery-codes").text)
    assert len(set(again) | set(codes)) == 20
    assert me.post("/account/second-factor/remove").headers["location"] == "/account"
    with platform.database.read() as tx:
        assert not get_account(tx, owner.account_id).has_second_factor
        assert count_recovery_codes(tx, owner.account_id) == 0


def test_a_new_address_is_asked_for_by_mail(me, platform, owner, client):
    assert me.post("/account/email", {"email": "no"}).status_code == 422
    assert me.post("/account/email", {"email": "new@example.com"}).headers["location"] == "/account"
    with platform.database.read() as tx:
        assert get_account(tx, owner.account_id).email == owner.email
        rows = tx.execute(select(emails.c.kind, emails.c.to_address)).all()
    assert rows == [("new_address", "new@example.com")]
    assert client.get("/new-address?token=x").status_code == 410
    answer = client.post("/new-address", data={"token": "x"}, headers={"Origin": "http://testserver"})
    assert answer.status_code == 410


def test_sessions_are_listed_and_ended_each_by_its_owner_only(me, platform, owner, person, tenant):
    other = person(tenant, "viewer")
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    with platform.database.write() as tx:
        secrets = [
            begin_session(tx, owner.account_id, user_agent=firefox, client="2001:db8::1", at=now()) for _ in "ab"
        ]
        first = find_session(tx, secrets[0], at=now()).session
        (theirs,) = list_sessions(tx, other.account_id, at=now())
    page = me.get("/account").text
    assert page.count("Firefox, Linux</strong>") == 2
    assert "2001:db8::1" in page
    assert theirs.id not in page
    me.post(f"/account/sessions/{theirs.id}/end")
    me.post(f"/account/sessions/{first.id}/end")
    with platform.database.read() as tx:
        assert find_session(tx, secrets[0], at=now()) is None
        assert find_session(tx, secrets[1], at=now())
    me.post("/account/sessions/end")
    with platform.database.read() as tx:
        assert len(list_sessions(tx, owner.account_id, at=now())) == 1
        assert find_session(tx, owner.session, at=now())
        assert find_session(tx, other.session, at=now())


def test_where_passkeys_cannot_work_the_page_says_so(me, platform, owner, client):
    assert "only where a server has a name and https" in me.get("/account").text
    object.__setattr__(platform.settings, "base_url", "http://127.0.0.1:8000")
    assert 'href="http://localhost:8000/account"' in me.get("/account").text


def test_workspaces_are_listed_and_made_by_who_may(me, staff, person, platform, tenant, other_tenant):
    page = me.get("/workspaces").text
    assert "Meridian Institute" in page
    assert "Rival" not in page
    made = me.post("/workspaces", {"name": "Night School", "time_zone": "Europe/Warsaw"})
    assert made.headers["location"] == "/w/night-school"
    assert me.get("/w/night-school").status_code == 200
    assert me.get("/").headers["location"] == "/workspaces"
    for wrong in ({"name": " ", "time_zone": "UTC"}, {"name": "X", "time_zone": "Mars"},
                  {"name": "Rival", "time_zone": "UTC"}, {"name": "Night School", "time_zone": "UTC"}):  # fmt: skip
        assert me.post("/workspaces", wrong).status_code == 422
    viewer = staff(person(tenant, "viewer"))
    assert 'action="/workspaces"' not in viewer.get("/workspaces").text
    assert viewer.post("/workspaces", {"name": "Mine", "time_zone": "UTC"}).headers["location"] == "/workspaces"
    assert viewer.get("/w/mine").status_code == 404


def test_the_account_is_usable_by_everybody(browse, owner, accessible, platform):
    page = browse(owner, narrow=True, dark=True)
    for path in ("/account", "/workspaces", "/w/meridian/team"):
        page.goto(path)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto("/account")
    page.get_by_role("button", name="Set up").click()
    page.wait_for_url("**/second-factor")
    accessible(page)
    page.get_by_text("The camera does not work?").click()
    secret = page.locator("#secret").input_value().replace(" ", "")
    page.get_by_label("Enter the code").fill(code_of(secret))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    accessible(page)
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Turn off").first.click()
    accessible(page)
    page.get_by_role("dialog").get_by_role("button", name="Turn off").click()
    page.get_by_text("No code is asked for any more").wait_for()
