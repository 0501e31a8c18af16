"""The migrations make the tables that the code declares, once, also when several processes start together."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from testamur.clock import now
from testamur.db import Database
from testamur.db.migrating import _config, is_current, migrate
from testamur.db.schema import metadata
from testamur.delivery.queueing import queue_server_email
from testamur.errors import Conflict
from testamur.web.platform import Platform
from testamur.workspaces.creating import create_workspace
from testamur.workspaces.queries import find_workspace_by_slug


def test_the_migrations_make_what_the_tables_declare(platform: Platform):
    for tables in Path("testamur").glob("*/tables.py"):
        import_module(f"testamur.{tables.parent.name}.tables")
    with platform.database.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []


def test_a_second_start_changes_nothing(database_url):
    database = Database(database_url)
    try:
        assert migrate(database)
        assert is_current(database)
        assert migrate(database) == []
    finally:
        database.close()


def test_processes_that_start_together_do_the_work_once(database_url, tmp_path):
    environment = {
        **os.environ,
        "TESTAMUR_DATABASE_URL": database_url.replace("+psycopg", ""),
        "TESTAMUR_DATA_DIR": str(tmp_path),
    }
    arguments = [sys.executable, "-m", "testamur", "migrate"]
    started = [
        subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ended = [(*process.communicate(timeout=100), process.returncode) for process in started]
    assert [code for _, _, code in ended] == [0] * 4, ended
    assert sorted(output.startswith("Applied") for output, _, _ in ended) == [False, False, False, True]


def test_workspaces_of_earlier_versions_keep_their_slugs(database_url):
    database = Database(database_url)
    try:
        with database.write() as tx:
            config = _config()
            config.attributes["connection"] = tx
            command.upgrade(config, "0006")
            tx.execute(
                text(
                    "INSERT INTO workspaces (id, name, slug, time_zone, created_at, updated_at)"
                    " VALUES ('01arz3ndektsv4rrffq69g5fav', 'Old', 'old', 'UTC', :at, :at)"
                ),
                {"at": "2026-01-01 12:00:00+00:00" if not database.is_sqlite else "2026-01-01 12:00:00.000000"},
            )
        assert "0007" in migrate(database)
        with database.write() as tx:
            assert find_workspace_by_slug(tx, "old").name == "Old"
            with pytest.raises(Conflict):
                create_workspace(tx, name="Old", at=now())
    finally:
        database.close()


def test_mails_of_earlier_versions_are_kept_when_those_of_the_server_come(database_url):
    moment = "2026-01-01 12:00:00.000000" if database_url.startswith("sqlite") else "2026-01-01 12:00:00+00:00"
    workspace = "01arz3ndektsv4rrffq69g5fav"
    inserted = {
        "workspaces": {"name": "Old", "slug": "old", "time_zone": "UTC", "id": workspace},
        "credential_templates": {"workspace_id": workspace, "id": "t", "name": "Old"},
        "recipients": {"workspace_id": workspace, "id": "r", "name": "Ada"},
        "credentials": {
            "workspace_id": workspace, "id": "c", "public_id": "p", "credential_template_id": "t", "recipient_id": "r",
            "recipient_name": "Ada", "state": "issued", "issue_date": "2026-01-01", "custom_attributes": "{}",
        },
        "emails": {
            "workspace_id": workspace, "id": "e", "credential_id": "c", "credential_template_id": "t", "to_name": "Ada",
            "kind": "delivery", "intent": "i", "to_address": "ada@example.com", "values": "{}", "state": "sent",
            "attempts": 1, "sent_at": moment,
        },
    }  # fmt: skip
    database = Database(database_url)
    try:
        with database.write() as tx:
            config = _config()
            config.attributes["connection"] = tx
            command.upgrade(config, "0008")
            for table, row in inserted.items():
                times = {"created_at": moment} | ({} if table == "emails" else {"updated_at": moment})
                names = [*row, *times]
                columns = ", ".join(f'"{name}"' for name in names)
                values = ", ".join(f":{name}" for name in names)
                tx.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), row | times)
            before = tx.execute(text("SELECT * FROM emails")).mappings().all()
        assert migrate(database)[-1] >= "0010"
        with database.write() as tx:
            assert tx.execute(text("SELECT * FROM emails")).mappings().all() == before
            queue_server_email(tx, "sign_in", "ada@example.com", {}, at=now())
            tx.execute(text("DELETE FROM credentials"))
            assert tx.execute(text("SELECT kind FROM emails")).all() == [("sign_in",)]
    finally:
        database.close()
