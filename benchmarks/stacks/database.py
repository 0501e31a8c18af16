"""The database of the two other servers: Testamur's own tables, keys and indexes, so that a write costs each the same.

One workspace with a token, two designs and a credential template is in it.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from testamur.db import Database
from testamur.db.migrating import migrate
from testamur.ids import new_id

# The environment variable that tells a server process where its database is.
DATABASE_VARIABLE = "BENCHMARK_DATABASE"
TOKEN = "tst_0000000000000000000000000000000000000000"
VERSION = "2022-10-26"
BUSY_SECONDS = 30
# As Testamur sets them; journal_mode is kept in the file, the others belong to a connection.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
)


def make_database(path: Path) -> tuple[list[str], str]:
    """A new database at that path; gives the ids of its two designs and of its credential template."""
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
    workspace_id, design_ids, template_id = new_id(), [new_id(), new_id()], new_id()
    rows: dict[str, dict[str, object]] = {
        "workspaces": {"id": workspace_id, "name": "My organisation", "slug": "default", "time_zone": "UTC"},
        "access_tokens": {
            "id": new_id(),
            "workspace_id": workspace_id,
            "name": "benchmark",
            "secret_hash": sha256(TOKEN.encode()).hexdigest(),
            "secret_end": TOKEN[-4:],
        },
        "credential_templates": {"id": template_id, "workspace_id": workspace_id, "name": "Financial Markets"},
    }
    designs: list[dict[str, object]] = [
        {"id": id_, "workspace_id": workspace_id, "name": f"Classic {type_}", "type": type_, "version": 1}
        for id_, type_ in zip(design_ids, ("certificate", "badge"), strict=True)
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, row in [*rows.items(), *(("designs", design) for design in designs)]:
            stamps = {"created_at": now} if table == "access_tokens" else {"created_at": now, "updated_at": now}
            values = {**row, **stamps}
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
        connection.execute(
            "INSERT INTO credential_template_designs (workspace_id, credential_template_id, position, design_id)"
            " VALUES (?, ?, 0, ?)",
            (workspace_id, template_id, design_ids[0]),
        )
    return design_ids, template_id
