"""Reading a spreadsheet of recipients, CSV or XLSX: which column is what, and each row as something to award."""

import codecs
import csv
import re
import zipfile
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import chain, islice
from typing import Any, BinaryIO

import msgspec

from testamur.attributes.defining import PREFIX, fold_tag
from testamur.errors import Invalid, Problem
from testamur.text import parse_day

WORKBOOK_BYTES_MAX = 256 * 1024 * 1024
CELLS_MAX = 5_000_000
LINE_LENGTH_MAX = 1_000_000
DELIMITERS = ",;\t|"
# Of those that somebody looks at to say what they are.
COLUMNS_MAX = 200
SAMPLES_MAX = 3
SAMPLE_LENGTH_MAX = 60
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# What people send instead of a spreadsheet.
_OTHER_KINDS = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"RIFF": "a picture or a recording",
    b"%PDF-": "a PDF",
}

# What people call the columns, without case, spaces and punctuation.
_NAMES = {
    "recipient_name": ("recipientname", "name", "fullname", "recipient", "participant", "participantname"),
    "recipient_email": ("recipientemail", "email", "emailaddress", "mail"),
    "issue_date": ("issuedate", "issuedon", "certificateissuedon", "date"),
    "expiry_date": ("expirydate", "expirationdate", "expires", "expireson", "certificateexpiredon"),
    "external_id": ("externalid", "id", "reference"),
}
_COLUMN_BY_NAME = {name: column for column, names in _NAMES.items() for name in names}


# The line it stands on (the header included, from 1), and its cells or why they cannot be read.
_Line = tuple[int, list[str] | str]


class SheetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the file; `line` counts from 1, the header included."""

    line: int
    recipient_name: str
    recipient_email: str | None
    issue_date: date | None
    expiry_date: date | None
    external_id: str | None
    custom_attributes: dict[str, str]


class FaultyRow(msgspec.Struct, frozen=True):
    """A row that cannot be read, with the reason, and what stands in it by column as far as that can be told."""

    line: int
    error: str
    cells: dict[str, str] = {}
    problems: tuple[Problem, ...] = ()


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose header was understood; `rows` reads on. `columns` is by position."""

    headings: tuple[str, ...]
    columns: dict[int, str]
    ignored: tuple[str, ...]
    rows: Iterator[SheetRow | FaultyRow]


def read_sheet(
    file: BinaryIO,
    *,
    defined_tags: Collection[str],
    encoding: str | None = None,
    mapping: Mapping[str, str] | None = None,
    changes: Mapping[int, Mapping[str, str]] | None = None,
) -> Sheet:
    """A workbook (XLSX), or a CSV file in UTF-8, in UTF-16 with a byte order mark, or in the encoding named.

    Any of , ; tab | separates a CSV file. `mapping` says of headings which column they are (an empty text: none); the
    others are matched by name; of two columns of one heading the second is told apart as `Heading (2)`. `changes` are
    cells by column that stand in a line instead of what the file has there. Rows are read as they are asked for; the
    file must stay open meanwhile.

    Raises Invalid if the file cannot be read, has no row, or has no column of recipients' names; reading on may still
    find a byte that is not of the encoding, which is Invalid too.
    """
    header, lines = _open_sheet(file, encoding)
    columns, ignored = _match_columns(header, defined_tags, mapping or {})
    rows = _read_rows(lines, columns, len(header), changes or {})
    first = next(rows, None)
    if first is None:
        raise Invalid("The file has a header but no row; add a row for each recipient")
    headings = tuple(heading.strip() for heading in header)
    return Sheet(headings=headings, columns=columns, ignored=ignored, rows=chain([first], rows))


def read_headings(
    file: BinaryIO, *, defined_tags: Mapping[str, str], encoding: str | None = None
) -> list[tuple[str, str, list[str]]]:
    """Each column's heading, told apart from others of its name, what it seems to be ("" for nothing), and its first
    cells. `defined_tags` are the custom attributes with their names, by which their columns are known too.

    Raises Invalid if the file cannot be read or has more columns than COLUMNS_MAX.
    """
    header, lines = _open_sheet(file, encoding)
    while header and not header[-1].strip():
        header.pop()
    if len(header) > COLUMNS_MAX:
        raise Invalid(
            f"The file has {len(header)} columns; keep those that the credentials need, at most {COLUMNS_MAX}"
        )
    samples = [cells for _, cells in islice(lines, SAMPLES_MAX) if isinstance(cells, list)]
    if _starts_as_text(file):
        # A letter that is not of the encoding may stand on the last line; better told now than after the next step.
        deque(lines, maxlen=0)
    by_name = {_plain(name): tag for tag, name in defined_tags.items()}
    guesses: list[str] = []
    for heading in header:
        column = _column_of(heading.strip(), defined_tags) or by_name.get(_plain(heading)) or ""
        guesses.append("" if column in guesses else column)
    return [
        (name, guess, [row[at].strip()[:SAMPLE_LENGTH_MAX] for row in samples if at < len(row)])
        for at, (name, guess) in enumerate(zip(_told_apart(header), guesses, strict=True))
    ]


