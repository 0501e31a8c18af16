"""The frame of all screens: who gets in, in which language and theme, and what a page never does."""

import re

import pytest
from people import PASSWORD

from testamur.accounts.roles import ALLOWED, ROLES
from testamur.dashboard.routes import SCREENS
from testamur.web.html import static_url

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

OF_WORKSPACES = [screen for screen in SCREENS if screen.is_of_workspace]


def path_of(screen, slug):
    """The screen's address; ids are of the right form and lead nowhere."""
    return re.sub(r"\{[^}]+\}", "01hzzzzzzzzzzzzzzzzzzzzzzz", screen.full_path.replace("{workspace}", slug))


def ids(screen):
    return f"{screen.method} {screen.full_path}"


def test_nobody_is_let_in_without_signing_in(client):
    for screen in SCREENS:
        if screen.asker == "anybody":
            continue
        answer = client.request(
            screen.method,
            path_of(screen, "meridian"),
            headers={"Origin": "http://testserver"},
            follow_redirects=False,
        )
        assert answer.status_code == 303, ids(screen)
        assert answer.headers["location"].startswith("/sign-in"), ids(screen)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_what_it_may_and_nothing_else(person, staff, tenant, role):
    someone = staff(person(tenant, role))
    for screen in OF_WORKSPACES:
        answer = someone._send(screen.method, path_of(screen, tenant.workspace.slug))
        if screen.asker in ALLOWED[role]:
            assert answer.status_code not in {403, 500}, (ids(screen), answer.status_code)
        else:
            assert answer.status_code == 403, (ids(screen), answer.status_code)


def test_another_workspace_does_not_exist(person, staff, tenant, other_tenant):
    someone = staff(person(tenant))
    for screen in OF_WORKSPACES:
        answer = someone._send(screen.method, path_of(screen, other_tenant.workspace.slug))
        assert answer.status_code == 404, ids(screen)
        assert "Rival" not in answer.text


def test_forms_of_other_sites_are_refused(person, staff, tenant):
    someone = staff(person(tenant))
    for screen in SCREENS:
        if screen.method != "POST":
            continue
        for origin in ("http://evil.example", "null", ""):
            answer = someone.post(path_of(screen, tenant.workspace.slug), headers={"Origin": origin})
            assert answer.status_code == 403, (ids(screen), origin, answer.status_code)


def test_pages_load_nothing_from_elsewhere_and_stand_in_no_frame(client):
    answer = client.get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r'(?:src|href)="(?:https?:)?//', answer.text) == []
    assert re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", answer.text) == []


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/w/x//evil.example", "/w/../evil", "javascript:alert(1)",
     "/sign-out", "/w/meridian\r\nSet-Cookie: a=b"],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(client, owner, wanted):
    body = {"email": owner.email, "password": PASSWORD, "next": wanted}
    answer = client.post("/sign-in", data=body, headers={"Origin": "http://testserver"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_page_that_was_asked_for_comes_after_signing_in(client, owner):
    asked = client.get("/w/meridian?period=7", follow_redirects=False)
    assert asked.headers["location"] == "/sign-in?next=%2Fw%2Fmeridian%3Fperiod%3D7"
    body = {"email": owner.email, "password": PASSWORD, "next": "/w/meridian?period=7"}
    answer = client.post("/sign-in", data=body, headers={"Origin": "http://testserver"}, follow_redirects=False)
    assert answer.headers["location"] == "/w/meridian?period=7"


def test_an_old_slug_leads_to_the_workspace(platform, staff, owner):
    from testamur.clock import now
    from testamur.workspaces.editing import update_workspace

    with platform.database.write() as tx:
        update_workspace(tx, owner.workspace_id, slug="lyceum", at=now())
    answer = staff(owner).get("/w/meridian?period=7")
    assert (answer.status_code, answer.headers["location"]) == (308, "/w/lyceum?period=7")


def test_a_language_is_chosen_by_the_browser_or_the_person(client):
    english = client.get("/sign-in", headers={"Accept-Language": "fr, en;q=0.5"})
    arabic = client.get("/sign-in", headers={"Accept-Language": "ar-EG, en;q=0.5"})
    assert '<html lang="en" dir="ltr"' in english.text
    assert '<html lang="ar" dir="rtl"' in arabic.text


def test_static_files_are_compressed_and_kept(client):
    answer = client.get(static_url("htmx.min.js"), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    plain = client.get(static_url("htmx.min.js"), headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content


def test_components_are_usable_by_everybody(browse, accessible):
    page = browse()
    page.goto("/style")
    accessible(page)
    page = browse(narrow=True, dark=True)
    page.goto("/style")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)


def test_a_person_signs_in_with_the_keyboard(browse, owner, accessible):
    page = browse()
    page.goto("/")
    assert page.url.endswith("/sign-in")
    accessible(page)
    page.keyboard.type(owner.email)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong password here")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    page.keyboard.type("correct horse battery staple")
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/meridian")
    accessible(page)
