"""What people change of their account, and what the mails that come of it are good for."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from testamur.accounts import editing
from testamur.accounts.editing import (
    ADDRESS_LINK_VALID,
    PASSWORD_LINK_VALID,
    ask_for_address,
    ask_for_password,
    find_address_link,
    find_password_link,
    new_password,
    set_password,
    update_account,
    use_address_link,
    use_password_link,
)
from testamur.accounts.passwords import checked_password
from testamur.accounts.queries import find_account, get_account
from testamur.accounts.sessions import begin_session, find_session
from testamur.accounts.signing_in import find_password, sign_in
from testamur.accounts.tables import account_links, accounts
from testamur.clock import now
from testamur.delivery.tables import emails
from testamur.errors import Conflict, Invalid

BROWSER = {"user_agent": "Browser", "client": "203.0.113.7"}


@pytest.fixture
def ask(platform):
    def call(work, *arguments):
        with platform.database.write() as tx:
            return work(tx, *arguments, at=now())

    return call


def test_name_language_and_theme(platform, person, ask):
    ada, eve = person("ada@example.com"), person("eve@example.com")
    with platform.database.write() as tx:
        changed = update_account(tx, ada.id, name=" Ada L. ", language="pl", theme="dark", at=now())
        assert (changed.name, changed.language, changed.theme) == ("Ada L.", "pl", "dark")
        changed = update_account(tx, ada.id, language=None, at=now())
        assert (changed.name, changed.language, changed.theme) == ("Ada L.", None, "dark")
        for wrong in ({"name": " "}, {"name": "x" * 256}, {"theme": "blue"}, {"language": "x" * 17}):
            with pytest.raises(Invalid) as refused:
                update_account(tx, ada.id, **wrong, at=now())
            assert refused.value.problems[0].path == tuple(wrong)
        assert get_account(tx, eve.id) == eve


def test_a_forgotten_password_is_replaced_once_and_all_browsers_are_signed_out(platform, person, ask, mails, token_in):
    ada, eve = person("Ada@example.com"), person("eve@example.com")
    with platform.database.write() as tx:
        sessions = [begin_session(tx, who.id, **BROWSER, at=now()) for who in (ada, eve)]
    ask(ask_for_password, " ada@EXAMPLE.com ")
    with platform.database.read() as tx:
        assert tx.execute(select(emails.c["values"], emails.c.kind)).all() == [({}, "password_reset")]
        assert tx.execute(select(account_links)).all() == []
    ((to, subject, body),) = mails()
    assert to == "Ada@example.com"
    assert subject == "Choose a new password for testserver"
    token = token_in(body)
    with platform.database.write() as tx:
        assert token not in str(tx.execute(text("SELECT * FROM account_links")).all())
        assert find_password_link(tx, token, at=now()).id == ada.id
        assert find_password_link(tx, token, at=now() + PASSWORD_LINK_VALID) is None
        assert use_password_link(tx, token, "new hash", at=now() + PASSWORD_LINK_VALID) is None
        assert use_password_link(tx, token, "new hash", at=now()).id == ada.id
        assert use_password_link(tx, token, "newer hash", at=now()) is None
        assert find_password(tx, ada.email).password_hash == "new hash"
        assert find_password(tx, eve.email).password_hash != "new hash"
        assert find_session(tx, sessions[0], at=now()) is None
        assert find_session(tx, sessions[1], at=now())


def test_asking_for_a_password_leaves_the_same_for_known_and_unknown_addresses(platform, person, ask, mails):
    person("ada@example.com")
    for address in ("ada@example.com", "nobody@example.com"):
        ask(ask_for_password, address)
    with platform.database.read() as tx:
        rows = tx.execute(select(emails.c.kind, emails.c.state, emails.c["values"])).all()
    assert rows == [("password_reset", "queued", {})] * 2
    assert [to for to, _, _ in mails()] == ["ada@example.com"]
    with platform.database.write() as tx, pytest.raises(Invalid) as refused:
        ask_for_password(tx, "ada@", at=now())
    assert refused.value.problems[0].path == ("email",)


def test_only_the_newest_link_to_a_password_works(platform, person, ask, mails, token_in):
    person("ada@example.com")
    tokens = []
    for _ in range(2):
        ask(ask_for_password, "ada@example.com")
        tokens += [token_in(body) for _, _, body in mails()]
    with platform.database.read() as tx:
        assert [find_password_link(tx, token, at=now()) is None for token in tokens] == [True, False]


def test_a_mail_that_was_kept_back_too_long_brings_no_link(platform, person, ask, mails):
    person("ada@example.com")
    with platform.database.write() as tx:
        ask_for_password(tx, "ada@example.com", at=now() - timedelta(hours=2))
    assert mails() == []


def test_another_password_keeps_only_the_session_that_set_it(platform, person, ask, mails, token_in):
    ada = person("ada@example.com")
    ask(ask_for_password, ada.email)
    token = token_in(mails()[0][2])
    with platform.database.write() as tx:
        mine, other = (begin_session(tx, ada.id, **BROWSER, at=now()) for _ in range(2))
        session = find_session(tx, mine, at=now()).session
        set_password(tx, ada.id, "new hash", but_session=session.id, at=now())
        assert find_session(tx, mine, at=now())
        assert find_session(tx, other, at=now()) is None
        assert find_password_link(tx, token, at=now()) is None


def test_an_address_counts_once_its_owner_confirmed_it(platform, person, ask, mails, token_in):
    ada = person("ada@example.com")
    assert ask(ask_for_address, ada, " ada@new.example ") == "ada@new.example"
    ((to, subject, body),) = mails()
    assert (to, subject) == ("ada@new.example", "Confirm your email address for testserver")
    with platform.database.write() as tx:
        assert find_account(tx, "ada@new.example") is None
        assert find_address_link(tx, token_in(body), at=now()) == "ada@new.example"
        assert find_address_link(tx, token_in(body), at=now() + ADDRESS_LINK_VALID) is None
        changed = use_address_link(tx, token_in(body), at=now())
        assert (changed.account.email, changed.old_email) == ("ada@new.example", "ada@example.com")
        assert use_address_link(tx, token_in(body), at=now()) is None
        assert find_account(tx, "ada@example.com") is None
        assert sign_in(tx, find_password(tx, "ADA@new.example"), **BROWSER, at=now())
    ((to, subject, body),) = mails()
    assert (to, subject) == ("ada@example.com", "Your email address at testserver was changed")
    assert "ada@new.example" in body


def test_an_address_of_somebody_else_is_never_taken_and_nobody_is_told_whose_it_is(
    platform, person, ask, mails, token_in
):
    ada = person("ada@example.com")
    person("eve@example.com")
    assert ask(ask_for_address, ada, "EVE@example.com") == "EVE@example.com"
    assert mails() == []
    ask(ask_for_address, ada, "dora@example.com")
    token = token_in(mails()[0][2])
    person("dora@example.com")
    with platform.database.write() as tx, pytest.raises(Conflict):
        use_address_link(tx, token, at=now())
    with platform.database.read() as tx:
        assert get_account(tx, ada.id).email == "ada@example.com"


def test_of_two_who_confirm_one_address_at_the_same_instant_one_gets_it(
    platform, person, ask, mails, token_in, monkeypatch
):
    ada = person("ada@example.com")
    ask(ask_for_address, ada, "dora@example.com")
    token = token_in(mails()[0][2])
    person("dora@example.com")
    # The other's change is not there yet when it is looked for.
    monkeypatch.setattr(editing, "find_account", lambda *_: None)
    with pytest.raises(Conflict), platform.database.write() as tx:
        use_address_link(tx, token, at=now())
    with platform.database.read() as tx:
        assert get_account(tx, ada.id).email == "ada@example.com"
        assert find_address_link(tx, token, at=now()) == "dora@example.com"


def test_only_the_last_address_that_was_asked_for_is_waited_for(platform, person, ask, mails, token_in):
    ada = person("ada@example.com")
    ask(ask_for_address, ada, "first@example.com")
    first = token_in(mails()[0][2])
    ask(ask_for_address, ada, "second@example.com")
    ask(ask_for_address, ada, "third@example.com")
    assert [to for to, _, _ in mails()] == ["third@example.com"]
    with platform.database.write() as tx:
        assert use_address_link(tx, first, at=now()) is None
        for wrong in ("ada@example.com", "nothing"):
            with pytest.raises(Invalid):
                ask_for_address(tx, ada, wrong, at=now())


def test_passwords_that_we_make_are_good_ones(platform):
    made = {new_password() for _ in range(20)}
    assert len(made) == 20
    for password in made:
        assert checked_password(password) == password
    with platform.database.read() as tx:
        assert tx.execute(select(accounts.c.id)).all() == []
