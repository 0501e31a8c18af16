"""Signing in by the pages: a password, a code, a forgotten password, an invitation; in a browser also a passkey."""

import email
import re
import threading
import time
from base64 import b32decode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.policy import default

import anyio
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from people import PASSWORD
from sqlalchemy import update
from starlette.testclient import TestClient

from testamur.accounts.inviting import invite
from testamur.accounts.queries import find_account, get_membership, list_memberships
from testamur.accounts.sessions import find_session, list_sessions
from testamur.accounts.tables import account_sessions
from testamur.app import create_app
from testamur.clock import now
from testamur.web import sign_in_guard
from testamur.worker.work import work_off

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

HERE = {"Origin": "http://testserver"}


def post(client, path, **fields):
    return client.post(path, data=fields, headers=HERE, follow_redirects=False)


def code_of(secret, steps=0):
    return TOTP(b32decode(secret), 6, SHA1(), 30).generate(int(now().timestamp()) + 30 * steps).decode()


def mails(platform):
    work_off(platform)
    files = sorted((platform.settings.data_dir / "mails").glob("*.eml"))
    return [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]


def link_in(message):
    plain = message.get_body(("plain",)).get_content()
    return re.search(r"http://[^/\s]+(/\S+\?token=\S+)", plain)[1]


def test_each_signing_in_begins_another_session_and_ends_the_one_of_this_browser(client, owner, platform):
    client.cookies.set("session", "chosen-by-somebody-else")
    first = post(client, "/sign-in", email=owner.email.upper(), password=PASSWORD)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "samesite=lax" in first.headers["set-cookie"].lower()
    secrets = [client.cookies.get("session", domain="testserver.local")]
    client.cookies.set("session", secrets[0])
    post(client, "/sign-in", email=owner.email, password=PASSWORD)
    with platform.database.read() as tx:
        assert find_session(tx, secrets[0], at=now()) is None
        assert len(list_sessions(tx, owner.account_id, at=now())) == 2


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(client, owner):
    texts = set()
    for address in (owner.email, "nobody@example.com"):
        answer = post(client, "/sign-in", email=address, password="not this one at all")
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers
        texts.add(answer.text.replace(address, "ADDRESS"))
    assert len(texts) == 1


