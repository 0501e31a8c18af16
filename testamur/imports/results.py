"""What became of each row of an import, as a file."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, select

from testamur.credentials.links import page_url
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.imports.model import Import
from testamur.imports.queries import find_chunk_results

COLUMNS = ("row", "outcome", "credential_id", "public_url", "error", "recipient_name", "recipient_email")
# What a spreadsheet takes for the start of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_RECIPIENTS = select(credentials.c.id, credentials.c.recipient_name, credentials.c.recipient_email).where(
    credentials.c.workspace_id == bindparam("workspace_id"), credentials.c.id.in_(bindparam("ids", expanding=True))
)


def result_rows(tx: Transaction, found: Import, base_url: str) -> Iterator[tuple[int, str, str, str, str, str, str]]:
    """Each row that is done, in the order of COLUMNS. The recipient is told of rows that have a credential."""
    number = 1
    while (lines := find_chunk_results(tx, found.workspace_id, found.id, number)) is not None:
        ids = [line[2] for line in lines if line[2]]
        rows = tx.execute(_RECIPIENTS, {"workspace_id": found.workspace_id, "ids": ids}) if ids else ()
        names = {row.id: (row.recipient_name, row.recipient_email or "") for row in rows}
        for line, outcome, credential_id, public_id, error in lines:
            url = page_url(base_url, public_id) if public_id else ""
            yield (line, outcome, credential_id or "", url, error or "", *names.get(credential_id, ("", "")))
        number += 1


def results_as_csv(tx: Transaction, found: Import, base_url: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in result_rows(tx, found, base_url):
        writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue().encode()


def results_as_workbook(tx: Transaction, found: Import, base_url: str) -> bytes:
    return workbook([COLUMNS, *result_rows(tx, found, base_url)])


def workbook(rows: Any) -> bytes:
    """An XLSX file of one sheet in which no text is a formula."""
    # Importing it takes a tenth of a second, which every command would pay.
    import openpyxl  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()

    def cell(value: object) -> object:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value))
        # A text that begins with = would be taken for a formula.
        made.data_type = "s"
        return made

    for row in rows:
        sheet.append([cell(value) for value in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def neutral(text: str) -> str:
    """A text that no spreadsheet takes for a formula when it opens a CSV file."""
    return "'" + text if text.startswith(_FORMULA) else text
