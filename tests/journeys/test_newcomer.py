"""From the first visit to the first credential: a server that was just started, and what it prints."""

import os
import re
import socket
import subprocess
import sys
import time

import httpx2
import pytest
from browsers import opened_pages, scrolls_sideways

from testamur.cli.setup import bootstrap

# Presses of buttons and links until the credential's page is open; eight were the most that it may take. Typing, and
# going on to the next field, are none.
PRESSES = 7


@pytest.fixture
def started(tmp_path, request, is_phone):
    """A server of an empty folder: its address, and the email and password that it prints at its first start.

    For the second time it is one in the process of the tests, which is there sooner.
    """
    if is_phone:
        url = request.getfixturevalue("site").url
        owner = bootstrap(request.getfixturevalue("platform")).owner
        yield url, owner.email, owner.password
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "TESTAMUR_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "testamur", "serve", "--port", str(port)]
    with (tmp_path / "out").open("w") as out, (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=log)
    try:
        ends = time.monotonic() + 120
        while True:
            try:
                assert httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
                break
            except httpx2.HTTPError:
                assert process.poll() is None and time.monotonic() < ends, (tmp_path / "log").read_text()
                time.sleep(0.1)
        told = dict(re.findall(r"^  (Sign in|Email|Password) +(\S+)", (tmp_path / "out").read_text(), re.MULTILINE))
        yield told["Sign in"].removesuffix("/sign-in"), told["Email"], told["Password"]
    finally:
        process.terminate()
        process.wait(timeout=60)


class Keyboard:
    """Somebody without a mouse, who counts what they press."""

    def __init__(self, page):
        self.page = page
        self.presses = 0

    def write(self, label, text):
        self._go_to(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(text)

    def press(self, role, name):
        """Enter on a link or button, which leads to another page."""
        self._go_to(self._named(role, name))
        self._leave(lambda: self.page.keyboard.press("Enter"))

    def _named(self, role, name):
        """The first one in the page itself; what is in the navigation would be a way around the screens."""
        return self.page.locator("main").get_by_role(role, name=name, exact=isinstance(name, str)).first

    def send(self):
        """Enter in a field, which presses the form's own button."""
        self._leave(lambda: self.page.keyboard.press("Enter"))

    def _leave(self, press):
        with self.page.expect_navigation():
            press()
        self.presses += 1

    def _go_to(self, target):
        target.wait_for()
        for _ in range(80):
            if target.evaluate("(element) => element === document.activeElement"):
                # Whoever cannot see where they are cannot go on.
                assert target.evaluate("(element) => element.matches(':focus-visible')")
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")


class Finger(Keyboard):
    """Somebody with a phone."""

    def write(self, label, text):
        field = self.page.get_by_label(label, exact=True)
        field.tap()
        field.press_sequentially(text)

    def press(self, role, name):
        target = self._named(role, name)
        box = target.bounding_box()
        assert box["height"] >= 24 and box["width"] >= 24, (name, box)
        self._leave(target.tap)

    def send(self):
        self.press("button", "Sign in")


def look(page, seen, *, is_narrow=False):
    """What holds of each step on the way: whether it is a page for everybody, with one thing to do next."""
    if is_narrow:
        assert not scrolls_sideways(page), page.url
    primary = page.locator("main .button:not(.quiet):not(.bare):not(.danger):visible")
    told = {text.strip() for text in primary.all_inner_texts()}
    assert len(told) <= 1, f"{page.url} has several buttons that say they are the next step: {told}"
    seen(page)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_phone", [False, True], ids=["keyboard-light", "phone-dark"])
def test_a_newcomer_has_issued_a_credential_after_a_few_presses(chromium, started, database_kind, accessible, is_phone):
    url, email, password = started
    options = {"narrow": True, "dark": True, "has_touch": True, "is_mobile": True} if is_phone else {}
    with opened_pages(chromium, url) as browse:
        page = browse(**options)
        person = (Finger if is_phone else Keyboard)(page)

        def step():
            look(page, accessible, is_narrow=is_phone)

        page.goto("/")
        step()
        person.write("Email address", email)
        person.write("Password", password)
        person.send()
        step()
        assert "Three steps to your first credential" in page.inner_text("main")
        person.press("link", "Choose a design")
        step()
        person.press("button", re.compile("^Use this design"))
        step()
        person.write("Name", "Introduction to Astronomy")
        person.press("button", "Save")
        step()
        person.press("link", "Issue")
        step()
        person.write("Recipient's name", "Vera Rubin")
        person.press("button", "Issue")
        step()
        assert page.locator("h1").inner_text() == "Issued to Vera Rubin"
        person.press("link", "Open its page")
        accessible(page)
        assert re.fullmatch(rf"{re.escape(url)}/credentials/[0-9a-f-]{{36}}", page.url)
        for text in ("Vera Rubin", "Introduction to Astronomy", "Issued"):
            assert text in page.inner_text("main")
        assert person.presses == PRESSES
        # The overview of a workspace that has issued something shows what happened.
        page.goto("/")
        page.get_by_role("heading", name="What happened").wait_for()
