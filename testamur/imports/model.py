from datetime import datetime
from typing import Any, Literal

import msgspec

from testamur.credentials.bulk_issuing import Action, Duplicates

# ready: looked at, waits to be started; queued: waits for a worker.
ImportState = Literal["ready", "queued", "running", "paused", "cancelled", "completed", "failed"]


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
