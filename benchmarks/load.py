"""Load for one HTTP server: `python -m benchmarks.load` reads a Load as JSON and prints what it measured as JSON.

A process of its own, so that it takes no time from the server's. Each connection sends the same prepared bytes again
as soon as the answer to the last is complete; nothing more of HTTP is understood than that needs.
"""

import asyncio
import sys
import time
from collections import Counter
from typing import Any

import msgspec
import uvloop

# One that does not answer within this is broken, not slow.
ANSWER_SECONDS_MAX = 30
# A picture is no text to look at, and need not be handed on.
SAMPLE_BYTES_MAX = 10_000


class Load(msgspec.Struct, frozen=True, kw_only=True):
    port: int
    request: str
    connections: int
    warm_up_seconds: float
    seconds: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a load; `statuses` counts the warm-up too, the other figures do not."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]
    # The beginning of one answer's body, for the caller to look at.
    sample: str
    broken_connections: int


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._buffer = b""
        self._needed = 0
        self._status = ""
        self._sent_at = 0.0
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._run.is_over:
            self._run.broken_connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._needed and not self._read_head():
            return
        if len(self._buffer) >= self._needed:
            self._complete()

    def _read_head(self) -> bool:
        """Whether the head has come; if so, how long the whole answer is has become known."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._buffer[:end].lower()
        self._status = head[9:12].decode()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            raise RuntimeError("The answer does not tell its length")
        line_end = head.find(b"\r\n", at + 2)
        length = head[at + 17 : line_end if line_end > 0 else end]
        self._needed = end + 4 + int(length)
        return True

    def _complete(self) -> None:
        run, now = self._run, time.perf_counter()
        run.statuses[self._status] += 1
        if run.sample is None:
            body = self._buffer[self._buffer.find(b"\r\n\r\n") + 4 :]
            run.sample = body[:SAMPLE_BYTES_MAX].decode(errors="replace")
        if run.began <= self._sent_at and now <= run.ends:
            run.latencies.append(now - self._sent_at)
        self._buffer, self._needed = b"", 0
        if now < run.ends:
            self._send()
        else:
            self._transport.close()
            run.finished()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._run.request)


class _Run:
    """What all connections share."""

    def __init__(self, load: Load) -> None:
        self.request = load.request.encode()
        self.began = time.perf_counter() + load.warm_up_seconds
        self.ends = self.began + load.seconds
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.sample: str | None = None
        self.broken_connections = 0
        self._open = load.connections
        self.all_closed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return time.perf_counter() >= self.ends

    def finished(self) -> None:
        self._open -= 1
        if not self._open:
            self.all_closed.set()


async def run_load(load: Load) -> Measured:
    loop = asyncio.get_running_loop()
    run = _Run(load)
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Client(run), "127.0.0.1", load.port)
    try:
        async with asyncio.timeout(load.warm_up_seconds + load.seconds + ANSWER_SECONDS_MAX):
            await run.all_closed.wait()
    except TimeoutError:
        run.broken_connections += 1
    ordered = sorted(run.latencies) or [0.0]
    return Measured(
        requests_per_second=len(run.latencies) / load.seconds,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000,
        statuses=dict(run.statuses),
        sample=run.sample or "",
        broken_connections=run.broken_connections,
    )


def main() -> None:
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run_load(load))))


if __name__ == "__main__":
    main()
