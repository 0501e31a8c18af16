"""The page of a credential at a steady 200 requests a second, each for another credential: how long one waits."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx2

from benchmarks.report import Report, Target
from benchmarks.serving import Started, _testamur
from benchmarks.stacks.database import VERSION

RATE = 200
CREDENTIALS = 500
CONNECTIONS = 64


def measure(*, quick: bool) -> Report:
    seconds = 5 if quick else 30
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root, _testamur(Path(root) / "data") as run:
        paths = _issue(run, 50 if quick else CREDENTIALS)
        measured = {
            name: asyncio.run(_steadily(run.port, [f"{path}{ending}" for path in paths], accept, seconds))
            for name, ending, accept in (
                ("page", "", "text/html"),
                ("signed JSON", ".json", "application/vc"),
            )
        }
    rows = []
    for name, times in measured.items():
        cuts = statistics.quantiles(times, n=100)
        rows.append((name, f"{len(times):,}", f"{cuts[49]:.1f}", f"{cuts[94]:.1f}", f"{cuts[98]:.1f}"))
    page = statistics.quantiles(measured["page"], n=100)
    return Report(
        name="wallet",
        title=f"What a credential's address serves, {RATE} requests a second, one server process, SQLite",
        headings=("what", "requests", "p50 ms", "p95 ms", "p99 ms"),
        rows=rows,
        targets=[Target(name="page, p99 in ms", measured=page[98], at_most=30)],
        notes=["The client is a process on the same machine, and its own time is in the figures."],
    )


def _issue(run: Started, count: int) -> list[str]:
    headers = {"Authorization": f"Bearer {run.token}", "Certifier-Version": VERSION}
    paths = []
    with httpx2.Client(base_url=f"http://127.0.0.1:{run.port}", headers=headers, timeout=60) as client:
        group = client.post("/v1/groups", json={"name": "Financial Markets", "designIds": run.design_ids}).json()
        for number in range(count):
            body = {
                "groupId": group["id"],
                "recipient": {"name": f"Recipient Number {number}", "email": f"recipient.{number}@example.com"},
                "issueDate": "2026-11-20",
            }
            made = client.post("/v1/credentials/create-issue-send", json=body).raise_for_status().json()
            path = f"/credentials/{made['publicId']}"
            # The first visit of each records its pictures, as the recipient's own does.
            client.get(path).raise_for_status()
            paths.append(path)
    return paths


async def _steadily(port: int, paths: list[str], accept: str, seconds: int) -> list[float]:
    """Milliseconds of each request, from the moment at which it was due."""
    times: list[float] = []
    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Accept": accept}, limits=limits, timeout=60
    ) as client:

        async def ask(due: float, path: str) -> None:
            (await client.get(path)).raise_for_status()
            times.append((time.perf_counter() - due) * 1000)

        began = time.perf_counter()
        asked = []
        for number in range(RATE * seconds):
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked.append(asyncio.create_task(ask(due, paths[number % len(paths)])))
        await asyncio.gather(*asked)
    return times
