from pathlib import Path

import click

from testamur.cli.platform import find_workspace, json_option, opened_platform, print_json, record, workspace_option
from testamur.clock import now
from testamur.designs.exporting import export_design
from testamur.designs.fonts import font_names
from testamur.designs.gallery import add_from_gallery, gallery_design
from testamur.designs.importing import import_design, import_package
from testamur.designs.packages import is_archive, pack, unpack
from testamur.designs.starters import GALLERY
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.rendering.document import parse_design_file
from testamur.storage.folder import write_file


@click.group("design")
def design_group() -> None:
    """Designs of certificates and badges."""


@design_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@workspace_option
@json_option
def import_command(file: Path, workspace: str | None, *, as_json: bool) -> None:
    """Add a design from FILE: what `design export` wrote, or a design file with its pictures beside it."""
    content = file.read_bytes()
    with opened_platform() as platform, platform.database.write() as tx:
        owner = find_workspace(tx, workspace)
        fonts = font_names(tx, owner.id)
        if is_archive(content):
            design = import_package(tx, platform.storage, owner.id, unpack(content, fonts=fonts), at=now())
        else:
            drawn = parse_design_file(content, fonts=fonts)
            design = import_design(tx, platform.storage, owner.id, drawn, folder=file.parent, at=now())
        record(tx, owner.id, "design.imported", subject=design.id, at=now())
    if as_json:
        print_json({"id": design.id, "name": design.name, "type": design.type})
    else:
        click.echo(f"Added the {design.type} design {design.name} ({design.id})")


@design_group.command("export")
@click.argument("design_id", metavar="ID")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write, a ZIP.")
@workspace_option
def export_command(design_id: str, out: Path, workspace: str | None) -> None:
    """Write a design and its pictures into one file, which `design import` reads."""
    with opened_platform() as platform, platform.database.read() as tx:
        owner = find_workspace(tx, workspace)
        try:
            drawn, pictures = export_design(tx, platform.storage, owner.id, normalize_id(design_id) or "")
        except NotFound:
            raise NotFound(f"The workspace {owner.slug} has no design {design_id}") from None
    write_file(out, pack(drawn, pictures))
    click.echo(f"Wrote the {drawn.type} design {drawn.name} to {out}")


@design_group.command("gallery")
@json_option
def gallery_command(*, as_json: bool) -> None:
    """List the designs to begin with."""
    designs = [gallery_design(name) for name in GALLERY]
    if as_json:
        print_json([{"name": design.name, "title": design.title, "type": design.type} for design in designs])
        return
    for design in designs:
        click.echo(f"{design.name:<16} {design.type:<12} {design.title}")


@design_group.command("add")
@click.argument("name")
@workspace_option
@json_option
def add_command(name: str, workspace: str | None, *, as_json: bool) -> None:
    """Add the design NAME of the gallery, which `design gallery` lists."""
    with opened_platform() as platform, platform.database.write() as tx:
        owner = find_workspace(tx, workspace)
        design = add_from_gallery(tx, platform.storage, owner.id, name, at=now())
        record(tx, owner.id, "design.created", subject=design.id, at=now())
    if as_json:
        print_json({"id": design.id, "name": design.name, "type": design.type})
    else:
        click.echo(f"Added the {design.type} design {design.name} ({design.id})")
