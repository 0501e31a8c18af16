"""Credentials as a table for spreadsheet programs, made while it is sent: what is in memory does not grow with it."""

import csv
import io
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any, Literal
from xml.sax.saxutils import escape

from stream_zip import ZIP_32, MemberFile, stream_zip

from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.browsing import shown_status
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential
from testamur.text import neutral_cell

ExportFormat = Literal["csv", "xlsx"]
MEDIA_TYPES: Mapping[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Named as an import knows them, so that what was exported can be changed and imported.
COLUMNS = (
    *("recipient_name", "recipient_email", "template", "status", "issue_date", "expiry_date", "delivery"),
    *("issued_at", "revoked_at", "revocation_reason", "page", "credential_id"),
)
# As many as a sheet of a workbook can have.
SHEET_ROWS_MAX = 1_048_576
_CHUNK = 64 * 1024
_FILE_MODE = 0o100644
_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# The first row stays in sight.
_FROZEN = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

Cells = Sequence[str]


def header_of(tags: Sequence[str]) -> list[str]:
    """The first row; `tags` are the custom attributes of the workspace."""
    return [*COLUMNS, *tags]


def cells_of(
    credential: Credential, template: CredentialTemplate | None, tags: Sequence[str], base_url: str, today: date
) -> list[str]:
    """A row: no cell of it is taken for a formula."""
    status = shown_status(credential.state, credential.expiry_date, credential.revoked_at, today)
    values = (
        credential.recipient.name,
        credential.recipient.email,
        None if template is None else template.name,
        status,
        credential.issue_date,
        credential.expiry_date,
        credential.delivery_state,
        credential.issued_at,
        credential.revoked_at,
        credential.revocation_reason,
        page_url(base_url, credential.public_id) if credential.state == "issued" else None,
        credential.id,
        *(credential.custom_attributes.get(tag) for tag in tags),
    )
    return [neutral_cell(_text(value)) for value in values]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


class ExportFile:
    """The bytes of an export, to be iterated over once and then closed, also if not all were wanted."""

    def __init__(self, format_: ExportFormat, rows: Generator[Cells]) -> None:
        self._rows = rows
        self._bytes: Generator[bytes] = _csv(rows) if format_ == "csv" else _workbook(rows)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._bytes)

    def close(self) -> None:
        """Nothing happens the second time."""
        for part in (self._bytes, self._rows):
            part.close()


def _csv(rows: Iterator[Cells]) -> Generator[bytes]:
    text = io.StringIO(newline="")
    # A byte order mark, or spreadsheet programs take names of most of the world for another encoding.
    text.write("\ufeff")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(row)
        if text.tell() > _CHUNK:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    content = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return content


def _workbook(rows: Iterator[Cells]) -> Generator[bytes]:
    # Not the 64-bit form of a ZIP, which not all spreadsheet programs read.
    yield from stream_zip(
        _members(rows), chunk_size=_CHUNK, get_compressobj=lambda: zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    )


def _members(rows: Iterator[Cells]) -> Iterator[MemberFile]:
    """A sheet for each million rows, and at last what says how many there are."""
    at = datetime(1980, 1, 1, tzinfo=UTC)
    header = next(rows, [])
    sheets = 0
    waiting: Cells | None = []
    while waiting is not None:
        sheets += 1
        sheet = _Sheet(header, chain([waiting] if waiting else [], rows))
        yield f"xl/worksheets/sheet{sheets}.xml", at, _FILE_MODE, ZIP_32, sheet.chunks()
        waiting = sheet.left_over
    for name, content in _parts(range(1, sheets + 1)):
        yield name, at, _FILE_MODE, ZIP_32, ((_XML + content).encode(),)


class _Sheet:
    """The XML of a sheet; `left_over` is the first row that it has no place for, known when it was read."""

    def __init__(self, header: Cells, rows: Iterable[Cells]) -> None:
        self._header = header
        self._rows = rows
        self.left_over: Cells | None = None

    def chunks(self) -> Iterator[bytes]:
        begins = f'{_XML}<worksheet xmlns="{_NAMESPACE}"><sheetViews><sheetView workbookViewId="0">{_FROZEN}'
        parts = [begins, "</sheetView></sheetViews><sheetData>", _row_xml(self._header)]
        size, number = 0, 1
        for row in self._rows:
            if number == SHEET_ROWS_MAX:
                self.left_over = row
                break
            parts.append(_row_xml(row))
            number += 1
            size += len(parts[-1])
            if size > _CHUNK:
                yield "".join(parts).encode()
                parts, size = [], 0
        parts.append("</sheetData></worksheet>")
        yield "".join(parts).encode()


def _row_xml(cells: Cells) -> str:
    return f"<row>{''.join(map(_cell_xml, cells))}</row>"


def _cell_xml(cell: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>' if cell else "<c/>"


def _parts(sheets: Sequence[int]) -> Iterator[tuple[str, str]]:
    yield (
        "xl/workbook.xml",
        f'<workbook xmlns="{_NAMESPACE}" xmlns:r="{_RELATIONS}"><sheets>'
        + "".join(
            f'<sheet name="Credentials{"" if number == 1 else f" {number}"}" sheetId="{number}" r:id="rId{number}"/>'
            for number in sheets
        )
        + "</sheets></workbook>",
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="rId{number}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in sheets
        )
        + "</Relationships>",
    )
    of_workbook = f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    yield "_rels/.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{of_workbook}</Relationships>'
    yield (
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_WORKBOOK_TYPE}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_WORKBOOK_TYPE}.worksheet+xml"/>'
            for number in sheets
        )
        + "</Types>",
    )
