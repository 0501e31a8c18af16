"""`testamur check`: what would go wrong in the certificates of a spreadsheet's recipients, before they are issued."""

import sys
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from testamur.attributes.queries import attribute_types
from testamur.cli.platform import (
    find_template,
    find_workspace,
    json_option,
    opened_platform,
    print_json,
    workspace_option,
)
from testamur.clock import now
from testamur.credentials.bulk_issuing import CheckedRow, RowChecker
from testamur.credentials.checking import AwardCheck
from testamur.credentials.spreadsheets import read_sheet
from testamur.designs.queries import has_asset
from testamur.web.platform import Platform

ROWS_AT_ONCE = 200


@click.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--template", "template_id", metavar="ID", required=True, help="Credential template (group) to check for."
)
@click.option("--encoding", help="Encoding of FILE if it is not UTF-8, such as windows-1252.")
@json_option
@workspace_option
def check_command(file: Path, template_id: str, encoding: str | None, workspace: str | None, *, as_json: bool) -> None:
    """Check the rows of FILE (CSV, XLSX) before they are issued.

    Tells rows that could not be issued, texts that are too long for their boxes, attributes without a value, and letters
    that no font has. Nothing is made. Exit code 1 if something was found.
    """
    with opened_platform() as platform:
        found = sorted(_findings(platform, file, template_id, encoding, workspace), key=itemgetter("line"))
    if as_json:
        print_json(found)
    else:
        for item in found:
            who = f" {item['recipient']}" if item["recipient"] else ""
            where = f" [{item['design']}, {item['element']}]" if item["design"] else ""
            click.echo(f"Line {item['line']}{who}{where}: {item['message']}")
        click.echo("Nothing was found" if not found else f"{len(found)} findings", err=True)
    if found:
        sys.exit(1)


def _findings(
    platform: Platform, file: Path, template_id: str, encoding: str | None, slug: str | None
) -> Iterator[dict[str, Any]]:
    with platform.database.read() as tx:
        owner = find_workspace(tx, slug)
        template = find_template(tx, owner, template_id)
        types = attribute_types(tx, owner.id)
        awards = AwardCheck(tx, platform.renderers, owner, template, platform.settings.base_url)

    def has_picture(digest: str) -> bool:
        with platform.database.read() as reading:
            return has_asset(reading, owner.id, digest)

    checker = RowChecker(owner, types, template, has_picture=has_picture)
    with file.open("rb") as opened:
        rows = list(read_sheet(opened, defined_tags=types, encoding=encoding).rows)
    source = iter(rows)
    with click.progressbar(length=len(rows), label="Checking", file=sys.stderr) as bar:
        while chunk := list(islice(source, ROWS_AT_ONCE)):
            at = now()
            checked: list[CheckedRow] = []
            for outcome in (checker.check(row, at=at) for row in chunk):
                if isinstance(outcome, CheckedRow):
                    checked.append(outcome)
                else:
                    yield _item(outcome.line, "", "invalid", message=outcome.error or "")
                    bar.update(1)
            for row, found in awards.check(checked, at=at):
                for item in found:
                    finding = item.finding
                    yield _item(
                        row.line,
                        item.recipient_name,
                        finding.kind,
                        design=item.design.name,
                        element=finding.name or finding.path,
                        attributes=list(finding.tags),
                        message=finding.message,
                    )
                bar.update(1)


def _item(
    line: int,
    recipient: str,
    kind: str,
    *,
    design: str | None = None,
    element: str = "",
    attributes: list[str] | None = None,
    message: str,
) -> dict[str, Any]:
    return {
        "line": line,
        "recipient": recipient,
        "kind": kind,
        "design": design,
        "element": element,
        "attributes": attributes or [],
        "message": message,
    }
