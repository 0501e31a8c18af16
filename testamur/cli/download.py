"""`testamur download`: the certificates of a credential template as one ZIP."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, get_args

import click

from testamur.cli.platform import find_template, find_workspace, opened_platform, workspace_option
from testamur.clock import now, today
from testamur.credentials.downloading import AWARDED, Wanted, check_name_pattern
from testamur.credentials.file_names import NAME_PATTERN
from testamur.credentials.renderings import Format
from testamur.credentials.searching import TextIs, count_found
from testamur.web.downloads import open_download, selection_of


@click.command("download")
@click.option("--template", "template_id", metavar="ID", required=True, help="Credential template (group) to download.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The ZIP to write.")
@click.option("--format", "format_", type=click.Choice(get_args(Format)), default="pdf", show_default=True)
@click.option("--name", "pattern", default=NAME_PATTERN, show_default=True, help="What each file is called.")
@workspace_option
def download_command(template_id: str, out: Path, format_: Format, pattern: str, workspace: str | None) -> None:
    """Write all certificates that a template has issued into one ZIP.

    The ZIP stands under its name only when it is whole. Its last file, results.csv, tells which file is whose.
    """
    with opened_platform() as platform:
        at = now()
        with platform.database.read() as tx:
            owner = find_workspace(tx, workspace)
            template = find_template(tx, owner, template_id)
            wanted = Wanted(format=format_, pattern=check_name_pattern(tx, owner.id, pattern))
            chosen = selection_of(TextIs("credential_template_id", "equals", template.id), AWARDED, at)
            count = count_found(tx, owner.id, chosen, today=today(owner.time_zone, at))
        with (
            closing(open_download(platform, owner, wanted, chosen, at=at)) as archive,
            _whole_file(out) as file,
            click.progressbar(length=count, label="Downloading", file=sys.stderr) as bar,
        ):
            for part in archive:
                file.write(part)
                bar.update(archive.done - bar.pos)
    click.echo(f"Wrote {archive.done - archive.faulty} files to {out}, {archive.faulty} could not be rendered")
    if archive.faulty:
        sys.exit(1)


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when it is written to its end, and that is removed if it is not."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
