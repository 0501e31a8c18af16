"""The worker: looks for what is due, claims it, and has it done."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from testamur.clock import now
from testamur.delivery.outbox import claim_emails
from testamur.imports.running import claim_import
from testamur.jobs.engine import JobEngine
from testamur.transparency.appending import ENTRIES_MAX
from testamur.web.platform import Platform
from testamur.webhooks.outbox import claim_deliveries, endpoints_due
from testamur.worker.emails import send_emails
from testamur.worker.imports import run_import
from testamur.worker.schedules import (
    COUNT_EVERY,
    append_to_log,
    clean_up,
    count_statistics,
    erase_closed,
    issue_scheduled,
    remind,
    sign_what_is_left,
)
from testamur.worker.webhooks import deliver_webhooks

# How often to look for work that another process has left; work of this process is told at once.
LOOK_SECONDS = 1.0
FAILURE_SECONDS = 5.0
# A tree head is signed for what came in meanwhile.
LOG_EVERY = timedelta(seconds=1)
SCHEDULES_EVERY = timedelta(seconds=15)
CLEAN_UP_EVERY = timedelta(hours=1)
# Counting takes no more than a hundredth of the time, however much there is to count.
COUNT_PAUSE = 100
# Jobs of a kind that one process runs at once.
JOBS_MAX = {"emails": 4, "webhooks": 16, "imports": 2}

_log = structlog.get_logger(__name__)


class Worker:
    """Works until it is stopped. `name` is this worker's own: one of the same name goes on with its work."""

    def __init__(self, platform: Platform, name: str) -> None:
        self._platform = platform
        jobs = {
            "emails": partial(send_emails, platform),
            "webhooks": partial(deliver_webhooks, platform),
            "imports": partial(run_import, platform),
        }
        settings = platform.settings
        self._engine = JobEngine(settings.database_url, settings.data_dir, name, jobs)
        self._stopping = threading.Event()
        # The first look at the clock finds all due.
        self._log_at = self._schedules_at = self._clean_up_at = self._count_at = now()
        self._may_be_unsigned = True

    def work(self) -> None:
        """Blocks until `stop` is called."""
        self._engine.launch()
        _log.info("worker_started")
        try:
            while not self._stopping.is_set():
                self._platform.work_waits.clear()
                try:
                    is_more = self.look()
                except Exception:  # noqa: BLE001 - a database that is away comes back; the worker must still be there.
                    _log.exception("worker_failed")
                    self._stopping.wait(FAILURE_SECONDS)
                    continue
                # Work that was found may have more behind it, and jobs free their places soon.
                self._platform.work_waits.wait(0.05 if is_more else LOOK_SECONDS)
        finally:
            self._engine.stop()
            _log.info("worker_stopped")

    def stop(self) -> None:
        self._stopping.set()
        self._platform.work_waits.set()

    def look(self) -> bool:
        """Start a job for what is due now; whether anything was."""
        at = now()
        found = self._start("emails", lambda: self._claim(lambda tx: claim_emails(tx, at=now())))
        with self._platform.database.read() as tx:
            endpoints = endpoints_due(tx, at)
        for endpoint_id in endpoints:
            claim = partial(claim_deliveries, endpoint_id=endpoint_id, at=now())
            found |= self._start("webhooks", partial(self._claim, claim))
        found |= self._start("imports", lambda: self._claim(lambda tx: claim_import(tx, at=now())))
        if at >= self._schedules_at:
            signed = sign_what_is_left(self._platform, at, is_first=self._may_be_unsigned)
            self._may_be_unsigned = self._may_be_unsigned and signed > 0
            is_due = issue_scheduled(self._platform, at) + remind(self._platform, at) + signed > 0
            is_due |= erase_closed(self._platform, at) > 0
            self._schedules_at = at if is_due else at + SCHEDULES_EVERY
            found |= is_due
        if at >= self._clean_up_at:
            clean_up(self._platform, at)
            self._clean_up_at = at + CLEAN_UP_EVERY
        if at >= self._count_at:
            began = time.monotonic()
            count_statistics(self._platform, at)
            took = timedelta(seconds=time.monotonic() - began)
            self._count_at = now() + max(COUNT_EVERY, COUNT_PAUSE * took)
        if at >= self._log_at:
            # Last, so that a log that somebody has meddled with keeps nothing else from being done.
            is_more = append_to_log(self._platform, at) >= ENTRIES_MAX
            self._log_at = at if is_more else at + LOG_EVERY
            found |= is_more
        return found

    def _start(self, name: str, claim: Callable[[], str | None]) -> bool:
        if self._engine.running(name) >= JOBS_MAX[name]:
            return False
        claimed = claim()
        if claimed is not None:
            self._engine.start(name, claimed)
        return claimed is not None

    def _claim(self, claim: Callable[..., str | None]) -> str | None:
        with self._platform.database.write() as tx:
            return claim(tx)


def work_off(platform: Platform, *, seconds_max: float = 60) -> None:
    """Do everything that is due, here and now, without the job engine: for tests and for commands."""
    ends = time.monotonic() + seconds_max
    while time.monotonic() < ends:
        with platform.database.write() as tx:
            emails = claim_emails(tx, at=now())
            endpoints = endpoints_due(tx, now())
            deliveries = [claim_deliveries(tx, endpoint_id, at=now()) for endpoint_id in endpoints]
            imported = claim_import(tx, at=now())
        if imported is not None:
            run_import(platform, imported)
        if emails is not None:
            send_emails(platform, emails)
        for claim in filter(None, deliveries):
            deliver_webhooks(platform, claim)
        entered = append_to_log(platform, now())
        if imported is None and emails is None and not entered and not any(deliveries):
            return
