"""Thousands of certificates as one ZIP over HTTP, its body thrown away: files per second, and the server's memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import msgspec
import psutil

from benchmarks.report import Report, Target
from benchmarks.serving import START_SECONDS_MAX, Started, _testamur

FIRST = 100
# Where a file of the archive begins.
_MARK = b"PK\x03\x04"
_MIB = 1024 * 1024


class Seen(msgspec.Struct):
    """What a download came to; memory in MiB, of the server and the processes it has started."""

    files: int = 0
    size: int = 0
    seconds: float = 0.0
    first: float = 0.0
    last: float = 0.0
    peak: float = 0.0


def measure(*, quick: bool) -> Report:
    count = 300 if quick else 10_000
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _testamur(Path(folder)) as server:
        _issue(Path(folder), server, count)
        seen = _download(server)
    if seen.files != count + 1:
        raise RuntimeError(f"The archive has {seen.files} files, not {count} and its table")
    return Report(
        name="download",
        title="Certificates as one ZIP, over HTTP",
        headings=("certificates", "MB", "files/s", f"MiB after {FIRST}", "MiB at the end", "MiB at most", "ratio"),
        rows=[
            (
                f"{count:,}",
                f"{seen.size / 1e6:.0f}",
                f"{count / seen.seconds:.0f}",
                f"{seen.first:.0f}",
                f"{seen.last:.0f}",
                f"{seen.peak:.0f}",
                f"{seen.last / seen.first:.2f}",
            )
        ],
        targets=[
            Target(name=f"memory at the end over that after {FIRST}", measured=seen.last / seen.first, at_most=1.5)
        ],
    )


def _issue(folder: Path, server: Started, count: int) -> None:
    """Issue to so many people beside the running server, on the same database."""
    sheet = folder / "people.csv"
    rows = "".join(f"Recipient Number {n},recipient.{n}@example.com\n" for n in range(count))
    sheet.write_text("recipient.name,recipient.email\n" + rows, encoding="utf-8")
    command = [sys.executable, "-m", "testamur", "issue", str(sheet), "--template", server.template_id, "--no-pdf"]
    environment = {
        **os.environ,
        "TESTAMUR_DATA_DIR": str(folder),
        "TESTAMUR_BASE_URL": f"http://127.0.0.1:{server.port}",
    }
    subprocess.run([*command, "--out", str(folder / "out")], env=environment, capture_output=True, check=True)


def _download(server: Started) -> Seen:
    process = _process_on(server.port)
    headers = {"Authorization": f"Bearer {server.token}", "Certifier-Version": "2022-10-26"}
    url = f"http://127.0.0.1:{server.port}/v1/groups/{server.template_id}/download"
    seen, tail = Seen(), b""
    began = looked = time.perf_counter()
    with httpx2.stream("GET", url, headers=headers, timeout=START_SECONDS_MAX) as answer:
        if answer.status_code != 200:
            raise RuntimeError(json.loads(answer.read()))
        for part in answer.iter_raw():
            seen.files += (tail + part).count(_MARK)
            tail = part[-len(_MARK) + 1 :]
            seen.size += len(part)
            if seen.files >= FIRST and (not seen.first or time.perf_counter() - looked > 0.5):
                looked = time.perf_counter()
                seen.last = _memory(process)
                seen.first = seen.first or seen.last
                seen.peak = max(seen.peak, seen.last)
    seen.seconds = time.perf_counter() - began
    seen.last = _memory(process)
    seen.peak = max(seen.peak, seen.last)
    return seen


def _process_on(port: int) -> psutil.Process:
    """The process of ours that serves on a port."""
    for process in psutil.Process().children():
        if any(item.laddr.port == port for item in process.net_connections("tcp") if item.status == "LISTEN"):
            return process
    raise RuntimeError(f"Nothing serves on port {port}")


def _memory(process: psutil.Process) -> float:
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / _MIB
