"""Which work leaves the event loop."""

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from testamur.db import Database
from testamur.rendering.workers import RenderingPool
from testamur.storage import Storage

Result = TypeVar("Result")


async def run_query(database: Database, work: Callable[[], Result], *, storage: Storage | None = None) -> Result:
    """Run short database work: at once on SQLite, on a thread where the database is across a network.

    Work that also reads a file names the storage, because a bucket is across a network too.

    A statement on SQLite takes some tens of microseconds, less than handing it to a thread (measured: half the
    requests per second on a thread). PostgreSQL lets the loop wait, so there the thread pays.
    """
    if database.is_sqlite and (storage is None or storage.is_local):
        return work()
    return await run_sync(work)


class RenderingThreads:
    """Work that draws waits for a worker process: on as many threads as there are such processes, never on the loop."""

    def __init__(self, pool: RenderingPool) -> None:
        self._pool = pool
        self._limiter: CapacityLimiter | None = None

    @property
    def waiting(self) -> int:
        return self._limiter.statistics().tasks_waiting if self._limiter else 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Raises Unavailable at once if as much waits already as may wait."""
        # Made on first use, because a limiter belongs to the event loop that runs then.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._pool.processes)
        if self.waiting >= self._pool.queue:
            raise self._pool.refusal(self.waiting)
        return await run_sync(work, limiter=self._limiter)
