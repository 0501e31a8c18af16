"""The engine, and the two ways to use it: `read()` and `write()`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import OperationalError

Transaction = Connection

SQLITE_BUSY_SECONDS = 30


class Database:
    """A pool of connections to one database. Safe to use from many threads."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = _sqlite_engine(parsed, "BEGIN", pool_size)
            self._writing_engine = _sqlite_engine(parsed, "BEGIN IMMEDIATE", pool_size)
        else:
            # Every timestamp is stored and compared in UTC, whatever the server's own zone is. Statements here read few
            # rows of large tables: to compile one takes longer than to run it.
            options = {"options": "-c timezone=UTC -c jit=off"}
            self._writing_engine = create_engine(parsed, connect_args=options, pool_size=pool_size, pool_pre_ping=True)
            # A transaction around statements that only read would give them no common state (that is not the level of
            # PostgreSQL's transactions), and would cost as much as two of them.
            self._engine = self._writing_engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Statements that only read. On SQLite they see one state of the database; on PostgreSQL each sees its own."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that commits when the block ends and is rolled back when it raises.

        On SQLite it takes the write lock at once: a transaction that first reads and then asks for the lock may be
        refused it, and one that was begun plainly lost three of four concurrent updates when that was measured.
        """
        with self._writing_engine.begin() as connection:
            yield connection

    def is_reachable(self) -> bool:
        try:
            with self.read() as tx:
                tx.exec_driver_sql("SELECT 1")
        except OperationalError:
            return False
        return True

    def close(self) -> None:
        self._engine.dispose()
        self._writing_engine.dispose()


def _sqlite_engine(url: URL, begin: str, pool_size: int) -> Engine:
    """An engine whose transactions start with that statement."""
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS}, pool_size=pool_size)
    event.listen(engine, "connect", _prepare_sqlite)
    # The documented way, a listener to the begin event, makes every statement look for listeners too; this one costs
    # a sixth of it.
    dialect: Any = engine.dialect
    dialect.do_begin = _beginning_with(begin)
    dialect.statement_compiler = _SQLiteCompiler
    return engine


class _SQLiteCompiler(SQLiteCompiler):
    """Writes down which index a statement names (`planning.by_index`); SQLAlchemy's own leaves it out."""

    def get_from_hint_text(self, _table: Any, text: str | None) -> str | None:
        return text


def _beginning_with(begin: str) -> Callable[[Any], None]:
    def do_begin(dbapi_connection: Any) -> None:
        dbapi_connection.execute(begin)

    return do_begin


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # The engine says BEGIN, so the driver must not.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_SECONDS * 1000}")
    cursor.close()
