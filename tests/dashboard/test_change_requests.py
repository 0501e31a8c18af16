"""Change requests in the dashboard: what is shown, what each answer does, and what is refused."""

import re

import pytest

from testamur.change_requests.asking import ask_for_change, confirm, make_link
from testamur.change_requests.queries import get_request
from testamur.clock import now
from testamur.credentials.queries import get_credential

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def asked(platform, client):
    """A confirmed request about a new credential."""

    def call(tenant, kind="name", proposed="Ada Lovelace", message="", name="Ada Lovelce"):
        body = {"name": f"Sailing {SCRIPT}", "designIds": [tenant.badge_id]}
        group = client.post("/v1/groups", headers=tenant.headers, json=body).json()
        body = {
            "groupId": group["id"],
            "recipient": {"name": name, "email": "ada@example.com"},
            "issueDate": "2026-01-20",
        }
        made = client.post("/v1/credentials/create-issue-send", headers=tenant.headers, json=body).json()
        with platform.database.write() as tx:
            credential = get_credential(tx, tenant.workspace.id, made["id"])
            request = ask_for_change(tx, credential, kind=kind, proposed=proposed, message=message, at=now())
            _, secret = make_link(tx, tenant.workspace.id, request.id, "ada@example.com", at=now())
            return confirm(tx, secret, at=now())

    return call


@pytest.fixture
def state(platform):
    def call(request):
        with platform.database.read() as tx:
            return get_request(tx, request.workspace_id, request.id).state

    return call


def test_requests_are_listed_by_state(staff, owner, tenant, other_tenant, asked):
    someone = staff(owner)
    assert "Nothing to answer" in someone.get("~/requests").text
    mine = asked(tenant, "other", "", f"Look {SCRIPT}", SCRIPT)
    theirs = asked(other_tenant, name="Eve Rival")
    page = someone.get("~/requests").text
    assert f"/w/meridian/requests/{mine.id}" in page
    for hidden in (theirs.id, "Eve Rival", SCRIPT):
        assert hidden not in page
    assert "&lt;script&gt;" in page
    someone.post(f"~/requests/{mine.id}/resolve")
    assert mine.id not in someone.get("~/requests?state=open").text
    assert mine.id in someone.get("~/requests?state=resolved").text
    assert someone.get("~/requests?state=unconfirmed").status_code == 200
    assert someone.get("~/requests?cursor=nonsense").status_code == 400


@pytest.mark.parametrize(
    ("kind", "proposed", "old"),
    [
        ("name", f"Ada {SCRIPT}", "Ada Lovelce"),
        ("email", "new@example.com", "ada@example.com"),
        ("date", "2026-01-19", "2026-01-20"),
    ],
)
def test_old_and_new_stand_side_by_side_and_are_applied(staff, owner, tenant, asked, api, state, kind, proposed, old):
    request = asked(tenant, kind, proposed)
    someone = staff(owner)
    page = someone.get(f"~/requests/{request.id}").text
    shown = re.findall(r'<dd class="(?:old|new)"><[^>]*>(.*?)</', page)
    assert shown == [old, proposed.replace("<", "&lt;").replace(">", "&gt;")]
    answer = someone.post(f"~/requests/{request.id}/apply")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/w/meridian/requests/{request.id}")
    assert state(request) == "resolved"
    made = api("GET", f"/credentials/{request.credential_id}")
    assert proposed in (made["recipient"]["name"], made["recipient"]["email"], made["issueDate"])
    page = someone.get(f"~/requests/{request.id}").text
    assert '<form method="post" action="/w/meridian/requests/' not in page
    again = someone.post(f"~/requests/{request.id}/apply")
    assert again.status_code == 422
    assert "answered before" in again.text
    assert api("GET", f"/credentials/{request.credential_id}/versions")[0]["number"] == 2


def test_declining_needs_a_reason_and_keeps_what_was_typed(staff, owner, tenant, asked, state):
    request = asked(tenant)
    someone = staff(owner)
    for reason in ("", "  \n ", "x" * 1001, "a\x00"):
        answer = someone.post(f"~/requests/{request.id}/decline", {"reason": reason})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    assert state(request) == "open"
    answer = someone.post(f"~/requests/{request.id}/decline", {"reason": f"No {SCRIPT}\nnever"})
    assert answer.status_code == 303
    assert state(request) == "declined"
    page = someone.get(f"~/requests/{request.id}").text
    assert "No &lt;script&gt;" in page
    assert SCRIPT not in page


def test_what_cannot_be_applied_is_told(staff, owner, tenant, asked, api, state):
    late = asked(tenant, "date", "2027-01-01")
    api("PATCH", f"/credentials/{late.credential_id}", {"expiryDate": "2026-12-31"})
    other = asked(tenant, "other", "", "Three days")
    someone = staff(owner)
    for request in (late, other):
        answer = someone.post(f"~/requests/{request.id}/apply")
        assert answer.status_code == 422
        assert 'class="notice bad"' in answer.text
        assert state(request) == "open"
    assert "Apply the correction" not in someone.get(f"~/requests/{other.id}").text


def test_a_change_since_then_is_told(staff, owner, tenant, asked, api):
    request = asked(tenant)
    api("PATCH", f"/credentials/{request.credential_id}", {"recipient": {"name": "Ada Byron"}})
    page = staff(owner).get(f"~/requests/{request.id}").text
    assert "it said Ada Lovelce then" in page
    assert 'class="old"><bdi>Ada Byron' in page


def test_another_workspace_is_out_of_reach(staff, owner, person, tenant, other_tenant, asked, state):
    theirs = asked(other_tenant)
    someone = staff(owner)
    assert someone.get(f"~/requests/{theirs.id}").status_code == 404
    for verb in ("apply", "resolve", "decline"):
        assert someone.post(f"~/requests/{theirs.id}/{verb}", {"reason": "No"}).status_code == 404
        assert someone.post(f"~/requests/nonsense/{verb}", {"reason": "No"}).status_code == 404
    assert state(theirs) == "open"


def test_a_viewer_reads_and_answers_nothing(staff, person, tenant, asked, state):
    request = asked(tenant)
    someone = staff(person(tenant, "viewer"))
    page = someone.get(f"~/requests/{request.id}").text
    assert "Ada Lovelace" in page
    assert "Apply the correction" not in page
    for verb in ("apply", "resolve", "decline"):
        assert someone.post(f"~/requests/{request.id}/{verb}", {"reason": "No"}).status_code == 403
    assert state(request) == "open"


def test_a_correction_is_applied_with_the_keyboard(browse, accessible, owner, tenant, asked, state):
    request = asked(tenant, message="My passport says so")
    page = browse(owner)
    page.goto("/w/meridian/requests")
    accessible(page)
    page.get_by_role("link", name="Ada Lovelce").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/*")
    accessible(page)
    page.get_by_role("button", name="Apply the correction").focus()
    page.keyboard.press("Enter")
    page.get_by_text("The credential is corrected").wait_for()
    assert state(request) == "resolved"
    page = browse(owner, narrow=True, dark=True)
    for path in ("/requests?state=resolved", f"/requests/{request.id}"):
        page.goto(f"/w/meridian{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        accessible(page)
