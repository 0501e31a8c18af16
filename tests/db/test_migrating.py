"""The migrations make the tables that the code declares, once, also when several processes start together."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from testamur.db import Database
from testamur.db.migrating import is_current, migrate
from testamur.db.schema import metadata
from testamur.web.platform import Platform


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
    command = [sys.executable, "-m", "testamur", "migrate"]
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ended = [(*process.communicate(timeout=100), process.returncode) for process in started]
    assert [code for _, _, code in ended] == [0] * 4, ended
    assert sorted(output.startswith("Applied") for output, _, _ in ended) == [False, False, False, True]
