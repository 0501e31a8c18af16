"""What attackers try on all screens at once. What is special to one screen is among its own tests."""

import email
import re
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
from browsers import opened_pages
from people import PASSWORD

from testamur.ids import new_id, normalize_id

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

SCRIPTS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
RAW = ("<script>alert", "<img src=x", '<img src="x')
# Fields that a person types text into.
TYPED = {"text", "search", "url", "email", "tel", "number", "color", "date", "textarea"}


class Forms(HTMLParser):
    """The forms of a page, each with its method, its action, and its fields: name, kind and value."""

    def __init__(self, page):
        super().__init__()
        self.forms = [("get", "", [])]
        self._by_id = {}
        self._inside = [self.forms[0]]
        self._text = None
        self._options = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            form = (given.get("method", "get").lower(), given.get("action", ""), [])
            self.forms.append(form)
            self._inside.append(form)
            self._by_id[given.get("id")] = form
            return
        name = given.get("name")
        form = self._by_id.get(given.get("form"), self._inside[-1])
        if tag == "option" and self._options is not None and ("selected" in given or self._options[2] is None):
            self._options[2] = given.get("value", "")
        if not name:
            return
        kind = {"input": given.get("type", "text")}.get(tag, tag)
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        if tag in {"input", "textarea", "select"}:
            field = [
                name,
                kind,
                None if tag == "select" else given.get("value") or ("on" if kind == "checkbox" else ""),
            ]
            form[2].append(field)
            self._options = field if tag == "select" else self._options
            self._text = field if tag == "textarea" else None

    def handle_data(self, data):
        if self._text is not None:
            self._text[2] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside.pop()
        elif tag == "select":
            self._options = None
        elif tag == "textarea":
            self._text = None


class Attacker:
    """Types scripts into the forms of pages, as whoever is signed in there."""

    def __init__(self, client, site):
        self._client, self._site = client, site
        self._tried = set()
        self.stored = set()

    def ask(self, method, path, place, **options):
        headers = {"Origin": self._site.url, "Cookie": "; ".join(f"{name}={value}" for name, value in place.cookies)}
        answer = self._client.request(method, path, headers=headers, follow_redirects=False, **options)
        self._client.cookies.clear()
        assert answer.status_code < 500, (method, path, options, answer.text[-500:])
        for raw in RAW:
            assert raw not in answer.text, (method, path, options)
        return answer

    def visit(self, place):
        page = self.ask("GET", place.address, place)
        for method, action, fields in Forms(page.text).forms:
            path = urljoin(place.address, action)
            for name in [name for name, kind, _ in fields if kind in TYPED]:
                what = (re.sub(r"01[0-9a-z]{24}", "ID", path.partition("?")[0]), name)
                if what in self._tried or path.startswith("http"):
                    continue
                self._tried.add(what)
                for script in SCRIPTS:
                    data = filled(fields, name, script)
                    if method == "get":
                        self.ask("GET", path.partition("?")[0], place, params=data)
                    elif self.ask("POST", path, place, data=data).status_code == 303:
                        self.stored.add(what)


def filled(fields, name, script):
    """A form as it stands but for one field; names that make it count once are new, so that it counts again."""
    data = {}
    for field, kind, value in fields:
        if field != name and kind not in {"submit", "file"}:
            is_occasion = kind == "hidden" and normalize_id(value) and field in {"once", "token", "occasion"}
            data.setdefault(field, []).append(new_id() if is_occasion else value or "")
    return {**data, name: [script]}


@pytest.mark.timeout(900)
def test_scripts_in_all_fields_stay_text(chromium, client, site, places, work, platform):
    """Each field of each form alone, with the others as they are, so that most are stored; then all pages again."""
    attacker = Attacker(client, site)
    for place in places:
        attacker.visit(place)
    # A walk that finds no forms would state nothing.
    assert len(attacker.stored) > 20, attacker.stored
    work()
    for mail in (platform.settings.data_dir / "mails").glob("*.eml"):
        assert not any(raw in decoded(mail) for raw in RAW), mail

    with opened_pages(chromium, site.url) as browse:
        page = browse()
        asked = []
        page.on("dialog", lambda dialog: (asked.append((page.url, dialog.message)), dialog.dismiss()))
        for place in places:
            page.context.clear_cookies()
            page.context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in place.cookies])
            answer = page.goto(place.address)
            assert answer.status < 500, place
            assert (
                page.locator("script:not([src], [type='application/ld+json']), img[src='x'], [onerror]").count() == 0
            ), place
        assert asked == []


def decoded(mail: Path) -> str:
    message = email.message_from_bytes(mail.read_bytes(), policy=default)
    part = message.get_body(("html",))
    return part.get_content() if part else ""


def test_no_page_stands_in_a_frame_runs_foreign_code_or_is_kept(client, places):
    for place in places:
        answer = client.get(
            place.address, headers={"Cookie": "; ".join(f"{name}={value}" for name, value in place.cookies)}
        )
        headers, policy = answer.headers, answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, place
        assert headers["x-frame-options"] == "DENY", place
        assert headers["x-content-type-options"] == "nosniff", place
        assert headers["referrer-policy"] in {"strict-origin-when-cross-origin", "no-referrer", "same-origin"}, place
        assert "unsafe" not in policy and "http:" not in policy, place
        # What only somebody who is signed in may see is nowhere kept: not by a proxy, nor for the button "Back".
        if place.cookies or place.screen.startswith(("/w/", "/account")):
            assert headers["cache-control"] == "no-store", place


def test_an_ended_session_is_over_and_the_back_button_shows_nothing(browse, owner, client, site):
    page = browse()
    page.goto("/sign-in")
    page.get_by_label("Email address").fill(owner.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/meridian")
    page.goto("/w/meridian/settings")
    assert page.get_by_label("Name", exact=True).first.input_value() == "Meridian Institute"
    (session,) = [item["value"] for item in page.context.cookies() if item["name"] == "session"]
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_url("**/sign-in*")
    assert "Meridian" not in page.content()
    # Nor does the cookie help whoever has kept it.
    answer = client.get("/w/meridian/settings", headers={"Cookie": f"session={session}"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fw%2Fmeridian%2Fsettings")
    answer = client.post(
        "/w/meridian/settings",
        data={"name": "Stolen"},
        headers={"Cookie": f"session={session}", "Origin": site.url},
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    page.goto("/w/meridian")
    assert "/sign-in" in page.url
