"""Reading the audit log: pages, filters, and the table that is exported."""

from datetime import UTC, datetime, timedelta

import pytest

from testamur.audit.model import Actor
from testamur.audit.queries import EXPORT_HEADINGS, AuditFilter, export_rows, list_actors, list_entries
from testamur.audit.recording import record_action
from testamur.text import csv_line

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ADA, SCRIPT, ROOT = (
    Actor("account", "a1", "ada@example.com"),
    Actor("token", "t1", "script"),
    Actor("operator", "", "root"),
)


@pytest.fixture
def write(platform):
    def call(tenant, actor, action, *, hours=0, **more):
        with platform.database.write() as tx:
            record_action(tx, tenant.workspace.id, actor, action, at=AT + timedelta(hours=hours), **more)

    return call


@pytest.fixture
def log(write, tenant, other_tenant):
    for hours, (actor, action) in enumerate(
        [
            (ADA, "design.created"),
            (SCRIPT, "design.deleted"),
            (ADA, "credential.revoked"),
            (ADA, "credential_template.updated"),
            (ROOT, "access_token.created"),
        ]
    ):
        write(tenant, actor, action, hours=hours)
    write(other_tenant, ADA, "design.created", subject="secret")


@pytest.fixture
def actions(platform, tenant, log):
    def call(**wanted):
        with platform.database.read() as tx:
            return [
                item.action for item in list_entries(tx, tenant.workspace.id, AuditFilter(**wanted), None, 100).items
            ]

    return call


def test_entries_are_those_of_the_workspace_the_newest_first(actions):
    assert actions() == [
        "access_token.created", "credential_template.updated", "credential.revoked", "design.deleted", "design.created",
    ]  # fmt: skip


def test_filters_narrow_by_who_what_and_when(actions):
    assert actions(actor_kind="account", actor_id="a1", action="design") == ["design.created"]
    assert actions(actor_kind="operator", actor_id="") == ["access_token.created"]
    assert actions(actor_kind="token") == ["design.deleted"]
    assert actions(action="credential.") == ["credential.revoked"]
    assert actions(action="credential_") == ["credential_template.updated"]
    assert actions(action="%") == []
    assert actions(since=AT + timedelta(hours=1), before=AT + timedelta(hours=3)) == [
        "credential.revoked", "design.deleted",
    ]  # fmt: skip


def test_a_long_log_is_read_page_by_page_and_exported_whole(platform, tenant, log, write):
    for _ in range(4):
        write(tenant, ADA, "design.updated")
    sizes = []

    def read(cursor):
        with platform.database.read() as tx:
            page = list_entries(tx, tenant.workspace.id, AuditFilter(), cursor, 4)
        sizes.append(len(page.items))
        return page

    headings, *rows = export_rows(read)
    assert headings == EXPORT_HEADINGS
    assert sizes == [4, 4, 1]
    assert [row[4] for row in rows][:4] == [
        "access_token.created", "credential_template.updated", "credential.revoked", "design.deleted",
    ]  # fmt: skip
    assert [row[4] for row in rows].count("design.updated") == 4
    assert "secret" not in repr(rows)


def test_a_table_holds_no_formulas(platform, tenant, write):
    write(tenant, Actor("token", "t1", '=HYPERLINK("https://evil.example")'), "webhook.created", details={"a": "é"})

    def read(cursor):
        with platform.database.read() as tx:
            return list_entries(tx, tenant.workspace.id, AuditFilter(), cursor, 100)

    _, row = export_rows(read)
    assert row[6] == '{"a":"é"}'
    assert csv_line(row).startswith(
        """2026-11-24T12:00:00+00:00,token,t1,"'=HYPERLINK(""https://evil.example"")",webhook.created,"""
    )


def test_everybody_in_the_log_is_listed_once(platform, tenant, log):
    with platform.database.read() as tx:
        assert list_actors(tx, tenant.workspace.id) == [ADA, ROOT, SCRIPT]
