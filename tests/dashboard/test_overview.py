"""The overview: what a newcomer is led to, what is shown of a period, and what needs attention."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from testamur.clock import now
from testamur.credentials.tables import credentials
from testamur.statistics.tables import daily_counts
from testamur.worker.schedules import count_statistics

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def issue(client):
    def call(tenant, **more):
        body = {"name": "Sailing", "designIds": [tenant.badge_id]}
        group = client.post("/v1/groups", headers=tenant.headers, json=body).json()
        body = {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}, **more}
        return client.post("/v1/credentials/create-issue-send", headers=tenant.headers, json=body).json()

    return call


def tiles(page):
    found = re.findall(r'class="label">([^<]+)</span>\s*<span class="value">([\d,]+)<', page.text)
    return dict(found)


def test_a_newcomer_is_led_to_the_first_credential(staff, owner, api, tenant, other_tenant, issue):
    issue(other_tenant)
    someone = staff(owner)
    page = someone.get("~").text
    assert "Three steps to your first credential" in page
    assert page.count('class="done"') == 0
    assert '<a class="button" href="/w/meridian/designs/gallery">' in page
    assert "What happened" not in page
    group = api("POST", "/groups", {"name": "Sailing", "designIds": [tenant.badge_id]}, status=201)
    page = someone.get("~").text
    assert page.count('class="done"') == 2
    assert '<a class="button" href="/w/meridian/issue">' in page
    api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Draft"}}, status=201)
    assert "Three steps" in someone.get("~").text
    issue(tenant)
    page = someone.get("~").text
    assert "Three steps" not in page
    assert "What happened" in page


def test_a_viewer_is_led_to_nothing_they_may_not_do(staff, person, tenant):
    page = staff(person(tenant, "viewer")).get("~").text
    assert "Three steps" in page
    assert 'class="button' not in page.partition("<main")[2]


def test_numbers_are_those_of_the_workspace_and_period(platform, staff, owner, tenant, other_tenant, issue):
    issue(tenant)
    issue(other_tenant)
    count_statistics(platform, now())
    today = now().date()
    with platform.database.write() as tx:
        for days, number, of in (
            (3, 10, tenant),
            (20, 100, tenant),
            (60, 1000, tenant),
            (300, 10000, tenant),
            (3, 7, other_tenant),
        ):
            row = {"workspace_id": of.workspace.id, "day": today - timedelta(days=days), "measure": "viewed"}
            tx.execute(insert(daily_counts), {**row, "number": number})
    someone = staff(owner)
    for period, viewed in (("7", "10"), ("30", "110"), ("90", "1,110"), ("365", "11,110"), ("", "110"), ("x", "110")):
        page = someone.get(f"~?period={period}&measure=viewed")
        assert tiles(page) == {
            "Issued": "1", "Delivered": "0", "Viewed": viewed, "Shared": "0", "Verified": "0", "Revoked": "0",
        }  # fmt: skip
        rows = re.findall(r'<tr><th scope="row">([^<]+)</th><td class="end num">([\d,]+)</td>', page.text)
        assert sum(int(number.replace(",", "")) for _, number in rows) == int(viewed.replace(",", ""))
    assert len(rows) == 30
    weeks = someone.get("~?period=365").text
    assert weeks.count('<tr><th scope="row">') == 53
    assert "by weeks" in weeks
    assert someone.get("~?measure=<script>alert(1)</script>").text.count("<script>alert") == 0


def test_what_needs_attention_leads_there(platform, staff, owner, api, tenant, other_tenant, issue):
    soon = (now().date() + timedelta(days=5)).isoformat()
    made, theirs = issue(tenant, expiryDate=soon), issue(other_tenant, expiryDate=soon)
    someone = staff(owner)
    assert "mail could not be delivered" not in someone.get("~").text
    with platform.database.write() as tx:
        both = update(credentials).where(credentials.c.id.in_([made["id"], theirs["id"]]))
        tx.execute(both.values(delivery_state="bounced"))
    page = someone.get("~").text.partition("<main")[2]
    found = re.findall(r'<li><a href="([^"]+)">.*?<span class="count warn">(\d+)</span>', page, re.DOTALL)
    assert found == [("/w/meridian/attention/undelivered", "1"), ("/w/meridian/attention/expiring", "1")]
    for path, _ in found:
        listed = someone.get(path).text
        assert f"/w/meridian/credentials/{made['id']}" in listed
        assert theirs["id"] not in listed
    api("POST", f"/credentials/{made['id']}/revoke")
    assert "Nothing here" in someone.get("~/attention/expiring").text


def test_the_overview_is_usable_by_everybody(platform, browse, accessible, owner, tenant, issue):
    page = browse(owner)
    page.goto("/w/meridian")
    accessible(page)
    issue(tenant)
    count_statistics(platform, now())
    page.goto("/w/meridian")
    page.get_by_role("link", name="Year").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**period=365**")
    page.get_by_role("link", name="Viewed").click()
    page.wait_for_url("**measure=viewed**")
    assert page.get_by_role("heading", name="Viewed").is_visible()
    page.get_by_text("Show as a table").click()
    accessible(page)
    page = browse(owner, narrow=True, dark=True)
    page.goto("/w/meridian")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)
