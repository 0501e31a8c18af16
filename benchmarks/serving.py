"""`POST /v1/groups` over HTTP on SQLite: Testamur, the usual stack, and the floor, in turn and several times."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.load import Load, Measured
from benchmarks.report import Report, Target
from benchmarks.stacks.database import DATABASE_VARIABLE, TOKEN, VERSION, make_database

CONNECTIONS = 16
START_SECONDS_MAX = 30

# Starts a server on a fresh database in a folder: its port, a token, and the ids of two designs.
Start = Callable[[Path], AbstractContextManager[tuple[int, str, list[str]]]]


def measure(*, quick: bool) -> Report:
    rounds, seconds = (1, 2.0) if quick else (3, 5.0)
    figures: dict[str, list[Measured]] = {name: [] for name in _SERVERS}
    for _ in range(rounds):
        for name, start in _SERVERS.items():
            with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as (port, token, design_ids):
                figures[name].append(_load(port, _request(port, token, design_ids), seconds))
    ratios = {
        name: median(
            own.requests_per_second / other.requests_per_second
            for own, other in zip(figures["Testamur"], others, strict=True)
        )
        for name, others in figures.items()
    }
    return Report(
        name="groups",
        title="POST /v1/groups on SQLite",
        headings=("server", "requests/s", "p50 ms", "p99 ms", "Testamur is"),
        rows=[
            (
                name,
                f"{median(item.requests_per_second for item in found):.0f}",
                f"{median(item.p50_ms for item in found):.1f}",
                f"{median(item.p99_ms for item in found):.1f}",
                f"{ratios[name]:.2f} x",
            )
            for name, found in figures.items()
        ],
        targets=[
            Target(name="times the usual stack", measured=ratios["FastAPI, ORM, aiosqlite"], at_least=3),
            Target(name="of the bare function", measured=ratios["bare ASGI, sqlite3"], at_least=0.2),
        ],
    )


@contextmanager
def _testamur(folder: Path) -> Iterator[tuple[int, str, list[str]]]:
    port = _free_port()
    environment = {
        "TESTAMUR_DATA_DIR": str(folder),
        "TESTAMUR_RATE_LIMIT": "off",
        "TESTAMUR_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "testamur"]
    made = subprocess.run(
        [*command, "bootstrap", "--json"], env={**os.environ, **environment}, capture_output=True, check=True
    )
    first = json.loads(made.stdout)
    with _server([*command, "serve", "--port", str(port)], environment, port):
        yield port, first["token"], [design["id"] for design in first["designs"]]


def _other(module: str) -> Start:
    @contextmanager
    def start(folder: Path) -> Iterator[tuple[int, str, list[str]]]:
        port, database = _free_port(), folder / "other.db"
        design_ids = make_database(database)
        command = [sys.executable, "-m", "uvicorn", f"benchmarks.stacks.{module}:app", "--port", str(port)]
        with _server([*command, "--no-access-log"], {DATABASE_VARIABLE: str(database)}, port):
            yield port, TOKEN, design_ids

    return start


_SERVERS: dict[str, Start] = {
    "Testamur": _testamur,
    "FastAPI, ORM, aiosqlite": _other("usual"),
    "bare ASGI, sqlite3": _other("bare"),
}


@contextmanager
def _server(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    """A server process that accepts connections; always ended."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        ends = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(f"{' '.join(command)} did not start") from None
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def _load(port: int, request: str, seconds: float) -> Measured:
    load = Load(port=port, request=request, connections=CONNECTIONS, warm_up_seconds=1.0, seconds=seconds)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=msgspec.json.encode(load), capture_output=True, check=True
    )
    measured = msgspec.json.decode(done.stdout, type=Measured)
    answer = json.loads(measured.sample)
    # A server that is quick because it refuses would be no comparison.
    if set(measured.statuses) != {"201"} or measured.broken_connections or len(answer) != 8:
        raise RuntimeError(f"Wrong answers: {measured}")
    return measured


def _request(port: int, token: str, design_ids: list[str]) -> str:
    body = json.dumps({"name": "Financial Markets", "designIds": design_ids})
    head = [
        "POST /v1/groups HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {token}",
        f"Certifier-Version: {VERSION}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head) + "\r\n\r\n" + body


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