def _open_sheet(file: BinaryIO, encoding: str | None) -> tuple[list[str], Iterator[_Line]]:
    """The header, and the lines after it. Raises Invalid."""
    start = file.read(4096)
    file.seek(0)
    kind = next((kind for mark, kind in _OTHER_KINDS.items() if start.startswith(mark)), None)
    if kind is not None:
        raise Invalid(f"This is {kind} and not a spreadsheet; save the list of recipients as XLSX or CSV")
    if start.startswith(b"PK\x03\x04"):
        lines = _workbook_lines(file)
    elif start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Invalid("This is a workbook of an old kind (XLS); save it as XLSX or CSV")
    else:
        lines = _csv_lines(file, start, encoding)
    header = next((cells for _, cells in lines if isinstance(cells, list) and any(map(str.strip, cells))), None)
    if header is None:
        raise Invalid("The file is empty; it needs a header line and a row for each recipient")
    return header, lines


def _starts_as_text(file: BinaryIO) -> bool:
    place = file.tell()
    file.seek(0)
    is_text = file.read(4) != b"PK\x03\x04"
    file.seek(place)
    return is_text


def _told_apart(header: Sequence[str]) -> list[str]:
    """A name for each column: its heading, with a number behind it if an earlier one has the same."""
    names: list[str] = []
    for position, cell in enumerate(header, start=1):
        heading = cell.strip() or f"Column {position}"
        name, number = heading, 1
        while name in names:
            number += 1
            name = f"{heading} ({number})"
        names.append(name)
    return names


def _csv_lines(file: BinaryIO, start: bytes, encoding: str | None) -> Iterator[_Line]:
    marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
    read = _Lines(file, marked or encoding or "utf-8")
    # The header line tells the separator; the csv module's own guess of it is often wrong on names.
    header_line = next((line for line in read if line.strip()), "")
    read.put_back(header_line)
    delimiter = max(DELIMITERS, key=header_line.count)
    return _parse_csv(csv.reader(read, delimiter=delimiter, strict=True), read)


class _Lines(Iterator[str]):
    """The lines of a text file, counted; what cannot be decoded is told with its line.

    Raises Invalid for an encoding that there is not.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        try:
            is_plain = "\n".encode(encoding) == b"\n"
            self._file: Any = file if is_plain else codecs.getreader(encoding)(file)
        except LookupError:
            raise Invalid(f"There is no encoding called {encoding}") from None
        self._encoding = encoding
        self._back: list[str] = []
        self.number = 0

    def put_back(self, line: str) -> None:
        self._back.append(line)
        self.number -= 1

    def __next__(self) -> str:
        self.number += 1
        if self._back:
            return self._back.pop()
        try:
            # A cell of this length is no cell; a file without line breaks must not fill the memory.
            read = self._file.readline(LINE_LENGTH_MAX)
            line = read if isinstance(read, str) else read.decode(self._encoding)
        except UnicodeError:
            raise Invalid(
                f"Line {self.number} is not {self._encoding.removesuffix('-sig').upper()} text; save the file as CSV "
                "UTF-8, or name its encoding (often windows-1252)"
            ) from None
        if not line:
            raise StopIteration
        if len(line) >= LINE_LENGTH_MAX:
            raise Invalid(f"Line {self.number} has more than {LINE_LENGTH_MAX} characters: this is not a CSV file")
        if "\0" in line:
            raise Invalid("The file holds NUL characters: it is not a CSV file, or its encoding is another one")
        return line


def _parse_csv(reader: Any, read: _Lines) -> Iterator[_Line]:
    while True:
        line = read.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"The row cannot be read: {error}"
            continue
        yield line, cells


def _workbook_lines(file: BinaryIO) -> Iterator[_Line]:
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        raise Invalid("The file is broken or incomplete; save it again") from None
    if "xl/workbook.xml" not in names:
        raise Invalid("This is a ZIP archive and not a workbook; save the sheet as XLSX or CSV")
    if size > WORKBOOK_BYTES_MAX:
        raise Invalid(f"The workbook is larger than {WORKBOOK_BYTES_MAX // 1024 // 1024} MiB when unpacked; split it")
    file.seek(0)
    # Importing it takes a tenth of a second, which every command would pay.
    import openpyxl  # noqa: PLC0415

    try:
        # Read only: rows come one by one. Values and not formulas; macros are never looked at.
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
    except Exception:  # noqa: BLE001 - a broken workbook can make the reader raise anything.
        raise Invalid("The workbook cannot be read; save it again as XLSX, or as CSV") from None
    return _sheet_lines(sheet)


def _sheet_lines(sheet: Any) -> Iterator[_Line]:
    cells_read = 0
    rows = iter(sheet.iter_rows(values_only=True))
    line = 0
    while True:
        line += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 - see above.
            raise Invalid(f"The workbook cannot be read beyond row {line}; save it again as XLSX, or as CSV") from None
        cells_read += len(row)
        if cells_read > CELLS_MAX:
            raise Invalid(f"The sheet has more than {CELLS_MAX:,} cells; remove empty columns, or split it")
        cells = [_cell_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield line, cells


def _cell_text(cell: Any) -> str:
    """What a person sees in a cell, nearly: a day without its hour, a whole number without its point."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _match_columns(
    header: list[str], defined_tags: Collection[str], mapping: Mapping[str, str]
) -> tuple[dict[int, str], tuple[str, ...]]:
    """Position to column (`recipient_name` ... or a custom tag), and the headings that mean nothing to us."""
    columns: dict[int, str] = {}
    ignored: list[str] = []
    problems: list[Problem] = []
    for position, (name, heading) in enumerate(zip(_told_apart(header), map(str.strip, header), strict=True)):
        told = mapping.get(name, mapping.get(heading))
        if told is not None and not told:
            ignored.append(heading)
            continue
        column = _column_of(heading if told is None else told, defined_tags)
        if column is None and told is not None:
            problems.append(Problem((), f'"{told}" is not something that a column can be'))
        elif column is None and heading.lower().startswith(PREFIX):
            problems.append(
                Problem(
                    (), f"Custom attribute [{heading.lower()}] is not defined on the workspace level; define it first"
                )
            )
        elif column is None:
            ignored.append(heading)
        elif column in columns.values():
            problems.append(Problem((), f'Two columns mean {column.replace("_", " ")}; the second one is "{heading}"'))
        else:
            columns[position] = column
    if "recipient_name" not in columns.values():
        found = ", ".join(f'"{heading}"' for heading in header if heading.strip()) or "none"
        problems.insert(
            0, Problem((), f"There is no column of recipients' names; call it recipient.name (columns found: {found})")
        )
    if problems:
        raise Invalid.of(problems)
    return columns, tuple(heading for heading in ignored if heading)


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.lower())


