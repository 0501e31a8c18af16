from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock

import structlog

_log = structlog.get_logger(__name__)

NAME = "testamur"
# Pinned: a workflow that an older version began is gone on with by a newer one, because its arguments are only ids.
WORKFLOWS_VERSION = "1"
THREADS = 32
STOP_SECONDS = 20

Job = Callable[[str], None]


class JobEngine:
    """Runs named jobs, each with the id of a claim. There is one in a process."""

    def __init__(self, database_url: str, data_dir: Path, worker_name: str, jobs: Mapping[str, Job]) -> None:
        # Importing dbos takes longer than most commands do, and only workers need it.
        from dbos import DBOS, SetWorkflowID  # noqa: PLC0415

        self._dbos, self._with_id = DBOS, SetWorkflowID
        self._jobs = dict(jobs)
        self._running: dict[str, int] = dict.fromkeys(jobs, 0)
        self._lock = Lock()
        is_sqlite = database_url.startswith("sqlite")
        DBOS(
            config={
                "name": NAME,
                # Beside our own SQLite database and not in it, so that neither waits for the other's writers.
                "system_database_url": f"sqlite:///{data_dir / 'jobs.db'}" if is_sqlite else database_url,
                "executor_id": worker_name,
                "application_version": WORKFLOWS_VERSION,
                "max_executor_threads": THREADS,
                "log_level": "ERROR",
            }
        )

        @DBOS.workflow(name="run_job")
        def run_job(name: str, claim: str) -> None:
            DBOS.run_step({"name": name}, self._run, name, claim)

        self._workflow = run_job

    def launch(self) -> None:
        """Go on with what a crash of this worker left, and be ready for more."""
        self._dbos.launch()

    def start(self, name: str, claim: str) -> None:
        """Run a job for a claim, in the background. Starting it again does nothing."""
        with self._lock:
            self._running[name] += 1
        with self._with_id(f"{name}-{claim}"):
            self._dbos.start_workflow(self._workflow, name, claim)

    def running(self, name: str) -> int:
        """How many jobs of a name run in this process."""
        with self._lock:
            return self._running[name]

    def stop(self) -> None:
        """Wait for the jobs that run, for some seconds at most."""
        self._dbos.destroy(workflow_completion_timeout_sec=STOP_SECONDS)

    def _run(self, name: str, claim: str) -> None:
        try:
            self._jobs[name](claim)
        except Exception:
            # Its rows are claimed again when the claim has lapsed; who keeps the server must learn of it before.
            _log.exception("job_failed", job=name, claim=claim)
            raise
        finally:
            with self._lock:
                # One that was gone on with after a crash was not counted when it was started.
                self._running[name] = max(0, self._running[name] - 1)
