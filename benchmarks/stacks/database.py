"""The database of the two other servers: the tables, and one workspace with a token and two designs in them."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

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


def make_database(path: Path) -> list[str]:
    """A new database at that path; gives the ids of its two designs."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
    workspace_id, design_ids = new_id(), [new_id(), new_id()]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(PRAGMAS[0])
        connection.executescript(Path(__file__).with_name("tables.sql").read_text(encoding="utf-8"))
        connection.execute(
            "INSERT INTO workspaces VALUES (?, 'My organisation', 'default', NULL, NULL, 'UTC', ?, ?)",
            (workspace_id, now, now),
        )
        connection.execute(
            "INSERT INTO access_tokens VALUES (?, ?, 'benchmark', ?, ?, ?, NULL, NULL)",
            (new_id(), workspace_id, sha256(TOKEN.encode()).hexdigest(), TOKEN[-4:], now),
        )
        connection.executemany(
            "INSERT INTO designs VALUES (?, ?, ?, ?, 1, NULL, ?, ?)",
            [
                (workspace_id, design_id, f"Classic {type_}", type_, now, now)
                for design_id, type_ in zip(design_ids, ("certificate", "badge"), strict=True)
            ],
        )
    return design_ids
