from datetime import datetime
from typing import Any, Literal

import msgspec

from testamur.credentials.bulk_issuing import Action, Duplicates

# uploaded: kept, and nobody has said yet what its columns are; ready: looked at, waits to be started; queued: waits for a worker.
ImportState = Literal["uploaded", "ready", "queued", "running", "paused", "cancelled", "completed", "failed"]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """A spreadsheet on its way to credentials; the counts are of rows."""

    id: str
    workspace_id: str
    credential_template_id: str
    file_name: str
    encoding: str | None
    columns: dict[str, Any]
    action: Action
    duplicates: Duplicates
    state: ImportState
    rows: int
    done: int
    created: int
    replaced: int
    skipped: int
    faulty: int
    error: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    # When it is to be started; None is as soon as it was.
    starts_at: datetime | None = None
    has_file: bool = True
    faults_found: int = 0
    revision: int = 0


class FoundRow(msgspec.Struct, frozen=True):
    """A row that cannot be issued: what stands in it and what is wrong, by column; under "" what is wrong with all."""

    line: int
    cells: dict[str, str]
    faults: dict[str, str]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a look through the whole file found, before anything is made of it."""

    headings: list[str]
    columns: dict[str, str]
    ignored: list[str]
    rows: int
    faulty: int
    # The first faults, as line and reason.
    faults: list[tuple[int, str]]
    # The first rows that are right, as they would be awarded.
    samples: list[dict[str, Any]]
    # The first faulty rows, to be mended.
    faulty_rows: list[FoundRow] = []
