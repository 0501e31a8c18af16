"""Faulty rows of an import: what the last check found, and what somebody has put in their place.

A mended row keeps its line, so that it stays the same row however often the import is cut off.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from testamur.credentials.bulk_issuing import Duplicates, RowResult
from testamur.credentials.spreadsheets import FaultyRow, SheetRow, cells_of
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.errors import Conflict, Problem
from testamur.imports.model import FoundRow, Import, Preview
from testamur.imports.queries import get_import
from testamur.imports.tables import import_rows, imports

# Faulty rows that are kept to be mended; when these are, the next come up.
MENDED_AT_ONCE_MAX = 2000
# A cell that is longer is no value of anything, and is told to be too long all the same.
CELL_LENGTH_MAX = 6000

_OF_IMPORT = (
    import_rows.c.workspace_id == bindparam("of_workspace"),
    import_rows.c.import_id == bindparam("of_import"),
)
_MENDED = select(import_rows.c.line, import_rows.c.cells).where(*_OF_IMPORT, import_rows.c.is_mended)
_FAULTY = Pager(
    select(import_rows).where(*_OF_IMPORT, import_rows.c.faults.is_not(None)),
    import_rows.c.line,
    import_rows.c.import_id,
    descending=False,
)
_DELETE = delete(import_rows).where(*_OF_IMPORT)
_DELETE_LINES = delete(import_rows).where(*_OF_IMPORT, import_rows.c.line.in_(bindparam("lines", expanding=True)))
_LINES = select(import_rows.c.line).where(
    *_OF_IMPORT, import_rows.c.faults.is_not(None), import_rows.c.line.in_(bindparam("lines", expanding=True))
)
_INSERT = insert(import_rows)
_CHECKED = (
    update(imports)
    .where(
        imports.c.workspace_id == bindparam("of_workspace"),
        imports.c.id == bindparam("of_import"),
        imports.c.state.in_(("uploaded", "ready")),
        imports.c.revision == bindparam("of_revision"),
    )
    .values(
        state="ready",
        rows=bindparam("new_rows"),
        faults_found=bindparam("new_faults_found"),
        columns=bindparam("new_columns"),
        duplicates=bindparam("new_duplicates"),
        updated_at=bindparam("at"),
    )
)
_CHANGED = (
    update(imports)
    .where(
        imports.c.workspace_id == bindparam("of_workspace"),
        imports.c.id == bindparam("of_import"),
        imports.c.state == "ready",
    )
    .values(revision=imports.c.revision + 1, updated_at=bindparam("at"))
)


def mended_rows(tx: Transaction, workspace_id: str, import_id: str) -> dict[int, dict[str, str]]:
    """The cells of mended rows by line: what `read_sheet` takes as changes."""
    rows = tx.execute(_MENDED, {"of_workspace": workspace_id, "of_import": import_id})
    return {row.line: row.cells for row in rows}


def list_faulty_rows(
    tx: Transaction, workspace_id: str, import_id: str, cursor: Cursor | None, limit: int
) -> Page[FoundRow]:
    """What the last check found, in the order of the file; at most MENDED_AT_ONCE_MAX rows of it are kept."""
    place = {"of_workspace": workspace_id, "of_import": import_id}
    page = _FAULTY.rows(tx, place, cursor, limit)
    return map_page(page, lambda rows: [FoundRow(row.line, row.cells, row.faults) for row in rows])


def mend_rows(
    tx: Transaction, workspace_id: str, import_id: str, rows: Mapping[int, Mapping[str, str]], *, at: datetime
) -> Import:
    """Put other cells in the place of those of faulty rows; have the file checked again afterwards (`store_check`).

    Lines that the last check found no fault in are left as they are. Raises NotFound, or Conflict unless the import
    still waits to be started.
    """
    place = {"of_workspace": workspace_id, "of_import": import_id}
    changed = tx.execute(_CHANGED, {**place, "at": at}).rowcount
    found = get_import(tx, workspace_id, import_id)
    if not changed:
        raise Conflict(f"Rows can be mended until the import is started (it is {found.state})")
    lines = [row.line for row in tx.execute(_LINES, {**place, "lines": list(rows)})]
    if lines:
        tx.execute(_DELETE_LINES, {**place, "lines": lines})
        # The faults that were found stay told until the file is checked again.
        tx.execute(_INSERT, [_row(place, line, rows[line], {"": ""}, is_mended=True) for line in lines])
    return found


def store_check(
    tx: Transaction,
    workspace_id: str,
    import_id: str,
    preview: Preview,
    *,
    revision: int,
    columns: Mapping[str, str],
    duplicates: Duplicates,
    is_matched_anew: bool = False,
    at: datetime,
) -> Import:
    """Keep what a look through the file found; the import is ready to be started.

    `revision` is that of the import whose mended rows were looked at. With other columns a row that was mended is read
    anew from the file. Raises NotFound, or Conflict if a row was mended or the import started meanwhile.
    """
    place = {"of_workspace": workspace_id, "of_import": import_id}
    values = {
        "of_revision": revision,
        "new_rows": preview.rows,
        "new_faults_found": preview.faulty,
        "new_columns": dict(columns),
        "new_duplicates": duplicates,
        "at": at,
    }
    checked = tx.execute(_CHECKED, {**place, **values}).rowcount
    found = get_import(tx, workspace_id, import_id)
    if not checked:
        raise Conflict("The import was changed or started meanwhile; look at it again")
    mended = {} if is_matched_anew else mended_rows(tx, workspace_id, import_id)
    faulty = {row.line: row for row in preview.faulty_rows}
    rows = [
        _row(
            place,
            line,
            mended[line] if line in mended else faulty[line].cells,
            faulty[line].faults if line in faulty else None,
            is_mended=line in mended,
        )
        for line in sorted(mended.keys() | faulty.keys())
    ]
    forget_rows(tx, workspace_id, import_id)
    if rows:
        tx.execute(_INSERT, rows)
    return found


def forget_rows(tx: Transaction, workspace_id: str, import_id: str) -> None:
    """They hold names and addresses, which nobody needs any more once the import is over."""
    tx.execute(_DELETE, {"of_workspace": workspace_id, "of_import": import_id})


def to_found_row(row: SheetRow | FaultyRow, result: RowResult) -> FoundRow:
    faults: dict[str, str] = {}
    for problem in result.problems or (Problem((), result.error or ""),):
        faults.setdefault(_column(problem), problem.message)
    return FoundRow(row.line, _kept(cells_of(row)), faults)


def _column(problem: Problem) -> str:
    match problem.path:
        case ("recipient", name):
            return f"recipient_{name}"
        case ("custom_attributes", tag):
            return str(tag)
        case (name,):
            return str(name)
    return ""


def _row(
    place: Mapping[str, str],
    line: int,
    cells: Mapping[str, str],
    faults: Mapping[str, str] | None,
    *,
    is_mended: bool,
) -> dict[str, Any]:
    return {
        "workspace_id": place["of_workspace"],
        "import_id": place["of_import"],
        "line": line,
        "cells": _kept(cells),
        "faults": faults,
        "is_mended": is_mended,
    }


def _kept(cells: Mapping[str, str]) -> dict[str, str]:
    return {column: text[:CELL_LENGTH_MAX] for column, text in cells.items()}
