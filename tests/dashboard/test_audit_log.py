"""The audit log in the dashboard: who sees it, what is found, and the table that is taken away."""

import csv
import io

import pytest

from testamur.audit.model import Actor
from testamur.audit.recording import record_action
from testamur.clock import now
from testamur.dashboard.audit_log import ROWS

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def write(platform):
    def call(tenant, action, actor=None, **more):
        actor = actor or Actor("token", "t1", f"script {SCRIPT}")
        with platform.database.write() as tx:
            record_action(tx, tenant.workspace.id, actor, action, at=more.pop("at", now()), **more)

    return call


def test_entries_are_shown_and_filtered(staff, owner, tenant, other_tenant, write):
    someone = staff(owner)
    assert "Nothing yet" in someone.get("~/audit-log").text
    write(tenant, "design.deleted", details={"name": f"Old {SCRIPT}"}, client="192.0.2.7")
    write(tenant, "access_token.created", Actor("operator", "", "root"))
    write(tenant, "unheard.of")
    write(other_tenant, "design.created", Actor("account", "x", "eve@rival.example"), subject="secret")
    page = someone.get("~/audit-log").text
    for part in ("Design deleted", "192.0.2.7", "Access token made", "root", "unheard.of", "Old &lt;script&gt;"):
        assert part in page
    for hidden in (SCRIPT, "eve@rival", "secret"):
        assert hidden not in page
    assert "Access token made" not in someone.get("~/audit-log?action=design.").text.partition("<tbody>")[2]
    found = someone.get("~/audit-log?actor=operator:").text.partition("<tbody>")[2]
    assert "root" in found
    assert "Design deleted" not in found
    assert "Nothing is found" in someone.get("~/audit-log?last=2020-01-01").text
    for odd in ("first=9999-12-31", "first=0001-01-01", "last=x", "actor=x", "action=%25", "actor=" + "x" * 500):
        assert someone.get(f"~/audit-log?{odd}").status_code == 200


def test_a_day_is_one_of_the_workspace(staff, owner, platform, tenant, write):
    from datetime import datetime

    write(tenant, "design.created", at=datetime.fromisoformat("2026-05-01T22:30:00+00:00"))
    with platform.database.write() as tx:
        tx.exec_driver_sql("UPDATE workspaces SET time_zone = 'Europe/Warsaw'")
    someone = staff(owner)
    assert "Design made" in someone.get("~/audit-log?first=2026-05-02&last=2026-05-02").text.partition("<tbody>")[2]
    assert "<tbody>" not in someone.get("~/audit-log?first=2026-05-01&last=2026-05-01").text


def test_the_table_has_all_entries_and_no_formula(staff, owner, tenant, other_tenant, write):
    for number in range(ROWS + 5):
        write(tenant, "design.updated", Actor("token", "t1", "=1+1"), subject=f"d{number}")
    write(tenant, "access_token.created")
    write(other_tenant, "design.updated", subject="secret")
    answer = staff(owner).get("~/audit-log.csv?action=design.")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["cache-control"] == "no-store"
    headings, *rows = csv.reader(io.StringIO(answer.text))
    assert headings[:5] == ["at", "actor_kind", "actor_id", "actor_name", "action"]
    assert {row[5] for row in rows} == {f"d{number}" for number in range(ROWS + 5)}
    assert {row[3] for row in rows} == {"'=1+1"}


def test_a_long_log_is_turned_over_with_its_filter(staff, owner, tenant, write):
    for _ in range(ROWS + 5):
        write(tenant, "design.updated")
    someone = staff(owner)
    page = someone.get("~/audit-log?action=design.").text
    path = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "action=design." in path
    assert someone.get(path).text.count("Design changed") == 5


@pytest.mark.parametrize("role", ["manager", "draft_manager", "designer", "viewer"])
def test_only_owners_and_admins_read_it(staff, person, tenant, role):
    someone = staff(person(tenant, role))
    for path in ("~/audit-log", "~/audit-log.csv"):
        assert someone.get(path).status_code == 403
    assert "/audit-log" not in someone.get("~").text


def test_the_log_is_filtered_and_exported_in_a_browser(browse, accessible, owner, tenant, write):
    write(tenant, "design.deleted", details={"name": "Old"}, subject="01hzzzzzzzzzzzzzzzzzzzzzzz")
    write(tenant, "access_token.created", Actor("operator", "", "root"))
    page = browse(owner)
    page.goto("/w/meridian/audit-log")
    accessible(page)
    page.get_by_label("About what").select_option(label="Designs")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Clear").wait_for()
    assert page.locator("tbody tr").count() == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    page = browse(owner, narrow=True, dark=True)
    page.goto("/w/meridian/audit-log")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)
