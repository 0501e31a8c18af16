"""People who are signed in, and a real browser with the dashboard in it."""

from base64 import b32decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from browsers import Site
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from people import PASSWORD, Person, Staff
from places import Place, find_places
from starlette.testclient import TestClient

from testamur.accounts import passwords
from testamur.accounts.creating import add_member, create_account
from testamur.accounts.queries import get_account
from testamur.accounts.second_factor import begin_second_factor, confirm_second_factor
from testamur.accounts.sessions import begin_session
from testamur.clock import now
from testamur.worker.work import work_off

# As argon2 goes, but in a millisecond: that it takes long on purpose is stated by the tests of accounts.
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    monkeypatch.setattr(passwords, "_DECOY", QUICK.hash("nobody's"))


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of PASSWORD."""
    return QUICK.hash(PASSWORD)


@pytest.fixture
def person(platform: Any, password_hash: str) -> Callable[..., Person]:
    """Makes a person with a role in a tenant, signed in."""

    def make(tenant: Any, role: str = "owner", email: str | None = None) -> Person:
        email = email or f"{role}@{tenant.workspace.slug}.example"
        with platform.database.write() as tx:
            name = email.partition("@")[0].replace("_", " ").title()
            account = create_account(tx, email=email, name=name, password_hash=password_hash, at=now())
            add_member(tx, tenant.workspace.id, account.id, role, at=now())
            secret = begin_session(tx, account.id, user_agent="tests", client="127.0.0.1", at=now())
        return Person(account.id, email, tenant.workspace.id, tenant.workspace.slug, secret)

    return make


@pytest.fixture
def owner(person: Callable[..., Person], tenant: Any) -> Person:
    return person(tenant)


@pytest.fixture
def staff(client: TestClient) -> Callable[[Person], Staff]:
    return lambda someone: Staff(client, someone)


@pytest.fixture
def second_factor(platform: Any) -> Callable[[Person], tuple[str, list[str]]]:
    """Turns it on for somebody; the secret and the recovery codes."""

    def turn_on(someone: Person) -> tuple[str, list[str]]:
        with platform.database.write() as tx:
            account = get_account(tx, someone.account_id)
            key = platform.master_key
            made = begin_second_factor(tx, account, site="here", master_key=key, at=now())
            # A code of the past, so that the one of now is still good.
            before = now() - timedelta(minutes=5)
            code = TOTP(b32decode(made.secret), 6, SHA1(), 30).generate(int(before.timestamp())).decode()
            return made.secret, confirm_second_factor(tx, account.id, code, master_key=key, at=before)

    return turn_on


@pytest.fixture
def work(platform: Any) -> Callable[[], None]:
    """Does all that waits for the worker. On a thread, as the browser's keeps an event loop."""

    def run() -> None:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(work_off, platform).result()

    return run


@pytest.fixture
def places(
    site: Site,
    platform: Any,
    client: TestClient,
    tenant: Any,
    other_tenant: Any,
    person: Any,
    second_factor: Any,
    work: Any,
) -> list[Place]:
    """All pages of all screens, and those of the wallet."""
    return find_places(site, platform, client, (tenant, other_tenant), person, second_factor, work)
