"""`testamur issue` without PDFs: rows per second, and whether a row costs the same in a small and in a large file."""

import io
import os
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr
from pathlib import Path
from statistics import median

from benchmarks.report import Report, Target
from testamur.attributes.queries import attribute_types
from testamur.cli.issue import IssueRun
from testamur.clock import now
from testamur.config import Settings
from testamur.credential_templates.editing import create_credential_template
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.bulk_issuing import RowChecker
from testamur.credentials.spreadsheets import read_sheet
from testamur.designs.queries import list_designs
from testamur.web.platform import Platform, open_platform
from testamur.workspaces.queries import list_workspaces

COMMAND_SIZES = (1_000, 10_000)
ROW_SIZES = (100, 10_000)


def measure(*, quick: bool) -> Report:
    rounds = 1 if quick else 3
    commands: dict[int, list[float]] = {size: [] for size in COMMAND_SIZES}
    rows: dict[int, list[float]] = {size: [] for size in ROW_SIZES}
    with tempfile.TemporaryDirectory() as root:
        for number in range(rounds):
            for size in COMMAND_SIZES:
                commands[size].append(_time_command(Path(root, f"command-{size}-{number}"), size))
            for size in ROW_SIZES:
                folder = Path(root, f"rows-{size}-{number}")
                # As many small files as make a time that can be measured.
                files = max(1, 3_000 // size)
                rows[size].append(_time_files(folder, size, files) / files / size)
    small, large = (median(rows[size]) for size in ROW_SIZES)
    return Report(
        name="issue",
        title="testamur issue, without PDFs, on SQLite",
        headings=("rows in the file", "measured", "figure"),
        rows=[
            *(
                (f"{size:,}", "the whole command", f"{size / median(found):,.0f} rows/s")
                for size, found in commands.items()
            ),
            *(
                (f"{size:,}", "in a running process", f"{median(found) * 1e6:.0f} us a row")
                for size, found in rows.items()
            ),
        ],
        targets=[
            Target(name="rows per second at 1,000 rows", measured=1000 / median(commands[1000]), at_least=500),
            Target(name="cost of a row at 10,000 over that at 100", measured=large / small, at_most=1.25),
        ],
    )


def _sheet(size: int) -> str:
    rows = "".join(f"Recipient Number {n},recipient.{n}@example.com,40\n" for n in range(size))
    return "recipient.name,recipient.email,custom.hours\n" + rows


def _prepare(folder: Path) -> Platform:
    """A database with a workspace and the starter designs."""
    environment = {**os.environ, "TESTAMUR_DATA_DIR": str(folder)}
    subprocess.run([sys.executable, "-m", "testamur", "bootstrap"], env=environment, capture_output=True, check=True)
    return open_platform(Settings(data_dir=folder))


def _make_template(platform: Platform) -> CredentialTemplate:
    with platform.database.write() as tx:
        (workspace,) = list_workspaces(tx)
        designs = list_designs(tx, workspace.id, None, 10).items
        ids = [design.id for design in designs]
        return create_credential_template(
            tx, workspace.id, name="Financial Markets", design_ids=ids, learning_event_url=None, at=now()
        )


def _time_command(folder: Path, size: int) -> float:
    """Seconds that the whole command takes in a fresh database, its start included."""
    platform = _prepare(folder)
    template = _make_template(platform)
    platform.close()
    file = folder / "recipients.csv"
    file.write_text(_sheet(size), encoding="utf-8")
    command = [sys.executable, "-m", "testamur", "issue", str(file), "--template", template.id, "--no-pdf"]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--out", str(folder / "out")],
        env={**os.environ, "TESTAMUR_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - began
    assert done.stdout.startswith(f"Issued {size}, "), done.stdout
    return seconds


def _time_files(folder: Path, size: int, files: int) -> float:
    """Seconds for that many files of that many rows, each of a template of its own, in one fresh database."""
    platform = _prepare(folder)
    templates = [_make_template(platform) for _ in range(files)]
    content = _sheet(size).encode()
    with platform.database.read() as tx:
        (workspace,) = list_workspaces(tx)
        types = attribute_types(tx, workspace.id)
    began = time.perf_counter()
    with redirect_stderr(io.StringIO()):
        for template in templates:
            checker = RowChecker(workspace, types, template, has_picture=lambda _: False)
            run = IssueRun(platform, workspace, template, folder / "out", checker, types=types, writes_pdfs=False)
            run.issue(read_sheet(io.BytesIO(content), defined_tags=types))
            assert run.issued == size
    seconds = time.perf_counter() - began
    platform.close()
    return seconds
