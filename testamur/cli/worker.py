import os
import signal
import socket
from types import FrameType

import click

from testamur.cli.platform import opened_platform
from testamur.worker.work import Worker


@click.command("worker")
@click.option("--name", help="A name of its own that it keeps; after a crash it goes on with its work at once.")
def worker_command(name: str | None) -> None:
    """Send mails and webhooks, run imports and schedules.

    testamur serve does all this too, unless it is told --no-worker. Any number may run, each with another name.
    """
    with opened_platform() as platform:
        platform.storage.check()
        worker = Worker(platform, name or f"{socket.gethostname()}-{os.getpid()}")

        def stop(_signal: int, _frame: FrameType | None) -> None:
            worker.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        click.echo("Working (Ctrl-C stops it)")
        worker.work()
