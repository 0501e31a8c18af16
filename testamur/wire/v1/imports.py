from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.imports.model import Import, Preview
from testamur.wire.v1.timestamps import timestamp


class WireFault(Struct, kw_only=True):
    """A row that cannot be issued."""

    row: int
    error: str


class WirePreview(Struct, rename="camel", kw_only=True):
    """What a look through the file found."""

    headings: list[str]
    columns: Annotated[dict[str, str], Meta(description="What each heading was understood as.")]
    ignored: list[str]
    rows: int
    faulty: int
    faults: Annotated[list[WireFault], Meta(description="The first hundred.")]
    samples: Annotated[list[dict[str, Any]], Meta(description="The first rows as they would be awarded.")]


class WireImport(Struct, rename="camel", kw_only=True):
    """A spreadsheet on its way to credentials; the counts are of rows."""

    id: str
    group_id: str
    file_name: str
    action: Literal["draft", "issue", "send"]
    duplicates: Literal["skip", "allow", "replace"]
    state: Literal["uploaded", "ready", "queued", "running", "paused", "cancelled", "completed", "failed"]
    rows: int
    done: int
    created: int
    replaced: int
    skipped: int
    faulty: int
    error: str | None
    created_at: str
    updated_at: str
    finished_at: str | None
    starts_at: Annotated[str | None, Meta(description="When it is to be started, if that was put off.")] = None
    preview: WirePreview | UnsetType = UNSET


def to_import(found: Import, preview: Preview | None = None) -> WireImport:
    return WireImport(
        id=found.id,
        group_id=found.credential_template_id,
        file_name=found.file_name,
        action=found.action,
        duplicates=found.duplicates,
        state=found.state,
        rows=found.rows,
        done=found.done,
        created=found.created,
        replaced=found.replaced,
        skipped=found.skipped,
        faulty=found.faulty,
        error=found.error,
        created_at=timestamp(found.created_at),
        updated_at=timestamp(found.updated_at),
        finished_at=None if found.finished_at is None else timestamp(found.finished_at),
        starts_at=None if found.starts_at is None else timestamp(found.starts_at),
        preview=UNSET if preview is None else _to_preview(preview),
    )


def _to_preview(preview: Preview) -> WirePreview:
    return WirePreview(
        headings=preview.headings,
        columns=preview.columns,
        ignored=preview.ignored,
        rows=preview.rows,
        faulty=preview.faulty,
        faults=[WireFault(row=line, error=error) for line, error in preview.faults],
        samples=preview.samples,
    )