def _column_of(heading: str, defined_tags: Collection[str]) -> str | None:
    plain = _plain(heading)
    if plain in _COLUMN_BY_NAME:
        return _COLUMN_BY_NAME[plain]
    tag = fold_tag(PREFIX + re.sub(r"[\s-]+", "_", heading.lower().strip("[]")))
    return tag if tag in defined_tags else None


def _read_rows(
    lines: Iterator[_Line], columns: dict[int, str], width: int, changes: Mapping[int, Mapping[str, str]]
) -> Iterator[SheetRow | FaultyRow]:
    for line, cells in lines:
        if line in changes:
            yield read_row(line, dict(changes[line]))
            continue
        if isinstance(cells, str):
            yield FaultyRow(line, cells)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        known = {column: cells[at].strip() for at, column in columns.items() if at < len(cells)}
        if len(cells) > width:
            told = f"Has {len(cells)} cells, the header has {width}; put quotes around a comma in a cell"
            yield FaultyRow(line, told, known)
            continue
        yield read_row(line, known)


def read_row(line: int, cells: dict[str, str]) -> SheetRow | FaultyRow:
    """A row of what stands in it, by column: `recipient_name`, `issue_date`, `custom.mentor`."""
    problems: list[Problem] = []
    dates: dict[str, date | None] = {}
    for column in ("issue_date", "expiry_date"):
        try:
            dates[column] = _date(column, cells)
        except Invalid as error:
            problems.extend(error.problems)
    if problems:
        return FaultyRow(line, "; ".join(map(str, problems)), cells, tuple(problems))
    return SheetRow(
        line=line,
        recipient_name=cells.get("recipient_name", ""),
        recipient_email=cells.get("recipient_email") or None,
        issue_date=dates["issue_date"],
        expiry_date=dates["expiry_date"],
        external_id=cells.get("external_id") or None,
        custom_attributes={tag: value for tag, value in cells.items() if tag.startswith(PREFIX) and value},
    )


def cells_of(row: SheetRow | FaultyRow) -> dict[str, str]:
    """What `read_row` would make the row of."""
    if isinstance(row, FaultyRow):
        return row.cells
    cells = {
        "recipient_name": row.recipient_name,
        "recipient_email": row.recipient_email or "",
        "issue_date": row.issue_date.isoformat() if row.issue_date else "",
        "expiry_date": row.expiry_date.isoformat() if row.expiry_date else "",
        "external_id": row.external_id or "",
        **row.custom_attributes,
    }
    return {column: text for column, text in cells.items() if text}


def _date(column: str, cells: dict[str, str]) -> date | None:
    text = cells.get(column)
    if not text:
        return None
    try:
        return parse_day(text)
    except Invalid as error:
        raise error.under(column) from None
