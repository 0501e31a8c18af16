"""Reading a CSV file of recipients: which column is what, and each row as something to award."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from datetime import date, datetime

import msgspec

from testamur.attributes.defining import PREFIX, fold_tag
from testamur.errors import Invalid, Problem

SIZE_BYTES_MAX = 256 * 1024 * 1024
DELIMITERS = ",;\t|"
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

# What people call the columns, without case, spaces and punctuation.
_NAMES = {
    "recipient_name": ("recipientname", "name", "fullname", "recipient", "participant", "participantname"),
    "recipient_email": ("recipientemail", "email", "emailaddress", "mail"),
    "issue_date": ("issuedate", "issuedon", "certificateissuedon", "date"),
    "expiry_date": ("expirydate", "expirationdate", "expires", "expireson", "certificateexpiredon"),
    "external_id": ("externalid", "id", "reference"),
}
_COLUMN_BY_NAME = {name: column for column, names in _NAMES.items() for name in names}


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
    """A row that cannot be read, with the reason."""

    line: int
    error: str


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose header was understood; `rows` reads on."""

    columns: dict[int, str]
    ignored: tuple[str, ...]
    rows: Iterator[SheetRow | FaultyRow]


def read_sheet(content: bytes, *, defined_tags: Collection[str], encoding: str | None = None) -> Sheet:
    """A CSV file in UTF-8, in UTF-16 with a byte order mark, or in the encoding named; any of , ; tab | separates.

    Raises Invalid if the file cannot be read, has no row, or has no column of recipients' names.
    """
    text = _decode(content, encoding)
    if not text.strip():
        raise Invalid("The file is empty; it needs a header line and a row for each recipient")
    # The csv module's own guess of the delimiter is often wrong on names; the header line tells it.
    header_line = next(line for line in text.splitlines() if line.strip())
    delimiter = max(DELIMITERS, key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = next((row for row in _lines(reader) if any(cell.strip() for cell in row)), [])
    columns, ignored = _match_columns(header, defined_tags)
    rows = _read_rows(reader, columns, len(header))
    first = next(rows, None)
    if first is None:
        raise Invalid("The file has a header but no row; add a row for each recipient")
    return Sheet(columns=columns, ignored=ignored, rows=_chain(first, rows))


def _decode(content: bytes, encoding: str | None) -> str:
    if len(content) > SIZE_BYTES_MAX:
        raise Invalid(f"The file is larger than {SIZE_BYTES_MAX // 1024 // 1024} MiB; split it")
    if content.startswith(b"PK\x03\x04"):
        raise Invalid("The file is a workbook or a ZIP archive; save the sheet as CSV (UTF-8) and issue that")
    marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), None)
    try:
        text = content.decode(marked or encoding or "utf-8")
    except LookupError:
        raise Invalid(f"There is no encoding called {encoding}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Invalid(
            f"Line {line} is not {error.encoding.upper()} text; save the file as CSV UTF-8, "
            "or name its encoding (often windows-1252)"
        ) from None
    if "\0" in text:
        raise Invalid("The file holds NUL characters: it is not a CSV file, or its encoding is another one")
    return text


def _lines(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise Invalid(f"The header line cannot be read: {error}") from None


def _match_columns(header: list[str], defined_tags: Collection[str]) -> tuple[dict[int, str], tuple[str, ...]]:
    """Position to column (`recipient_name` ... or a custom tag), and the headings that mean nothing to us."""
    columns: dict[int, str] = {}
    ignored: list[str] = []
    problems: list[Problem] = []
    for position, heading in enumerate(cell.strip() for cell in header):
        column = _column_of(heading, defined_tags)
        if column is None and heading.lower().startswith(PREFIX):
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


def _column_of(heading: str, defined_tags: Collection[str]) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", heading.lower())
    if plain in _COLUMN_BY_NAME:
        return _COLUMN_BY_NAME[plain]
    tag = fold_tag(PREFIX + re.sub(r"[\s-]+", "_", heading.lower().strip("[]")))
    return tag if tag in defined_tags else None


def _read_rows(reader: Iterator[list[str]], columns: dict[int, str], width: int) -> Iterator[SheetRow | FaultyRow]:
    while True:
        line = getattr(reader, "line_num", 0) + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield FaultyRow(line, f"The row cannot be read: {error}")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > width:
            yield FaultyRow(
                line, f"Has {len(cells)} cells, the header has {width}; put quotes around a comma in a cell"
            )
            continue
        try:
            yield _row(line, {column: cells[at].strip() for at, column in columns.items() if at < len(cells)})
        except Invalid as error:
            yield FaultyRow(line, error.message)


def _row(line: int, cells: dict[str, str]) -> SheetRow:
    return SheetRow(
        line=line,
        recipient_name=cells.get("recipient_name", ""),
        recipient_email=cells.get("recipient_email") or None,
        issue_date=_date("issue_date", cells),
        expiry_date=_date("expiry_date", cells),
        external_id=cells.get("external_id") or None,
        custom_attributes={tag: value for tag, value in cells.items() if tag.startswith(PREFIX) and value},
    )


def _date(column: str, cells: dict[str, str]) -> date | None:
    """`2026-11-24` or `24-11-2026`. With slashes nobody can tell day from month, so those are refused."""
    text = cells.get(column)
    if not text:
        return None
    for pattern, form in ((r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"), (r"\d{2}[-.]\d{2}[-.]\d{4}", "%d-%m-%Y")):
        if re.fullmatch(pattern, text, re.ASCII):
            try:
                return datetime.strptime(text.replace(".", "-"), form).date()  # noqa: DTZ007 - only the day is used.
            except ValueError:
                raise Invalid(f"{text} is not a day of the calendar", (column,)) from None
    raise Invalid(f"{text[:40]} is not a date; write it as 2026-11-24", (column,))


def _chain(first: SheetRow | FaultyRow, rest: Iterator[SheetRow | FaultyRow]) -> Iterator[SheetRow | FaultyRow]:
    yield first
    yield from rest