def test_after_ten_failures_an_address_waits_and_others_do_not(client, owner, person, tenant):
    other = person(tenant, "viewer")
    for _ in range(10):
        assert post(client, "/sign-in", email=owner.email.upper(), password="wrong").status_code == 422
    answer = post(client, "/sign-in", email=owner.email, password=PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30 * 60
    assert "Too many attempts failed" in answer.text
    assert "set-cookie" not in answer.headers
    for _ in range(12):
        assert post(client, "/sign-in", email=other.email, password=PASSWORD).status_code == 303
        client.cookies.clear()


def test_whoever_tries_one_password_with_many_addresses_waits(client, owner):
    for number in range(30):
        assert post(client, "/sign-in", email=f"a{number}@example.com", password="wrong").status_code == 422
    assert post(client, "/sign-in", email=owner.email, password=PASSWORD).status_code == 429


def test_passwords_are_hashed_a_few_at_once_and_never_on_the_event_loop(platform, owner):
    loop_threads, seen, at_once = set(), [], []

    def work():
        at_once.append(1)
        seen.append((threading.get_ident(), len(at_once)))
        time.sleep(0.05)
        at_once.pop()

    async def many():
        loop_threads.add(threading.get_ident())
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(platform.sign_in_guard.hash, work)

    # Not in this thread, in which the tests with a browser keep a loop running.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, many).result()
    assert len(seen) == 8
    assert not loop_threads & {thread for thread, _ in seen}
    assert max(count for _, count in seen) <= sign_in_guard.HASHES_AT_ONCE


def test_a_code_is_asked_for_and_there_is_no_session_without_it(client, owner, second_factor, platform):
    secret, codes = second_factor(owner)
    answer = post(client, "/sign-in", email=owner.email, password=PASSWORD, next="/w/meridian?period=7")
    assert answer.headers["location"] == "/sign-in/code?next=%2Fw%2Fmeridian%3Fperiod%3D7"
    assert "session=" not in answer.headers["set-cookie"].replace("second-step=", "")
    assert client.get("/w/meridian", follow_redirects=False).status_code == 303
    assert 'name="next" value="/w/meridian?period=7"' in client.get(answer.headers["location"]).text
    wrong = post(client, "/sign-in/code", code="000000", next="/w/meridian")
    assert wrong.status_code == 422
    assert "not the code that the app shows" in wrong.text
    right = post(client, "/sign-in/code", code=code_of(secret), next="/w/meridian?period=7")
    assert (right.status_code, right.headers["location"]) == (303, "/w/meridian?period=7")
    assert client.get("/w/meridian").status_code == 200
    again = post(client, "/sign-in/code", code=code_of(secret, 1))
    assert again.headers["location"] == "/sign-in"
    client.cookies.clear()
    post(client, "/sign-in", email=owner.email, password=PASSWORD)
    assert post(client, "/sign-in/code", code=codes[0]).headers["location"] == "/"


def test_too_many_codes_lead_back_to_the_password_and_count_against_the_address(client, owner, second_factor):
    secret, _ = second_factor(owner)
    for _ in range(2):
        post(client, "/sign-in", email=owner.email, password=PASSWORD)
        for _ in range(4):
            assert post(client, "/sign-in/code", code="000000").status_code == 422
        assert post(client, "/sign-in/code", code="000000").headers["location"] == "/sign-in"
        assert post(client, "/sign-in/code", code=code_of(secret)).headers["location"] == "/sign-in"
    assert post(client, "/sign-in", email=owner.email, password=PASSWORD).status_code == 429


def test_without_a_second_step_there_is_no_page_for_codes(client):
    assert client.get("/sign-in/code", follow_redirects=False).headers["location"] == "/sign-in"
    assert post(client, "/sign-in/code", code="000000").headers["location"] == "/sign-in"


def test_a_forgotten_password_is_replaced_by_mail(client, owner, platform):
    pages = []
    for address in (owner.email, "nobody@example.com"):
        page = post(client, "/forgotten-password", email=address)
        assert page.status_code == 200
        pages.append(page.text.replace(address, "ADDRESS"))
    assert pages[0] == pages[1]
    (message,) = mails(platform)
    link = link_in(message)
    token = link.partition("token=")[2]
    for _ in range(2):
        assert owner.email in client.get(link).text
    new = "eleven quiet lanterns drift"
    refused = post(client, "/new-password", token=token, password="password123", repeated="password123")
    assert refused.status_code == 422
    assert "easy to guess" in refused.text
    refused = post(client, "/new-password", token=token, password=new, repeated=new + "x")
    assert "Is not the same password" in refused.text
    done = post(client, "/new-password", token=token, password=new, repeated=new)
    assert done.headers["location"] == "/sign-in"
    assert post(client, "/new-password", token=token, password=new, repeated=new).status_code == 410
    assert client.get(link).status_code == 410
    with platform.database.read() as tx:
        assert find_session(tx, owner.session, at=now()) is None
    assert post(client, "/sign-in", email=owner.email, password=PASSWORD).status_code == 422
    assert post(client, "/sign-in", email=owner.email, password=new).status_code == 303


def test_an_address_is_not_flooded_with_links(client, owner, platform):
    assert "e-mail address" in post(client, "/forgotten-password", email="nonsense").text
    answers = [post(client, "/forgotten-password", email=owner.email).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert len(mails(platform)) == 5


@pytest.fixture
def invited(platform, owner):
    """Somebody is invited by the owner: the link in the mail."""

    def call(address, role="designer"):
        with platform.database.write() as tx:
            member = get_membership(tx, owner.workspace_id, owner.account_id)
            invite(tx, member, email=address, role=role, at=now())
        return link_in([message for message in mails(platform) if message["to"].addresses[0].addr_spec == address][-1])

    return call


def test_an_invited_stranger_makes_an_account_and_is_in(client, invited, platform):
    link = invited("new@example.com")
    token = link.partition("token=")[2]
    page = client.get(link)
    assert "Meridian Institute" in page.text
    assert 'value="new@example.com"' in page.text
    fields = {"token": token, "name": "Nadia New", "password": "nine violet kettles hum"}
    for wrong in ({"repeated": "other"}, {"password": "short", "repeated": "short"}, {"name": " "}):
        answer = post(client, "/invitation", **{**fields, "repeated": fields["password"], **wrong})
        assert answer.status_code == 422, wrong
    # An address that is sent along changes nothing: the invited one counts.
    joined = post(client, "/invitation", **fields, repeated=fields["password"], email="evil@example.com")
    assert (joined.status_code, joined.headers["location"]) == (303, "/w/meridian")
    assert "Nadia New" in client.get("/w/meridian/team").text
    assert client.get("/w/meridian/developers", follow_redirects=False).status_code in {403, 404}
    assert client.get(link).status_code == 410
    assert post(client, "/invitation", **fields, repeated=fields["password"]).status_code == 410


def test_an_invited_person_with_an_account_signs_in_and_joins(client, invited, platform, person, other_tenant, staff):
    person(other_tenant, "viewer", "bob@example.com")
    link = invited("bob@example.com")
    token = link.partition("token=")[2]
    page = client.get(link)
    target = re.search(r'href="(/sign-in\?next=[^"]+)"', page.text)[1]
    # The link alone opens no account that is there already.
    answer = post(client, "/invitation", token=token, name="x", password="nine violet kettles hum", repeated="nine violet kettles hum")  # fmt: skip
    assert "set-cookie" not in answer.headers
    assert f'value="/invitation?token={token}"' in client.get(target).text
    signed = post(client, "/sign-in", email="bob@example.com", password=PASSWORD, next=f"/invitation?token={token}")
    assert signed.headers["location"] == link
    assert "/invitation/accept" in client.get(link).text
    assert post(client, "/invitation/accept", token=token).headers["location"] == "/w/meridian"
    with platform.database.read() as tx:
        places = list_memberships(tx, find_account(tx, "bob@example.com").id)
    assert {place.workspace.slug: place.role for place in places} == {"meridian": "designer", "rival": "viewer"}


def test_an_invitation_is_of_no_use_to_somebody_else(client, invited, person, other_tenant, staff):
    eve = staff(person(other_tenant, "owner", "eve@example.com"))
    link = invited("new@example.com")
    page = eve.get(link)
    assert "you are signed in as eve@example.com" in page.text
    assert "/invitation/accept" not in page.text
    assert "signed in as" in eve.post("/invitation/accept", {"token": link.partition("token=")[2]}).text
    assert eve.get("/w/meridian/team").status_code == 404


def test_passkeys_are_offered_where_browsers_have_them(client, platform):
    assert "data-passkey" not in client.get("/sign-in").text
    object.__setattr__(platform.settings, "base_url", "http://127.0.0.1:8000")
    with TestClient(create_app(platform), base_url="http://localhost:8000") as at_name:
        assert "data-passkey" in at_name.get("/sign-in").text
        asked = at_name.post("/sign-in/passkey-request", headers={"Origin": "http://localhost:8000"})
        assert asked.json()["rpId"] == "localhost"
    with TestClient(create_app(platform), base_url="http://127.0.0.1:8000") as at_address:
        assert "data-passkey" not in at_address.get("/sign-in").text


def test_nonsense_for_a_passkey_signs_nobody_in(client, owner, platform):
    object.__setattr__(platform.settings, "base_url", "http://localhost:8000")
    for answer in ("", "{}", "[]", '{"rawId": 5}', "x" * 1000):
        refused = post(client, "/sign-in/passkey", answer=answer)
        assert refused.status_code == 422
        assert "set-cookie" not in refused.headers


def virtual_authenticator(page):
    """A device of Chromium's own, with a finger that is always there."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    return session, session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def test_a_passkey_is_made_and_signs_in(browse, owner, accessible, platform):
    page = browse(owner)
    session, device = virtual_authenticator(page)
    page.goto("/account")
    accessible(page)
    page.get_by_label("Name of the passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("The passkey is made").wait_for()
    assert page.get_by_text("My laptop").is_visible()
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.wait_for_url("**/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/w/meridian")
    # Somebody whose session is old proves with it who they are, before the passkey may be taken away.
    with platform.database.write() as tx:
        tx.execute(update(account_sessions).values(confirmed_at=now() - timedelta(hours=1)))
    page.goto("/account")
    assert page.get_by_role("button", name="Remove My laptop").count() == 0
    page.get_by_role("link", name="Confirm that it is you").click()
    accessible(page)
    page.get_by_role("button", name="Confirm with a passkey").click()
    page.get_by_role("button", name="Remove My laptop").click()
    page.get_by_text("The passkey is removed").wait_for()
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.wait_for_url("**/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("not known here").wait_for()
    # Who cancels is told so, and may try once more.
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device})
    session.send("WebAuthn.disable")


def test_a_code_is_typed_after_the_password(browse, owner, second_factor, accessible):
    secret, _ = second_factor(owner)
    page = browse()
    page.goto("/sign-in")
    accessible(page)
    page.keyboard.type(owner.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code*")
    accessible(page)
    page.keyboard.type("123")
    page.keyboard.press("Enter")
    page.get_by_text("not the code that the app shows").wait_for()
    accessible(page)
    page.keyboard.press("Control+A")
    page.keyboard.type(code_of(secret))
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/meridian")


def test_a_stranger_joins_with_the_keyboard_on_a_phone(browse, invited, accessible):
    page = browse(narrow=True, dark=True)
    page.goto(invited("new@example.com"))
    accessible(page)
    page.keyboard.type("Nadia")
    for text in ("nine violet kettles hum", "nine violet kettles hum"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/meridian")
    assert page.get_by_text("Welcome to Meridian Institute").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
