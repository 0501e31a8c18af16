"""`testamur issue`: a spreadsheet of recipients becomes credentials, and a folder of PDFs."""

import csv
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import click

from testamur.attributes.model import AttributeType
from testamur.attributes.queries import attribute_types
from testamur.cli.platform import find_template, find_workspace, opened_platform, workspace_option
from testamur.clock import now
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.bulk_issuing import ROWS_PER_TRANSACTION, CheckedRow, RowChecker, RowResult, issue_rows
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential
from testamur.credentials.pins import Pin, find_pins
from testamur.credentials.spreadsheets import Sheet, read_sheet
from testamur.credentials.values import attribute_values
from testamur.designs.queries import find_designs, has_asset
from testamur.designs.renderers import DesignRenderer
from testamur.plans import UNLIMITED, Plan
from testamur.storage.folder import write_file
from testamur.web.platform import Platform
from testamur.workspaces.allowance import plan_of
from testamur.workspaces.model import Workspace

# File systems allow 255 bytes, and a letter of most scripts takes three.
FILE_NAME_LENGTH_MAX = 60


@click.command("issue")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--template", "template_id", metavar="ID", required=True, help="Credential template (group) to issue.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results.")
@click.option("--no-pdf", is_flag=True, help="Write no PDFs, only results.csv.")
@click.option("--encoding", help="Encoding of FILE if it is not UTF-8, such as windows-1252.")
@workspace_option
def issue_command(
    file: Path, template_id: str, out: Path, *, no_pdf: bool, encoding: str | None, workspace: str | None
) -> None:
    """Issue a credential for each row of FILE (CSV, XLSX).

    Running it again issues nothing twice. Columns: recipient.name, and if wanted recipient.email, issue_date,
    expiry_date, external_id and custom attributes such as custom.hours.
    """
    with opened_platform() as platform:
        with platform.database.read() as tx:
            owner = find_workspace(tx, workspace)
            template = find_template(tx, owner, template_id)
            types = attribute_types(tx, owner.id)
        with file.open("rb") as opened:
            sheet = read_sheet(opened, defined_tags=types, encoding=encoding)
            for heading in sheet.ignored:
                click.echo(f'The column "{heading}" means nothing to Testamur and is left out', err=True)
            plan = plan_of(owner, platform.settings.plans)

            def has_picture(digest: str) -> bool:
                with platform.database.read() as reading:
                    return has_asset(reading, owner.id, digest)

            checker = RowChecker(owner, types, template, has_picture=has_picture, plan=plan)
            run = IssueRun(platform, owner, template, out, checker, types=types, writes_pdfs=not no_pdf, plan=plan)
            run.issue(sheet)
    click.echo(f"Issued {run.issued}, found {run.found} issued before, wrote {run.pdfs} PDFs, {run.faulty} faulty rows")
    if run.faulty:
        sys.exit(1)


