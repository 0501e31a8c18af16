"""A real browser, and what is stated of every page in it. The fixtures are those of all tests, by way of conftest.py."""

import asyncio
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from people import Person

from testamur.app import create_app
from tools.browser import NAMES, WITHOUT_WINDOWS

# Where Debian and others put it; Playwright's own is found by Playwright.
CHROMIUM = next(filter(None, map(shutil.which, (WITHOUT_WINDOWS, *NAMES))), None)
WIDE = {"width": 1360, "height": 900}
NARROW = {"width": 390, "height": 844}
# How each journey is walked: options of the function that opens a page.
LOOKS: dict[str, dict[str, Any]] = {"wide-light": {}, "narrow-dark": {"narrow": True, "dark": True}}


@pytest.fixture(scope="session")
def started_chromium() -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    """One browser for all tests, each of which has a context of its own in it; and the loop of Playwright."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        try:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
            )
        except Error as error:
            reason = str(error).splitlines()[0]
            pytest.fail(f"No browser could be started; run make browser ({reason})")
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def chromium(started_chromium: tuple[Any, asyncio.AbstractEventLoop]) -> Iterator[Any]:
    """The browser. Playwright's loop counts as the thread's own for as long as a test uses it, and not for the others."""
    browser, loop = started_chromium
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)


@contextmanager
def opened_pages(browser: Any, url: str) -> Iterator[Callable[..., Any]]:
    """A function that opens a page of a server: of nobody, or of a person who is signed in.

    States at the end that no page's policy or script complained of anything.
    """
    contexts = []
    failures: list[str] = []

    def open_page(someone: Person | None = None, *, narrow: bool = False, dark: bool = False, **options: Any) -> Any:
        context = browser.new_context(
            base_url=url,
            viewport=NARROW if narrow else WIDE,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        if someone is not None:
            context.add_cookies([{"name": "session", "value": someone.session, "url": url, "httpOnly": True}])
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(f"{page.url}: {error}"))
        page.on("console", lambda told: failures.append(f"{page.url}: {told.text}") if _is_fault(told) else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert failures == [], failures


def _is_fault(message: Any) -> bool:
    """Whatever a page's own policy or script complains of; answers with an error status are the tests' own business."""
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture(scope="session")
def axe_source() -> str:
    return (Path(sys.prefix) / "node" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def violations(axe_source: str) -> Callable[[Any], list[str]]:
    """What axe finds on a page."""

    def check(page: Any) -> list[str]:
        # The page's own policy forbids foreign scripts, so this one comes by the debugger, and to pages that follow in
        # the same context before their own.
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(axe_source)
            page.context.add_init_script(axe_source)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]} ({node.get('failureSummary', '')})"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    return check


@pytest.fixture(scope="session")
def accessible(violations: Callable[[Any], list[str]]) -> Callable[[Any], None]:
    """States that axe finds nothing on a page."""

    def check(page: Any) -> None:
        told = violations(page)
        assert told == [], "\n".join(told)

    return check


def scrolls_sideways(page: Any) -> bool:
    """Whether a page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.fixture(scope="session")
def usable(accessible: Callable[[Any], None]) -> Callable[[Any], None]:
    """States that axe finds nothing on a page, and that it is no wider than its window."""

    def check(page: Any) -> None:
        assert not scrolls_sideways(page), page.url
        accessible(page)

    return check


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
    platform.signers.base_url = url
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
