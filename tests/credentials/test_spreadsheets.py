"""Spreadsheets as people save them, and how what cannot be read is told."""

import contextlib
import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.credentials.spreadsheets import FaultyRow, read_sheet
from testamur.errors import Invalid

TAGS = frozenset({"custom.hours", "custom.mentor"})


def rows(content, **options):
    content = content if isinstance(content, bytes) else content.encode()
    return list(read_sheet(io.BytesIO(content), defined_tags=TAGS, **options).rows)


@pytest.mark.parametrize(
    "content",
    [
        "recipient.name,custom.hours\nZoë Ångström,40\n".encode(),
        "\ufeffrecipient.name,custom.hours\r\nZoë Ångström,40\r\n".encode(),
        "Recipient Name;Hours\nZoë Ångström;40\n".encode(),
        "Name\tHOURS\nZoë Ångström\t40".encode(),
        "\n\nname|[custom.hours]\n\nZoë Ångström|40\n\n".encode(),
        "\ufeffFull name,custom.custom.hours\nZoë Ångström,40\n".encode("utf-16-le"),
        '"recipient.name","Custom.Hours"\n"Zoë Ångström",40'.encode(),
    ],
)
def test_the_usual_ways_of_saving_a_sheet_are_read(content):
    (row,) = rows(content)
    assert (row.recipient_name, row.custom_attributes) == ("Zoë Ångström", {"custom.hours": "40"})


def test_another_encoding_is_told_with_its_line_and_can_be_named():
    content = "name\nAda\nZoë\n".encode("windows-1252")
    with pytest.raises(Invalid, match=r"Line 3 is not UTF-8 text.*windows-1252"):
        rows(content)
    assert rows(content, encoding="windows-1252")[1].recipient_name == "Zoë"
    with pytest.raises(Invalid, match="no encoding called klingon"):
        rows(content, encoding="klingon")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf \n\n", "The file is empty"),
        (b"recipient.name,custom.hours\n", "a header but no row"),
        (b"email,hours\na@example.com,4\n", 'no column of recipients\' names.*"email", "hours"'),
        (b"name,custom.nope\nAda,1\n", r"\[custom.nope\] is not defined"),
        (b"name,Full name\nAda,Ada\n", "Two columns mean recipient name"),
        (b"PK\x03\x04...", "broken or incomplete"),
        (b"\xd0\xcf\x11\xe0...", "old kind"),
        (b"n\0a\0m\0e\0\n\0A\0", "NUL"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_as_a_whole(content, reason):
    with pytest.raises(Invalid, match=reason):
        rows(content)


def test_a_faulty_row_is_told_with_its_line_while_the_others_go_on():
    text = (
        'name,email,issue date\nAda,ada@example.com,2026-11-24\n"Doe, Jane",j@e.com,24-11-2026\nBob,b@e.com,11/24/2026\n'
        "Eve,Extra,2026-01-01,x\nDan,,2026-02-30\nKim,,\n"
    )
    read = rows(text)
    assert [row.line for row in read] == [2, 3, 4, 5, 6, 7]
    assert [row.recipient_name for row in read if not isinstance(row, FaultyRow)] == ["Ada", "Doe, Jane", "Kim"]
    assert read[1].issue_date == date(2026, 11, 24)
    assert [row.error for row in read if isinstance(row, FaultyRow)] == [
        "issue_date: 11/24/2026 is not a date; write it as 2026-11-24",
        "Has 4 cells, the header has 3; put quotes around a comma in a cell",
        "issue_date: 2026-02-30 is not a day of the calendar",
    ]


def test_columns_that_mean_nothing_are_named():
    sheet = read_sheet(io.BytesIO(b"name,Shoe size,\nAda,38,\n"), defined_tags=TAGS)
    assert sheet.ignored == ("Shoe size",)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(str.strip)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_what_a_spreadsheet_program_writes_is_read_back(cells, delimiter):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([("recipient.name", "custom.mentor"), *cells])
    read = rows(file.getvalue())
    assert [(row.recipient_name, row.custom_attributes["custom.mentor"]) for row in read] == [
        (name.strip(), mentor.strip()) for name, mentor in cells
    ]


@given(st.binary(max_size=200))
def test_no_file_at_all_breaks_the_reader(content):
    with contextlib.suppress(Invalid):
        rows(b"name,email\n" + content)
