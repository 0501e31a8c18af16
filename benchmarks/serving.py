"""Requests over HTTP on SQLite: Testamur, the usual stack, and the floor, in turn and several times."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import msgspec

from benchmarks.load import Load, Measured
from benchmarks.report import Report, Target
from benchmarks.stacks.database import DATABASE_VARIABLE, TOKEN, VERSION, make_database

CONNECTIONS = 16
START_SECONDS_MAX = 30


class Started(msgspec.Struct, frozen=True):
    """A running server on a fresh database, and what is in it."""

    port: int
    token: str
    design_ids: list[str]
    template_id: str
    # With what the dashboard is signed in to; servers that are compared have none.
    email: str = ""
    password: str = ""


# Starts a server on a fresh database in a folder.
Start = Callable[[Path], AbstractContextManager[Started]]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A request to measure."""

    path: str
    body: Callable[[Started], dict[str, Any]]
    members: int


GROUPS = Work(
    path="/v1/groups",
    body=lambda server: {"name": "Financial Markets", "designIds": server.design_ids},
    members=8,
)
SEND = Work(
    path="/v1/credentials/create-issue-send",
    body=lambda server: {
        "groupId": server.template_id,
        "recipient": {"name": "Ada Lovelace", "email": "ada@example.com"},
    },
    members=11,
)


def measure(*, quick: bool) -> Report:
    figures, ratios = _measure(GROUPS, ["Testamur", "FastAPI, ORM, aiosqlite", "bare ASGI, sqlite3"], quick=quick)
    return Report(
        name="groups",
        title="POST /v1/groups on SQLite",
        headings=_HEADINGS,
        rows=_rows(figures, ratios),
        targets=[
            Target(name="times the usual stack", measured=ratios["FastAPI, ORM, aiosqlite"], at_least=3),
            Target(name="of the bare function", measured=ratios["bare ASGI, sqlite3"], at_least=0.2),
        ],
    )


def measure_send(*, quick: bool) -> Report:
    figures, ratios = _measure(SEND, ["Testamur", "FastAPI, ORM, aiosqlite"], quick=quick)
    return Report(
        name="send",
        title="POST /v1/credentials/create-issue-send on SQLite",
        headings=_HEADINGS,
        rows=_rows(figures, ratios),
        targets=[Target(name="times the usual stack", measured=ratios["FastAPI, ORM, aiosqlite"], at_least=3)],
    )


_HEADINGS = ("server", "requests/s", "p50 ms", "p99 ms", "Testamur is")


def _measure(work: Work, servers: Sequence[str], *, quick: bool) -> tuple[dict[str, list[Measured]], dict[str, float]]:
    """Figures of each server, in turn and several times, and the median ratio of Testamur to it."""
    rounds, seconds = (1, 2.0) if quick else (3, 5.0)
    figures: dict[str, list[Measured]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name in servers:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _SERVERS[name](Path(folder)) as run:
                figures[name].append(_load(run, work, seconds))
    ratios = {
        name: median(
            own.requests_per_second / other.requests_per_second
            for own, other in zip(figures["Testamur"], others, strict=True)
        )
        for name, others in figures.items()
    }
    return figures, ratios


def _rows(figures: dict[str, list[Measured]], ratios: dict[str, float]) -> list[tuple[str, ...]]:
    return [
        (
            name,
            f"{median(item.requests_per_second for item in found):.0f}",
            f"{median(item.p50_ms for item in found):.1f}",
            f"{median(item.p99_ms for item in found):.1f}",
            f"{ratios[name]:.2f} x",
        )
        for name, found in figures.items()
    ]


@contextmanager
def _testamur(folder: Path) -> Iterator[Started]:
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
    design_ids = [design["id"] for design in first["designs"]]
    # What is sent later is not the request's work, and the other servers do not send it at all.
    with _server([*command, "serve", "--no-worker", "--port", str(port)], environment, port):
        headers = {"Authorization": f"Bearer {first['token']}", "Certifier-Version": VERSION}
        body = {"name": "Financial Markets", "designIds": design_ids[:1]}
        group = httpx2.post(f"http://127.0.0.1:{port}/v1/groups", headers=headers, json=body).json()
        yield Started(port, first["token"], design_ids, group["id"], **first["owner"])


def _other(module: str) -> Start:
    @contextmanager
    def start(folder: Path) -> Iterator[Started]:
        port, database = _free_port(), folder / "other.db"
        design_ids, template_id = make_database(database)
        command = [sys.executable, "-m", "uvicorn", f"benchmarks.stacks.{module}:app", "--port", str(port)]
        with _server([*command, "--no-access-log"], {DATABASE_VARIABLE: str(database)}, port):
            yield Started(port, TOKEN, design_ids, template_id)

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


def _load(server: Started, work: Work, seconds: float) -> Measured:
    load = Load(
        port=server.port,
        request=_request(server, work),
        connections=CONNECTIONS,
        warm_up_seconds=1.0,
        seconds=seconds,
    )
    # The first request makes the recipient; the usual stack fails if two at once want to.
    headers = {"Authorization": f"Bearer {server.token}", "Certifier-Version": VERSION}
    httpx2.post(
        f"http://127.0.0.1:{server.port}{work.path}", headers=headers, json=work.body(server)
    ).raise_for_status()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=msgspec.json.encode(load), capture_output=True, check=True
    )
    measured = msgspec.json.decode(done.stdout, type=Measured)
    answer = json.loads(measured.sample)
    # A server that is quick because it refuses would be no comparison.
    if set(measured.statuses) != {"201"} or measured.broken_connections or len(answer) != work.members:
        raise RuntimeError(f"Wrong answers: {measured}")
    return measured


def _request(server: Started, work: Work) -> str:
    body = json.dumps(work.body(server))
    head = [
        f"POST {work.path} HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Authorization: Bearer {server.token}",
        f"Certifier-Version: {VERSION}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head) + "\r\n\r\n" + body


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
