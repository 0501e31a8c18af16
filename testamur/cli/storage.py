"""`testamur storage`: where files are kept, and how they get elsewhere."""

import sys

import click
import msgspec

from testamur.cli.platform import json_option, print_json
from testamur.config import read_settings
from testamur.logs import configure_logs
from testamur.storage.copying import copy_files
from testamur.storage.opening import open_storage
from testamur.web.platform import storage_of


@click.group("storage")
def storage_group() -> None:
    """Pictures, rendered credentials and uploads."""


@storage_group.command("copy")
@click.option("--to", metavar="URL", required=True, help="s3://BUCKET/PREFIX?endpoint=https://HOST or file:///PATH.")
@json_option
def copy_command(to: str, *, as_json: bool) -> None:
    """Copy all files from where they are kept to another place.

    Files that are there already with the same length are skipped, so a copying that was ended is gone on with by
    running it again. Nothing is removed. Then set TESTAMUR_STORAGE_URL to the new place.
    """
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    source = storage_of(settings)
    try:
        target = open_storage(
            to, settings.data_dir, access_key=settings.storage_access_key, secret_key=settings.storage_secret_key
        )
    except ValueError as error:
        raise click.BadParameter(f"it {error}", param_hint="--to") from None
    count = sum(1 for _ in source.files())
    with click.progressbar(length=count, label="Copying", file=sys.stderr) as bar:
        done = copy_files(source, target, lambda: bar.update(1))
    if as_json:
        print_json({"from": source.place, "to": target.place, **msgspec.to_builtins(done)})
    else:
        click.echo(
            f"Copied {done.copied} files ({done.size_bytes:,} bytes) to {target.place}, {done.skipped} were there"
        )
