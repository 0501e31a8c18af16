"""Deliveries of webhooks to slow and to dead receivers, by a real worker process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import text

from benchmarks.databases import fresh_platform, set_up
from benchmarks.report import Report, Target
from testamur.clock import now
from testamur.ids import new_id
from testamur.web.platform import Platform
from testamur.webhooks.endpoints import add_endpoint
from testamur.webhooks.recording import record_events

ANSWER_MILLISECONDS = 200
SECONDS_MAX = 120


def measure(*, quick: bool) -> Report:
    count = 200 if quick else 1000
    one = _run(count, receivers=1, dead=0)
    nine = _run(count // 10, receivers=9, dead=0)
    with_dead = _run(count // 10, receivers=9, dead=1)
    return Report(
        name="webhooks",
        title=f"Webhooks to receivers that take {ANSWER_MILLISECONDS} ms",
        headings=("receivers", "deliveries", "seconds until the last came"),
        rows=[
            ("one", f"{count}", f"{one:.1f}"),
            ("nine", f"{count // 10} each", f"{nine:.1f}"),
            ("nine, and a dead one", f"{count // 10} each", f"{with_dead:.1f}"),
        ],
        targets=[
            Target(name=f"seconds for {count} deliveries to one", measured=one, at_most=20),
            Target(name="with a dead endpoint over without", measured=with_dead / nine, at_most=1.25),
        ],
    )


def _run(count: int, *, receivers: int, dead: int) -> float:
    """Seconds from the start of the work until every live receiver has got all."""
    with fresh_platform("SQLite") as platform, ExitStack() as opened:
        workspace, _ = set_up(platform)
        ports = [opened.enter_context(_receiver()) for _ in range(receivers)]
        # A dead one accepts connections and never answers, which is worse than one that refuses them.
        for _ in range(dead):
            silent = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
            ports.append(silent.getsockname()[1])
        with platform.database.write() as tx:
            for port in ports:
                add_endpoint(
                    tx,
                    workspace.id,
                    url=f"http://127.0.0.1:{port}/",
                    allow_http=True,
                    master_key=platform.master_key,
                    at=now(),
                )
            record_events(tx, workspace.id, ["credential.issued"], [new_id() for _ in range(count)], at=now())
        began = time.perf_counter()
        with _worker(platform):
            while _delivered(platform) < count * receivers:
                if time.perf_counter() - began > SECONDS_MAX:
                    raise RuntimeError("the deliveries did not come to an end")
                time.sleep(0.05)
        return time.perf_counter() - began


def _delivered(platform: Platform) -> int:
    with platform.database.read() as tx:
        statement = text("SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'delivered'")
        return int(tx.execute(statement).scalar_one())


@contextmanager
def _receiver() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "benchmarks.receiver", str(port), str(ANSWER_MILLISECONDS)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def _worker(platform: Platform) -> Iterator[None]:
    """A worker in a process of its own; its start counts, as it does for whoever waits."""
    settings = platform.settings
    environment = {
        **os.environ,
        "TESTAMUR_DATA_DIR": str(settings.data_dir),
        "TESTAMUR_DATABASE_URL": settings.database_url.replace("+psycopg", ""),
        "TESTAMUR_ALLOW_PRIVATE_NETWORKS": "true",
        "TESTAMUR_LOG_LEVEL": "error",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "testamur", "worker"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
