"""`testamur log`: the transparency log, and whether it is whole."""

import sys
from base64 import b64encode
from pathlib import Path

import click

from testamur.cli.platform import json_option, opened_platform, print_json
from testamur.transparency.checking import check_log
from testamur.transparency.model import LogStatus
from testamur.transparency.queries import log_status


@click.group("log")
def log_group() -> None:
    """The transparency log of all that is signed and revoked."""


@log_group.command("status")
@json_option
def status_command(*, as_json: bool) -> None:
    """Show how many entries the log has, how many wait, and its newest tree head."""
    with opened_platform() as platform, platform.database.read() as tx:
        found = log_status(tx)
    if as_json:
        print_json(_as_json(found))
        return
    if found.head is None:
        click.echo("The log has no entries yet")
    else:
        click.echo(f"{found.head.size} entries, signed {found.head.created_at:%Y-%m-%d %H:%M} UTC")
        click.echo(f"Root {b64encode(found.head.root).decode()}")
    for key in found.keys:
        click.echo(f"Key  {key.verifier_key}")
    if found.pending_since is not None:
        click.echo(f"{found.pending} wait to be entered since {found.pending_since:%Y-%m-%d %H:%M:%S} UTC")


@log_group.command("verify")
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A tree head that was kept elsewhere, which the log must agree with; may be given more than once.",
)
@json_option
def verify_command(files: tuple[Path, ...], *, as_json: bool) -> None:
    """Work out the tree anew from all entries and compare it with every tree head.

    Exit code 1 if something was changed, added or taken out.
    """
    kept = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    with opened_platform() as platform, platform.database.read() as tx:
        head = log_status(tx).head
        with click.progressbar(length=0 if head is None else head.size, label="Verifying", file=sys.stderr) as bar:
            found = check_log(tx, kept, advance=bar.update)
    root = b64encode(found.root).decode()
    if as_json:
        print_json({"entries": found.size, "heads": found.heads, "root": root, "fault": found.fault})
    elif found.fault is None:
        click.echo(f"{found.size} entries agree with {found.heads} tree heads; the root is {root}")
    else:
        click.echo(f"testamur: {found.fault}", err=True)
    if found.fault is not None:
        sys.exit(1)


def _as_json(found: LogStatus) -> dict[str, object]:
    since, head = found.pending_since, found.head
    return {
        "entries": 0 if head is None else head.size,
        "root": None if head is None else b64encode(head.root).decode(),
        "signedAt": None if head is None else head.created_at.isoformat(),
        "checkpoint": None if head is None else head.checkpoint,
        "keys": [key.verifier_key for key in found.keys],
        "pending": found.pending,
        "pendingSince": None if since is None else since.isoformat(),
    }
