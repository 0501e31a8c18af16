"""From a password to a session: what opens the door, how often, and what closes it again."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from databases import on_one_database
from sqlalchemy import select, update

from testamur.accounts.links import forget_links
from testamur.accounts.passwords import _DECOY, checked_password, hash_password, is_password, needs_new_hash
from testamur.accounts.queries import find_account, get_account
from testamur.accounts.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    count_recovery_codes,
    find_set_up,
    remove_second_factor,
    replace_recovery_codes,
)
from testamur.accounts.sessions import (
    CONFIRMED_FOR,
    IDLE,
    LASTS,
    begin_session,
    end_session,
    end_sessions,
    find_session,
    forget_sessions,
    is_confirmed,
    list_sessions,
    record_use,
    renew_session,
)
from testamur.accounts.signing_in import (
    CODES_MAX,
    SECOND_STEP_VALID,
    PasswordOnFile,
    find_password,
    find_second_step,
    sign_in,
    take_second_step,
)
from testamur.accounts.tables import account_links, account_sessions, accounts, recovery_codes
from testamur.clock import now
from testamur.encryption import MasterKey, WrongMasterKey
from testamur.errors import Conflict, Invalid, NotFound
from testamur.worker.schedules import clean_up

PASSWORD = "seven purple otters juggle"
BROWSER = {"user_agent": "Browser", "client": "203.0.113.7"}


def code_of(set_up, at, steps=0):
    from base64 import b32decode

    moment = int(at.timestamp()) + 30 * steps
    return TOTP(b32decode(set_up.secret), 6, SHA1(), 30).generate(moment).decode()


@pytest.fixture
def with_second_factor(platform):
    """Turns it on; the secret and the recovery codes."""

    def turn_on(account, at):
        with platform.database.write() as tx:
            key = platform.master_key
            set_up = begin_second_factor(tx, account, site="testserver", master_key=key, at=at)
            code = code_of(set_up, at, -1)
            return set_up, confirm_second_factor(tx, account.id, code, master_key=key, at=at)

    return turn_on


@pytest.fixture
def first_step(platform):
    """The password is right, and a code is needed: the secret of the second step."""

    def call(account, at):
        with platform.database.write() as tx:
            begun = sign_in(tx, find_password(tx, account.email), **BROWSER, at=at)
        assert begun.needs_code
        return begun.secret

    return call


@pytest.fixture
def try_code(platform):
    def call(secret, code, at):
        with platform.database.write() as tx:
            return take_second_step(tx, secret, code, master_key=platform.master_key, **BROWSER, at=at)

    return call


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    "password",
    ["short", "password123", "qwertyuiop", "iloveyou123", "ada@example.com", "Ada Lovelace", "1234567890", "x" * 257],
)
def test_bad_passwords_are_refused_with_what_to_do(password, database_kind):
    with pytest.raises(Invalid) as refused:
        checked_password(password, known=("ada@example.com", "Ada Lovelace"))
    assert refused.value.problems[0].path == ("password",)


@on_one_database
def test_a_password_is_the_same_however_a_keyboard_writes_it(database_kind):
    composed, decomposed = "zażółć gęślą jaźń", "zażółć gęślą jaźń"
    assert is_password(decomposed, hash_password(checked_password(composed)))
    long = "e\N{COMBINING ACUTE ACCENT}, unlikely " * 16
    assert len(checked_password(long)) < len(long)
    assert is_password(long, hash_password(checked_password(long)))
    assert not is_password(PASSWORD, hash_password(PASSWORD + " "))


@on_one_database
def test_whoever_has_no_password_costs_as_much_as_who_has_one(database_kind):
    assert not needs_new_hash(_DECOY)
    assert not is_password("nobody", None)
    assert not is_password("", None)


def test_the_right_password_signs_in_and_no_other(platform, person):
    ada = person("ada@example.com")
    person("eve@example.com", has_password=False)
    with platform.database.write() as tx:
        found = find_password(tx, " ADA@Example.com ")
        assert found.account_id == ada.id
        assert found.is_right(PASSWORD)
        assert not found.is_right("another one altogether")
        assert found.new_hash(PASSWORD) is None
        begun = sign_in(tx, found, **BROWSER, at=now())
        assert find_session(tx, begun.secret, at=now()).account == get_account(tx, ada.id)
        for nobody in (find_password(tx, "nobody@example.com"), find_password(tx, "eve@example.com")):
            assert not nobody.is_right(PASSWORD)
            assert not nobody.is_right("")
        assert sign_in(tx, PasswordOnFile(), **BROWSER, at=now()) is None


def test_a_password_that_was_changed_while_it_was_checked_signs_nobody_in(platform, person):
    ada = person("ada@example.com")
    with platform.database.write() as tx:
        found = find_password(tx, ada.email)
        tx.execute(update(accounts).values(password_hash="another"))
        assert sign_in(tx, found, **BROWSER, at=now()) is None


def test_a_hash_made_with_weaker_parameters_is_made_anew(platform, person):
    ada, eve = person("ada@example.com"), person("eve@example.com")
    weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    with platform.database.write() as tx:
        tx.execute(update(accounts).where(accounts.c.id == ada.id).values(password_hash=weak))
        found = find_password(tx, ada.email)
        assert found.is_right(PASSWORD)
        assert sign_in(tx, found, new_hash=found.new_hash(PASSWORD), **BROWSER, at=now())
        after = find_password(tx, ada.email)
        assert after.is_right(PASSWORD)
        assert not needs_new_hash(after.password_hash)
        assert find_password(tx, eve.email).password_hash != after.password_hash


def test_sessions_end_by_themselves_by_hand_and_all_at_once(platform, person):
    at = now()
    ada, eve = person("ada@example.com"), person("eve@example.com")
    with platform.database.write() as tx:
        first, second, others = (begin_session(tx, who.id, **BROWSER, at=at) for who in (ada, ada, eve))
        session = find_session(tx, first, at=at).session
        assert (session.client, session.user_agent) == ("203.0.113.7", "Browser")
        assert find_session(tx, first, at=at + IDLE) is None
        for day in range(1, 90):
            record_use(tx, session.id, at=at + timedelta(days=day))
        assert find_session(tx, first, at=at + LASTS - timedelta(hours=1))
        assert find_session(tx, first, at=at + LASTS) is None
        record_use(tx, session.id, at=at)
        assert len(list_sessions(tx, ada.id, at=at)) == 2
        with pytest.raises(NotFound):
            end_session(tx, eve.id, session.id)
        end_session(tx, ada.id, session.id)
        assert find_session(tx, first, at=at) is None
        third = begin_session(tx, ada.id, **BROWSER, at=at)
        end_sessions(tx, ada.id, but=find_session(tx, third, at=at).session.id)
        assert find_session(tx, second, at=at) is None
        assert find_session(tx, third, at=at)
        assert find_session(tx, others, at=at)
        forget_sessions(tx, at=at + IDLE)
        assert tx.execute(select(account_sessions.c.id)).all() == []


def test_proving_again_who_one_is_gives_the_session_another_secret(platform, person):
    at = now()
    ada = person("ada@example.com")
    with platform.database.write() as tx:
        secret = begin_session(tx, ada.id, **BROWSER, at=at)
        session = find_session(tx, secret, at=at).session
        later = at + CONFIRMED_FOR
        assert is_confirmed(session, at)
        assert not is_confirmed(session, later)
        renewed = renew_session(tx, session, at=later)
        assert find_session(tx, secret, at=later) is None
        found = find_session(tx, renewed, at=later).session
        assert found.id == session.id
        assert is_confirmed(found, later)
        end_session(tx, ada.id, session.id)
        with pytest.raises(NotFound):
            renew_session(tx, session, at=later)


def test_a_second_factor_is_on_once_it_was_confirmed(platform, person):
    at = now()
    ada = person("ada@example.com")
    key = platform.master_key
    with platform.database.write() as tx:
        assert find_set_up(tx, ada, site="testserver", master_key=key) is None
        set_up = begin_second_factor(tx, ada, site="testserver", master_key=key, at=at)
        assert set_up.uri.startswith("otpauth://totp/testserver%3Aada@example.com?secret=" + set_up.secret)
        assert find_set_up(tx, ada, site="testserver", master_key=key) == set_up
        assert not sign_in(tx, find_password(tx, ada.email), **BROWSER, at=at).needs_code
        stored = tx.execute(select(accounts.c.totp_secret)).scalar_one()
        assert set_up.secret not in stored
        with pytest.raises(WrongMasterKey):
            find_set_up(tx, ada, site="testserver", master_key=MasterKey(bytes(32)))
        for wrong in ("", "abcdef", "12345", f"{(int(code_of(set_up, at)) + 1) % 10**6:06}"):
            with pytest.raises(Invalid):
                confirm_second_factor(tx, ada.id, wrong, master_key=key, at=at)
        codes = confirm_second_factor(tx, ada.id, code_of(set_up, at), master_key=key, at=at)
        assert len(set(codes)) == count_recovery_codes(tx, ada.id) == 10
        ada = get_account(tx, ada.id)
        assert ada.has_second_factor
        assert find_set_up(tx, ada, site="testserver", master_key=key) is None
        with pytest.raises(Conflict):
            begin_second_factor(tx, ada, site="testserver", master_key=key, at=at)
        with pytest.raises(Conflict):
            confirm_second_factor(tx, ada.id, code_of(set_up, at, 1), master_key=key, at=at)
        remove_second_factor(tx, ada.id, at=at)
        assert count_recovery_codes(tx, ada.id) == 0
        assert not sign_in(tx, find_password(tx, ada.email), **BROWSER, at=at).needs_code
        with pytest.raises(Conflict):
            replace_recovery_codes(tx, get_account(tx, ada.id))


def test_a_code_opens_the_second_step_once_and_within_a_step_of_now(
    platform, person, with_second_factor, first_step, try_code
):
    at = now()
    ada = person("ada@example.com")
    set_up, _ = with_second_factor(ada, at - timedelta(minutes=5))
    step = first_step(ada, at)
    with platform.database.read() as tx:
        assert find_second_step(tx, step, at=at).id == ada.id
    for steps, is_right in ((-2, False), (2, False), (-1, True), (-1, False), (0, True), (0, False), (1, True)):
        secret = try_code(first_step(ada, at), code_of(set_up, at, steps), at)
        assert (secret is not None) == is_right, steps
        if secret is not None:
            with platform.database.read() as tx:
                assert find_session(tx, secret, at=at).account.id == ada.id


def test_the_second_step_is_no_session_and_is_used_up(platform, person, with_second_factor, first_step, try_code):
    at = now()
    ada = person("ada@example.com")
    set_up, _ = with_second_factor(ada, at - timedelta(minutes=5))
    step = first_step(ada, at)
    with platform.database.read() as tx:
        assert find_session(tx, step, at=at) is None
    later = at + SECOND_STEP_VALID
    assert try_code(step, code_of(set_up, later), later) is None
    assert try_code(step, code_of(set_up, at), at)
    assert try_code(step, code_of(set_up, at, 1), at) is None
    with platform.database.read() as tx:
        assert find_second_step(tx, step, at=at) is None


def test_few_codes_may_be_tried_after_one_password(platform, person, with_second_factor, first_step, try_code):
    at = now()
    ada = person("ada@example.com")
    set_up, recovery = with_second_factor(ada, at - timedelta(minutes=5))
    step = first_step(ada, at)
    wrong = f"{(int(code_of(set_up, at)) + 1) % 10**6:06}"
    for _ in range(CODES_MAX):
        assert try_code(step, wrong, at) is None
    with platform.database.read() as tx:
        assert find_second_step(tx, step, at=at) is None
    assert try_code(step, code_of(set_up, at), at) is None
    assert try_code(step, recovery[0], at) is None
    assert try_code(first_step(ada, at), code_of(set_up, at), at)


def test_a_recovery_code_works_once_however_it_is_typed_and_for_its_owner_only(
    platform, person, with_second_factor, first_step, try_code
):
    at = now()
    ada, eve = person("ada@example.com"), person("eve@example.com")
    _, codes = with_second_factor(ada, at)
    _, eves_codes = with_second_factor(eve, at)
    with platform.database.read() as tx:
        hashes = set(tx.execute(select(recovery_codes.c.secret_hash)).scalars())
    assert not hashes & {codes[0], codes[0].replace("-", "")}
    assert try_code(first_step(ada, at), eves_codes[0], at) is None
    assert try_code(first_step(ada, at), codes[0].upper().replace("0", "O").replace("1", "l"), at)
    assert try_code(first_step(ada, at), codes[0], at) is None
    assert try_code(first_step(ada, at), f" {codes[1].replace('-', ' ')} ", at)
    with platform.database.write() as tx:
        assert count_recovery_codes(tx, ada.id) == 8
        replaced = replace_recovery_codes(tx, find_account(tx, ada.email))
        assert count_recovery_codes(tx, eve.id) == 10
    assert try_code(first_step(ada, at), codes[2], at) is None
    assert try_code(first_step(ada, at), replaced[0], at)


def test_time_takes_away_sessions_links_and_second_steps(platform, person, with_second_factor, first_step):
    at = now()
    ada = person("ada@example.com")
    with platform.database.write() as tx:
        begin_session(tx, ada.id, **BROWSER, at=at)
    with_second_factor(ada, at)
    first_step(ada, at)

    def left():
        with platform.database.read() as tx:
            return [len(tx.execute(select(table)).all()) for table in (account_sessions, account_links)]

    with platform.database.write() as tx:
        forget_links(tx, at=at)
    assert left() == [1, 1]
    clean_up(platform, at + timedelta(minutes=11))
    assert left() == [1, 0]
    clean_up(platform, at + IDLE)
    assert left() == [0, 0]


@on_one_database
def test_what_a_browser_says_of_itself_is_kept_as_one_short_line(platform, person):
    ada = person("ada@example.com")
    with platform.database.write() as tx:
        secret = begin_session(tx, ada.id, user_agent="Bro\nwser\x00" + "x" * 500, client="c" * 100, at=now())
        session = find_session(tx, secret, at=now()).session
    assert session.user_agent.startswith("Browserxxx")
    assert (len(session.user_agent), len(session.client)) == (255, 64)