class IssueRun:
    """One run over a file, and its counts."""

    def __init__(
        self,
        platform: Platform,
        workspace: Workspace,
        template: CredentialTemplate,
        out: Path,
        checker: RowChecker,
        *,
        types: Mapping[str, AttributeType],
        writes_pdfs: bool,
        plan: Plan = UNLIMITED,
    ) -> None:
        self._platform = platform
        self._workspace = workspace
        self._template = template
        self._out = out
        self._checker = checker
        self._types = types
        self._plan = plan
        self._renderer = _find_renderer(platform, workspace, template.design_ids, {}) if writes_pdfs else None
        self.issued = self.found = self.faulty = self.pdfs = 0

    def issue(self, sheet: Sheet) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        rows = list(sheet.rows)
        with (
            (self._out / "results.csv").open("w", encoding="utf-8", newline="") as file,
            click.progressbar(length=len(rows), label="Issuing", file=sys.stderr) as bar,
        ):
            results = csv.writer(file)
            results.writerow(("row", "credential_id", "public_url", "error"))
            source = iter(rows)
            while chunk := list(islice(source, ROWS_PER_TRANSACTION)):
                at = now()
                outcomes = [self._checker.check(row, at=at) for row in chunk]
                checked = [outcome for outcome in outcomes if isinstance(outcome, CheckedRow)]
                done = {outcome.line: outcome for outcome in outcomes if isinstance(outcome, RowResult)}
                if checked:
                    with self._platform.database.write() as tx:
                        for result in issue_rows(
                            tx,
                            self._workspace,
                            self._template,
                            checked,
                            plan=self._plan,
                            signers=self._platform.signers,
                            at=at,
                        ):
                            done[result.line] = result
                # The order of the rows is kept, because the pool's map keeps it.
                ordered = [done[outcome.line] for outcome in outcomes]
                pins = self._find_pins(ordered)
                writing = self._platform.renderers.pool.map(
                    partial(self._write_pdf, result, pins) for result in ordered
                )
                for result, written in zip(ordered, writing, strict=True):
                    self._count(result, written=written)
                    results.writerow(self._line(result))
                    bar.update(1)

    def _count(self, result: RowResult, *, written: bool) -> None:
        self.pdfs += written
        if result.error is not None:
            self.faulty += 1
            click.echo(f"Line {result.line}: {result.error}", err=True)
        elif result.outcome == "created":
            self.issued += 1
        else:
            self.found += 1

    def _line(self, result: RowResult) -> tuple[int, str, str, str]:
        credential = result.credential
        if credential is None:
            return result.line, "", "", result.error or ""
        return result.line, credential.id, page_url(self._platform.settings.base_url, credential.public_id), ""

    def _find_pins(self, results: list[RowResult]) -> dict[str, Pin]:
        """What those of the rows' credentials show that do not follow their template, by the credential's id."""
        if self._renderer is None:
            return {}
        ids = [result.credential.id for result in results if result.credential is not None]
        with self._platform.database.read() as tx:
            return find_pins(tx, self._workspace.id, ids)

    def _write_pdf(self, result: RowResult, pins: Mapping[str, Pin]) -> bool:
        """Write the PDF of a row unless it is there already; tells whether it was written."""
        credential = result.credential
        if credential is None or self._renderer is None:
            return False
        path = self._out / f"{_file_stem(credential)}.pdf"
        if path.exists():
            return False
        pin = pins.get(credential.id)
        if pin is None:
            base_url = self._platform.settings.base_url
            renderer, title = self._renderer, f"{self._template.name} - {credential.recipient.name}"
            values = attribute_values(credential, self._template, self._workspace, base_url, self._types)
            language = self._template.language
        else:
            versions = {design.id: design.version for design in pin.designs}
            renderer = _find_renderer(self._platform, self._workspace, list(versions), versions)
            title, values, language = pin.title, pin.values, pin.language
        at = credential.issued_at or credential.created_at
        write_file(path, renderer.pdf(values, title=title, language=language, at=at))
        return True


def _find_renderer(
    platform: Platform, workspace: Workspace, design_ids: Sequence[str], versions: Mapping[str, int]
) -> DesignRenderer:
    """That of the first certificate, or of the first design if there is none: one PDF a row.

    Without a version of its own, a design is drawn as it is now.
    """
    with platform.database.read() as tx:
        found = find_designs(tx, workspace.id, design_ids)
        designs = [found[design_id] for design_id in design_ids]
        first = next((design for design in designs if design.type == "certificate"), designs[0])
        return platform.renderers.get(tx, workspace.id, first.id, versions.get(first.id, first.version))


def _file_stem(credential: Credential) -> str:
    """`ada-lovelace-124a8110`: the letters, marks and digits of the name in any script, and the same in every run."""
    name = unicodedata.normalize("NFC", credential.recipient.name.lower())
    plain = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in name)
    return f"{'-'.join(plain.split())[:FILE_NAME_LENGTH_MAX].strip('-') or 'recipient'}-{credential.public_id[:8]}"
