import dataclasses
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import uvicorn

from testamur.app import create_app
from testamur.cli.setup import Bootstrapped, FirstOwner, bootstrap, make_first_owner
from testamur.config import DEFAULT_BASE_URL, read_settings
from testamur.logs import configure_logs
from testamur.web.platform import Platform, open_platform
from testamur.web.starting import settle, start
from testamur.web.welcome import first_request
from testamur.worker.work import Worker
from testamur.workspaces.queries import count_workspaces

STOP_SECONDS = 30


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Number of processes.")
@click.option("--no-worker", is_flag=True, help="Leave mails, webhooks and imports to testamur worker.")
def serve_command(host: str, port: int, workers: int, *, no_worker: bool) -> None:
    """Serve the API, the public pages and the dashboard.

    Mails, webhooks and imports are worked on beside it.
    """
    settings = read_settings()
    if settings.base_url == DEFAULT_BASE_URL and port != 8000:
        # Without an address of its own the server is where it listens.
        settings = dataclasses.replace(settings, base_url=f"http://127.0.0.1:{port}")
        os.environ["TESTAMUR_BASE_URL"] = settings.base_url  # Worker processes read it from there.
    configure_logs(settings.log_level, settings.log_format)
    platform = open_platform(settings)
    start(platform)
    platform.storage.check()
    with platform.database.read() as tx:
        is_first_start = count_workspaces(tx) == 0
    if is_first_start:
        _welcome(bootstrap(platform))
    else:
        # Workspaces that were made before there were accounts have no owner yet.
        owner = make_first_owner(platform)
        click.echo("\n".join([_runs_at(settings.base_url), *(_signing_in(settings.base_url, owner) if owner else [])]))
    # The server passes the signal on when it has finished its requests; then the worker shall finish its jobs.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    with _working(platform, is_wanted=not no_worker):
        if workers == 1:
            app = create_app(platform)
            settle()
            _serve(app, host, port)
        else:
            # The processes open their own connections; this one only watches them, and works.
            os.environ.setdefault("TESTAMUR_RENDERING_PROCESSES", str(max(1, settings.rendering_processes // workers)))
            _serve("testamur.app:create_app_from_environment", host, port, factory=True, workers=workers)


def _serve(app: Any, host: str, port: int, **options: Any) -> None:
    uvicorn.run(
        app,
        host=host,
        port=port,
        timeout_graceful_shutdown=STOP_SECONDS,
        log_config=None,
        access_log=False,
        server_header=False,
        **options,
    )


@contextmanager
def _working(platform: Platform, *, is_wanted: bool) -> Iterator[None]:
    """A worker beside the server, in a thread of this process."""
    if not is_wanted:
        yield
        return
    # Of several servers on one machine each has its own port, but this name is only that of the work left behind.
    worker = Worker(platform, f"serve-{socket.gethostname()}")
    thread = threading.Thread(target=worker.work, name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(STOP_SECONDS)
        platform.close()


def _welcome(made: Bootstrapped) -> None:
    """What a newcomer needs, once: the token is not kept and cannot be shown again."""
    curl = first_request(made.base_url, token=made.token, design_ids=[design.id for design in made.designs])
    lines = [
        "",
        _runs_at(made.base_url),
        "",
        *(_signing_in(made.base_url, made.owner) if made.owner else []),
        f"  Access token   {made.token}   (shown this once; keep it)",
        *(f"  {design.type.capitalize():<14} {design.id}   {design.name}" for design in made.designs),
        "",
        "The first request, ready to paste:",
        "",
        curl,
        "",
    ]
    click.echo("\n".join(lines))


def _runs_at(base_url: str) -> str:
    return f"Testamur runs at {base_url} (Ctrl-C stops it)"


def _signing_in(base_url: str, owner: FirstOwner) -> list[str]:
    return [
        f"  Sign in        {base_url}/sign-in",
        f"  Email          {owner.email}",
        f"  Password       {owner.password}   (shown this once; keep it)",
        "",
    ]
