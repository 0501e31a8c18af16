"""Passkeys: a device that answers what was asked signs in, once, and nothing else does."""

import copy
from datetime import timedelta

import pytest
from authenticator import Authenticator
from databases import on_one_database
from fido2.utils import websafe_encode
from sqlalchemy import select

from testamur.accounts.passkeys import (
    CHALLENGE_VALID,
    PASSKEYS_MAX,
    begin_passkey_sign_in,
    begin_registration,
    forget_challenges,
    list_passkeys,
    register_passkey,
    relying_party,
    remove_passkey,
    sign_in_by_passkey,
)
from testamur.accounts.queries import get_account
from testamur.accounts.sessions import find_session
from testamur.accounts.tables import accounts, passkey_challenges
from testamur.clock import now
from testamur.errors import Conflict, Invalid, NotFound

PARTY = relying_party("https://testserver.example")
BROWSER = {"user_agent": "Browser", "client": "203.0.113.7"}


@pytest.fixture
def register(platform):
    def call(account, device, name="My phone", at=None, **changes):
        with platform.database.write() as tx:
            options = begin_registration(tx, PARTY, account, at=at or now())
        answer = device.create({**options, **changes})
        with platform.database.write() as tx:
            return register_passkey(tx, PARTY, account.id, answer, name=name, at=now())

    return call


@pytest.fixture
def ask(platform):
    def call(at=None):
        with platform.database.write() as tx:
            return begin_passkey_sign_in(tx, PARTY, at=at or now())

    return call


@pytest.fixture
def answer(platform):
    """Whose session the answer begins, "code" if a code is needed, or None."""

    def call(given, at=None):
        with platform.database.write() as tx:
            begun = sign_in_by_passkey(tx, PARTY, given, **BROWSER, at=at or now())
            if begun is None:
                return None
            return "code" if begun.needs_code else find_session(tx, begun.secret, at=at or now()).account.id

    return call


@on_one_database
@pytest.mark.parametrize(
    "base_url, origin",
    [
        ("https://credentials.example.org", "https://credentials.example.org"),
        ("https://Credentials.Example.org:8443/under", "https://credentials.example.org:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://app.localhost", "http://app.localhost"),
        ("http://credentials.example.org", None),
        ("https://192.0.2.7", None),
        ("http://192.168.0.2:8000", None),
    ],
)
def test_who_may_have_passkeys(base_url, origin, database_kind):
    party = relying_party(base_url)
    assert (party and party.origin) == origin


def test_a_passkey_signs_in_without_a_name_or_a_password(platform, person, register, ask, answer):
    ada, eve = person("ada@example.com"), person("eve@example.com")
    phone, other = Authenticator(), Authenticator(number=2)
    made = register(ada, phone)
    register(eve, other)
    assert answer(phone.get(ask())) == ada.id
    assert answer(other.get(ask())) == eve.id
    with platform.database.read() as tx:
        (passkey,) = list_passkeys(tx, ada.id)
    assert (passkey.id, passkey.name) == (made.id, "My phone")
    assert passkey.last_used_at is not None


def test_what_the_browser_is_asked_names_the_account_and_what_it_has_already(platform, person, register, ask):
    ada = person("ada@example.com")
    phone = Authenticator()
    register(ada, phone)
    with platform.database.write() as tx:
        options = begin_registration(tx, PARTY, ada, at=now())
    assert options["rp"] == {"id": "testserver.example", "name": "testserver.example"}
    assert (options["user"]["name"], options["user"]["displayName"]) == ("ada@example.com", "Ada")
    assert [item["id"] for item in options["excludeCredentials"]] == [websafe_encode(phone.id)]
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert {item["alg"] for item in options["pubKeyCredParams"]} == {-7, -8, -257}
    assert "allowCredentials" not in ask()


def test_an_answer_works_once_and_only_to_what_was_asked_lately(person, register, ask, answer):
    ada = person("ada@example.com")
    phone = Authenticator(count=None)
    register(ada, phone)
    asked = ask()
    given = phone.get(asked)
    assert answer(given) == ada.id
    assert answer(given) is None
    assert answer(phone.get(asked)) is None
    assert answer(phone.get({**asked, "challenge": websafe_encode(bytes(32))})) is None
    old = ask(now() - CHALLENGE_VALID)
    assert answer(phone.get(old)) is None
    assert answer(phone.get(ask())) == ada.id


