"""An import that issues, without mails: rows per second beside what the bare driver needs for the same rows, and beside
the same import without signing.
"""

import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import psutil
import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from benchmarks.databases import KINDS, fresh_platform, set_up
from benchmarks.report import Report, Target
from testamur.clock import now
from testamur.ids import new_id
from testamur.imports.controlling import start_import
from testamur.imports.preparing import file_key, look_through, prepare_import
from testamur.imports.running import claim_import
from testamur.web.platform import Platform
from testamur.worker.imports import run_import

TABLES = ("recipients", "credentials")
CHUNK = 1000


def measure(*, quick: bool) -> Report:
    size = 10_000 if quick else 100_000
    rows, targets = [], []
    for kind in KINDS:
        with _without_signing(), fresh_platform(kind) as platform:
            unsigned, unsigned_busy, growth = _import(platform, size)
            bare = _bare(platform, kind)
        with fresh_platform(kind) as platform:
            signed, signed_busy, signed_growth = _import(platform, size)
        rows += [
            _row(kind, "without", size, seconds=unsigned, busy=unsigned_busy, bare=bare, growth=growth),
            _row(kind, "with", size, seconds=signed, busy=signed_busy, bare=bare, growth=signed_growth),
        ]
        targets += [
            Target(name=f"rows a second on {kind}", measured=size / unsigned, at_least=3000),
            Target(name=f"of the bare driver on {kind}", measured=bare / unsigned, at_least=0.25),
            Target(name=f"times as long with signing, {kind}", measured=signed / unsigned, at_most=1.6),
            Target(name=f"MiB grown over the second half, {kind}", measured=max(growth, signed_growth), at_most=20),
        ]
    return Report(
        name="import",
        title="Import with issuing, without mails",
        headings=("database", "signing", "rows/s", "us of processors per row", "of the bare driver", "MiB grown"),
        rows=rows,
        targets=targets,
        notes=["The processors' time is that of this process and the one that signs, without PostgreSQL's."],
    )


def _row(
    kind: str, signing: str, size: int, *, seconds: float, busy: float, bare: float, growth: float
) -> tuple[str, ...]:
    figures = (f"{size / seconds:,.0f}", f"{busy / size * 1e6:.0f}", f"{bare / seconds:.2f}", f"{growth:.0f}")
    return kind, signing, *figures


@contextmanager
def _without_signing() -> Iterator[None]:
    """What imports were before there were Open Badges."""
    with (
        # No mock, which would keep whatever it is called with.
        patch("testamur.credentials.bulk_issuing._sign", lambda *_given, **_named: None),
        patch("testamur.imports.running.SIGNED_BESIDE_FROM", 10**9),
    ):
        yield


def _busy() -> float:
    """Seconds of processors that this process and its children which have ended have used."""
    used = [resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _import(platform: Platform, size: int) -> tuple[float, float, float]:
    """Seconds of the import itself and of processors, and MiB by which the process has grown from its middle to its end."""
    workspace, template = set_up(platform)
    sheet = "recipient.name,recipient.email,custom.hours\n" + "".join(
        f"Recipient Number {n},recipient.{n}@example.com,40\n" for n in range(size)
    )
    content, import_id, at = sheet.encode(), new_id(), now()
    with platform.database.read() as tx:
        preview = look_through(tx, workspace, content, credential_template_id=template.id, at=at)
    platform.storage.write(file_key(workspace.id, import_id), content)
    with platform.database.write() as tx:
        made = prepare_import(
            tx,
            workspace,
            preview,
            import_id=import_id,
            credential_template_id=template.id,
            file_name="benchmark.csv",
            at=at,
        )
        start_import(tx, workspace.id, made.id, at=now())
        claim = claim_import(tx, at=now())
    del sheet, content
    assert claim is not None
    memory = _Memory(size)
    began, busy = time.perf_counter(), _busy()
    run_import(platform, claim)
    seconds, busy = time.perf_counter() - began, _busy() - busy
    with platform.database.read() as tx:
        count = tx.execute(text("SELECT COUNT(*) FROM credentials WHERE state = 'issued'")).scalar_one()
    assert count == size, count
    return seconds, busy, memory.growth()


class _Memory:
    """Watches this process's memory: a thread looks four times a second."""

    def __init__(self, _size: int) -> None:
        import threading

        self._process = psutil.Process()
        self._seen: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            self._seen.append(self._process.memory_info().rss)

    def growth(self) -> float:
        self._over.set()
        self._thread.join()
        middle = self._seen[len(self._seen) // 2] if self._seen else 0
        return (max(self._seen, default=0) - middle) / 1024 / 1024


def _bare(platform: Platform, kind: str) -> float:
    """Seconds that the driver alone needs to insert the same rows into the same tables, emptied before."""
    with platform.database.read() as tx:
        stored = {table: [tuple(row) for row in tx.execute(text(f"SELECT * FROM {table}"))] for table in TABLES}
        columns = {table: list(tx.execute(text(f"SELECT * FROM {table} LIMIT 0")).keys()) for table in TABLES}
    with platform.database.write() as tx:
        for table in ("import_chunks", *reversed(TABLES)):
            tx.execute(text(f"DELETE FROM {table}"))
    url = make_url(platform.settings.database_url)
    mark = "?" if kind == "SQLite" else "%s"
    statements = {
        table: f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
        for table, names in columns.items()
    }
    if kind == "SQLite":
        connection = sqlite3.connect(str(url.database), isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        cursor = connection.cursor()
    else:
        connection = psycopg.connect(  # type: ignore[assignment]
            url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
        )
        cursor = connection.cursor()
    began = time.perf_counter()
    for first in range(0, len(stored["credentials"]), CHUNK):
        cursor.execute("BEGIN")
        for table in TABLES:
            cursor.executemany(statements[table], stored[table][first : first + CHUNK])
        cursor.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
