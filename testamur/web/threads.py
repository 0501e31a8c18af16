"""Which work leaves the event loop."""

import os
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from testamur.db import Database
from testamur.storage import Storage

Result = TypeVar("Result")

RENDERING_THREADS = max(2, os.cpu_count() or 1)


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
    """Rendering holds a processor for some milliseconds: it runs on as many threads as there are processors."""

    def __init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[[], Result]) -> Result:
        # Made on first use, because a limiter belongs to the event loop that runs then.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(RENDERING_THREADS)
        return await run_sync(work, limiter=self._limiter)
