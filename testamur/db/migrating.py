"""Bringing a database to the newest shape of its tables. Migrations only go forward."""

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from testamur.db.engine import Database, Transaction
from testamur.db.locking import MIGRATING, take_lock

_LOCK_TIMEOUT_SECONDS = 60


def migrate(database: Database) -> list[str]:
    """Apply the migrations that are missing, all or none, and return their names.

    Several processes may start at once: the first one does the work under a lock, the others wait and find it done.
    On SQLite the write lock of the transaction is that lock.
    """
    with database.write() as tx:
        if not database.is_sqlite:
            tx.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'"))
        take_lock(tx, MIGRATING)
        before = _revision(tx)
        config = _config()
        config.attributes["connection"] = tx
        command.upgrade(config, "head")
        script = ScriptDirectory.from_config(config)
        applied = [] if before == _revision(tx) else list(script.iterate_revisions("head", before or "base"))
        return [str(revision.revision) for revision in reversed(applied)]


def is_current(database: Database) -> bool:
    """Whether the database has exactly the tables that this version of Testamur expects."""
    with database.read() as tx:
        return _revision(tx) == _head()


@cache
def _head() -> str | None:
    """Read once: probes ask every few seconds, and the files of a running version do not change."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _revision(tx: Transaction) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "testamur:db/migrations")
    return config
