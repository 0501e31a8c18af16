"""People who are signed in, and a real browser with the dashboard in it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from browsers import accessible, axe_source, chromium, opened_pages, violations
from people import PASSWORD, Person, Staff
from starlette.testclient import TestClient

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.passwords import hash_password
from testamur.accounts.sessions import begin_session
from testamur.app import create_app
from testamur.clock import now
from testamur.worker.work import work_off

__all__ = ["accessible", "axe_source", "chromium", "violations"]


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


@dataclass(frozen=True)
class Site:
    """A server that listens on loopback."""

    url: str


@pytest.fixture
def site(platform: Any) -> Iterator[Site]:
    """The whole app on a port of its own, for a browser."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://localhost:{listener.getsockname()[1]}"
    object.__setattr__(platform.settings, "base_url", url)
    config = uvicorn.Config(create_app(platform), log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    ends = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < ends, "the server did not start"
        time.sleep(0.02)
    yield Site(url)
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def browse(chromium: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """Opens a page in a browser: of nobody, or of a person who is signed in."""
    with opened_pages(chromium, site.url) as open_page:
        yield open_page


@pytest.fixture
def work(platform: Any) -> Callable[[], None]:
    """Does all that waits for the worker. On a thread, as the browser's keeps an event loop."""

    def run() -> None:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(work_off, platform).result()

    return run
