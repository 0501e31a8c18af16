"""Recipients in the dashboard: listed, found while somebody types, and erased."""

import pytest

from testamur.audit.queries import AuditFilter, list_entries
from testamur.dashboard.recipients import ROWS

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def award(client):
    groups = {}

    def call(tenant, name="Ada Lovelace", email="ada@example.com", *, is_issued=False):
        if tenant.workspace.id not in groups:
            body = {"name": f"Sailing {SCRIPT}", "designIds": [tenant.badge_id]}
            groups[tenant.workspace.id] = client.post("/v1/groups", headers=tenant.headers, json=body).json()["id"]
        recipient = {"name": name} | ({} if email is None else {"email": email})
        path = "/v1/credentials/create-issue-send" if is_issued else "/v1/credentials"
        body = {"groupId": groups[tenant.workspace.id], "recipient": recipient}
        return client.post(path, headers=tenant.headers, json=body).json()

    return call


def test_people_are_listed_and_turned_over(staff, owner, tenant, other_tenant, award):
    someone = staff(owner)
    assert "Nobody yet" in someone.get("~/recipients").text
    award(other_tenant, "Eve Rival", "a@example.com")
    for number in range(ROWS + 1):
        award(tenant, f"N{number} {SCRIPT}", f"n{number:02}@example.com")
    first = someone.get("~/recipients").text
    assert first.count('<th scope="row">') == ROWS
    assert SCRIPT not in first
    assert "Eve Rival" not in first
    path = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert someone.get(path).text.count('<th scope="row">') == 1
    assert someone.get("~/recipients?cursor=nonsense").status_code == 400


def test_a_search_answers_a_part_of_the_page_while_somebody_types(staff, owner, tenant, other_tenant, award):
    award(tenant)
    award(tenant, "Bob", "bob@example.com")
    award(other_tenant, "Ada Rival", "ada@rival.example")
    someone = staff(owner)
    part = someone.get("~/recipients?q=ADA", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert part.count('<th scope="row">') == 1
    assert "Ada Lovelace" in part
    whole = someone.get("~/recipients?q=bob").text
    assert "<html" in whole
    assert 'value="bob"' in whole
    none = someone.get(f"~/recipients?q={SCRIPT}").text
    assert "Nobody is found" in none
    assert SCRIPT not in none


def test_a_recipient_is_shown_with_what_they_have(staff, owner, tenant, other_tenant, award, api):
    draft, issued = award(tenant, SCRIPT), award(tenant, is_issued=True)
    api("POST", f"/credentials/{issued['id']}/revoke")
    nameless = award(tenant, "Nameless", None)
    theirs = award(other_tenant)
    someone = staff(owner)
    page = someone.get(f"~/recipients/{draft['recipient']['id']}").text
    assert page.count('<th scope="row">') == 2
    for part in ("Draft", "Revoked", f"/w/meridian/credentials/{issued['id']}", "&lt;script&gt;", "/erase"):
        assert part in page
    assert SCRIPT not in page
    page = someone.get(f"~/recipients/{nameless['recipient']['id']}").text
    assert "without an email address" in page
    assert "/erase" not in page
    assert someone.get(f"~/recipients/{nameless['recipient']['id']}/erase").status_code == 404
    for id_ in (theirs["recipient"]["id"], "nonsense"):
        for tail in ("", "/erase"):
            assert someone.get(f"~/recipients/{id_}{tail}").status_code == 404
        assert someone.post(f"~/recipients/{id_}/erase").status_code == 404


def test_a_recipient_is_erased_and_the_log_names_nobody(
    staff, owner, platform, tenant, other_tenant, award, api, client
):
    made, kept = award(tenant, is_issued=True), award(tenant, "Bob", "bob@example.com", is_issued=True)
    award(tenant, "Ada as draft")
    theirs = award(other_tenant, is_issued=True)
    client.get(f"/credentials/{made['publicId']}")
    someone = staff(owner)
    path = f"~/recipients/{made['recipient']['id']}/erase"
    assert "2 credentials of this address are deleted" in someone.get(path).text
    answer = someone.post(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/w/meridian/recipients")
    assert client.get(f"/credentials/{made['publicId']}").status_code in {404, 410}
    assert api("GET", f"/credentials/{kept['id']}")["recipient"]["name"] == "Bob"
    assert client.get(f"/v1/credentials/{theirs['id']}", headers=other_tenant.headers).status_code == 200
    page = someone.get("~/recipients").text
    assert "ada@example.com" not in page
    assert "bob@example.com" in page
    with platform.database.read() as tx:
        (entry,) = list_entries(tx, tenant.workspace.id, AuditFilter(action="recipient."), None, 10).items
    assert (entry.action, entry.subject, entry.actor.name) == ("recipient.erased", None, owner.email)
    assert "ada@" not in repr(entry.details)
    assert someone.post(path).status_code == 404


def test_who_may_not_issue_may_not_erase(staff, person, tenant, award):
    made = award(tenant)
    someone = staff(person(tenant, "draft_manager"))
    path = f"~/recipients/{made['recipient']['id']}"
    assert "/erase" not in someone.get(path).text
    assert someone.get(f"{path}/erase").status_code == 403
    assert someone.post(f"{path}/erase").status_code == 403
    assert someone.get(path).status_code == 200


def test_somebody_is_found_and_erased_in_a_browser(browse, accessible, owner, tenant, award):
    award(tenant)
    award(tenant, "محمد بن سلمان", "m@example.com")
    page = browse(owner)
    page.goto("/w/meridian/recipients")
    accessible(page)
    page.keyboard.press("/")
    page.keyboard.type("ada")
    page.wait_for_url("**q=ada**")
    page.locator("tbody tr").nth(1).wait_for(state="detached")
    page.get_by_role("link", name="Ada Lovelace").click()
    accessible(page)
    page.get_by_role("link", name="Erase").click()
    accessible(page)
    page.get_by_role("button", name="Erase for good").click()
    page.get_by_text("1 credential were erased").or_(page.get_by_text("1 credential was erased")).wait_for()
    assert page.get_by_text("ada@example.com").count() == 0
    page = browse(owner, narrow=True, dark=True)
    page.goto("/w/meridian/recipients")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)