def test_what_is_not_right_signs_nobody_in(platform, person, register, ask, answer):
    ada, eve = person("ada@example.com"), person("eve@example.com")
    phone = Authenticator(count=None)
    register(ada, phone)
    elsewhere = copy.copy(phone)
    elsewhere.origin = "https://testserver.example.evil.com"
    forged, unknown, another = copy.copy(phone), Authenticator(number=3), copy.copy(phone)
    forged.key = unknown.key
    another.handle = eve.id.encode()
    for device in (elsewhere, forged, unknown, another):
        assert answer(device.get(ask())) is None
    assert answer(phone.get({**ask(), "rpId": "evil.com"})) is None
    for nonsense in ({}, {"id": 5}, {"response": None}, {**phone.get(ask()), "response": {"clientDataJSON": "e30"}}):
        assert answer(nonsense) is None
    with platform.database.write() as tx:
        options = begin_registration(tx, PARTY, ada, at=now())
    # What was asked for a registration is not good for signing in.
    assert answer(phone.get({"rpId": PARTY.id, "challenge": options["challenge"]})) is None
    assert answer(phone.get(ask())) == ada.id


def test_a_copy_of_a_device_that_counts_is_noticed(person, register, ask, answer):
    ada = person("ada@example.com")
    device = Authenticator(count=5)
    register(ada, device)
    stolen = copy.copy(device)
    assert answer(device.get(ask())) == ada.id
    assert answer(stolen.get(ask())) is None
    assert answer(device.get(ask())) == ada.id


def test_a_device_that_did_not_ask_who_holds_it_is_one_factor_of_two(platform, person, register, ask, answer):
    ada = person("ada@example.com")
    bare, asking = Authenticator(is_verified=False), Authenticator(number=2)
    register(ada, bare)
    register(ada, asking)
    assert answer(bare.get(ask())) == ada.id
    with platform.database.write() as tx:
        tx.execute(accounts.update().values(has_second_factor=True))
    assert answer(bare.get(ask())) == "code"
    assert answer(asking.get(ask())) == ada.id


def test_a_registration_is_good_for_who_asked_and_once(platform, person, register, ask):
    ada, eve = person("ada@example.com"), person("eve@example.com")
    phone = Authenticator()
    with platform.database.write() as tx:
        given = phone.create(begin_registration(tx, PARTY, ada, at=now()))
    for account_id, wrong in ((eve.id, given), (ada.id, {}), (ada.id, {"response": {"attestationObject": "AA"}})):
        with platform.database.write() as tx, pytest.raises(Invalid):
            register_passkey(tx, PARTY, account_id, wrong, name="x", at=now())
    # What was asked for signing in is not good for registering.
    wrong = phone.create({**ask(), "user": {"id": "AA"}, "rp": {"id": PARTY.id}})
    with platform.database.write() as tx, pytest.raises(Invalid):
        register_passkey(tx, PARTY, ada.id, wrong, name="x", at=now())
    with pytest.raises(Invalid):
        register(ada, Authenticator("https://evil.com"))
    with pytest.raises(Invalid):
        register(ada, Authenticator(), at=now() - CHALLENGE_VALID)
    with pytest.raises(Invalid):
        register(ada, Authenticator(), name=" ")
    register(ada, phone)
    with pytest.raises(Conflict):
        register(eve, phone)


def test_passkeys_are_removed_by_their_owner_only(platform, person, register, ask, answer):
    ada, eve = person("ada@example.com"), person("eve@example.com", has_password=False)
    phone, theirs = Authenticator(), Authenticator(number=2)
    mine, only = register(ada, phone), register(eve, theirs)
    with platform.database.write() as tx:
        with pytest.raises(NotFound):
            remove_passkey(tx, ada, only.id)
        with pytest.raises(Conflict):
            remove_passkey(tx, get_account(tx, eve.id), only.id)
        remove_passkey(tx, ada, mine.id)
    assert answer(phone.get(ask())) is None
    assert answer(theirs.get(ask())) == eve.id


@on_one_database
def test_there_is_an_end_of_passkeys_and_of_what_was_asked(platform, person, register, ask):
    ada = person("ada@example.com")
    for number in range(PASSKEYS_MAX):
        register(ada, Authenticator(number=number))
    with pytest.raises(Conflict):
        register(ada, Authenticator(number=PASSKEYS_MAX))
    ask()
    with platform.database.write() as tx:
        for later, left in ((timedelta(0), 1), (CHALLENGE_VALID, 0)):
            forget_challenges(tx, at=now() + later)
            assert len(tx.execute(select(passkey_challenges)).all()) == left
