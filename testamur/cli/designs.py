from pathlib import Path

import click

from testamur.cli.platform import find_workspace, json_option, opened_platform, print_json, workspace_option
from testamur.clock import now
from testamur.designs.importing import import_design
from testamur.rendering.document import parse_design_file


@click.group("design")
def design_group() -> None:
    """Designs of certificates and badges."""


@design_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@workspace_option
@json_option
def import_command(file: Path, workspace: str | None, *, as_json: bool) -> None:
    """Add a design from FILE; pictures it names are read from beside it."""
    drawn = parse_design_file(file.read_bytes())
    with opened_platform() as platform, platform.database.write() as tx:
        design = import_design(
            tx, platform.storage, find_workspace(tx, workspace).id, drawn, folder=file.parent, at=now()
        )
    if as_json:
        print_json({"id": design.id, "name": design.name, "type": design.type})
    else:
        click.echo(f"Added the {design.type} design {design.name} ({design.id})")
