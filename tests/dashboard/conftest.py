"""People who are signed in, and a real browser with the dashboard in it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from browsers import accessible, axe_source, browse, chromium, site, violations
from people import PASSWORD, Person, Staff
from starlette.testclient import TestClient

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.passwords import hash_password
from testamur.accounts.sessions import begin_session
from testamur.clock import now
from testamur.worker.work import work_off

__all__ = ["accessible", "axe_source", "browse", "chromium", "site", "violations"]


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of PASSWORD; made once, since it takes long on purpose."""
    return hash_password(PASSWORD)


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
def work(platform: Any) -> Callable[[], None]:
    """Does all that waits for the worker. On a thread, as the browser's keeps an event loop."""

    def run() -> None:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(work_off, platform).result()

    return run
