"""People who are signed in, and a real browser with the dashboard in it."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from people import PASSWORD, Person, Staff
from starlette.testclient import TestClient

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.passwords import hash_password
from testamur.accounts.sessions import begin_session
from testamur.app import create_app
from testamur.clock import now
from testamur.worker.work import work_off

# Where Debian and others put it; Playwright's own is found by Playwright.
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDE = {"width": 1360, "height": 900}
NARROW = {"width": 390, "height": 844}


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a file of tests, as it keeps an event loop running; each test has a context of its own in it."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
            )
        except Error as error:
            reason = str(error).splitlines()[0]
            pytest.fail(f"No browser could be started; run make browser ({reason})")
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """Opens a page in a browser: of nobody, or of a person who is signed in."""
    contexts = []
    failures: list[str] = []

    def open_page(someone: Person | None = None, *, narrow: bool = False, dark: bool = False, **options: Any) -> Any:
        context = chromium.new_context(
            base_url=site.url,
            viewport=NARROW if narrow else WIDE,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        if someone is not None:
            context.add_cookies([{"name": "session", "value": someone.session, "url": site.url, "httpOnly": True}])
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: failures.append(message.text) if _is_fault(message) else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert failures == []


def _is_fault(message: Any) -> bool:
    """Whatever a page's own policy or script complains of; answers with an error status are the tests' own business."""
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture(scope="session")
def axe_source() -> str:
    import sys

    return (Path(sys.prefix) / "node" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def accessible(axe_source: str) -> Callable[[Any], None]:
    """States that axe finds nothing on a page."""

    def check(page: Any) -> None:
        # The page's own policy forbids foreign scripts, so this one comes by the debugger.
        page.evaluate(axe_source)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]} ({node.get('failureSummary', '')})"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]
        assert told == [], "\n".join(told)

    return check


@pytest.fixture
def work(platform: Any) -> Callable[[], None]:
    """Does all that waits for the worker. On a thread, as the browser's keeps an event loop."""

    def run() -> None:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(work_off, platform).result()

    return run
