"""Names of files in a download: safe on every system, each once, letters of every script kept."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.credentials.file_names import NAME_BYTES_MAX, FileNames, check_pattern, file_stem
from testamur.errors import Invalid


@pytest.mark.parametrize(
    "name",
    [
        "Żółć O'Brien",
        "محمد علی",
        "李小龙",
        "कृष्णा",
        "ნინო",
        "山田 太郎",
        "김철수",
        "አበበ",
        "👩\u200d🎓 Ada",
        "می\u200cخواهم",  # noqa: RUF001 - it is Persian
    ],
)
def test_letters_of_every_script_stay(name):
    assert file_stem(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("..\\..\\boot", "boot"),
        ("C:\\Windows", "C--Windows"),
        ("/", "credential"),
        ("...", "credential"),
        (".bashrc", "bashrc"),
        ("-rf *", "rf"),
        ("Ada. ", "Ada"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("Com1", "_Com1"),
        ("LPT² .x", "_LPT² .x"),
        ("Connor", "Connor"),
        ("annexe\u202egpj.exe", "annexegpj.exe"),
        ("\u2066Ada\u2069\u200f", "Ada"),
        ("Ada\r\nLovelace\t\x00x", "Ada Lovelace x"),
        ('a<b>c:"d|e?f*g', "a-b-c--d-e-f-g"),
        ("e\u0301", "é"),
        ("   ", "credential"),
    ],
)
def test_what_some_system_cannot_have_is_replaced(name, stem):
    assert file_stem(name) == stem


def test_a_long_name_is_cut_between_letters():
    assert file_stem("x" * 300) == "x" * 134
    assert file_stem("字" * 300) == "字" * 44
    # No letter is left without the marks that stand on it.
    marked = "x" * 132 + "e\u0323\u0302\u0301\u0300"
    assert file_stem(marked) == "x" * 132
    assert file_stem("n" * 300, design="Certificate") == "n" * 120 + " - Certificate"
    assert file_stem("CON", design="../Badge") == "CON - Badge"


@given(st.text(), st.text(max_size=60))
def test_any_text_becomes_a_name_that_can_be_written(tmp_path_factory, text, design):
    name = FileNames().take(file_stem(text, design=design), "pdf")
    assert len(name.encode()) <= NAME_BYTES_MAX
    assert not set(name) & set('<>:"/\\|?*')
    assert name == name.strip()
    assert name[0] not in ".- "
    assert not any(unicodedata.category(char) == "Cc" for char in name)
    (tmp_path_factory.getbasetemp() / name).write_bytes(b"")


def test_no_name_is_given_twice():
    names = FileNames()
    taken = [names.take("Ada", "pdf") for _ in range(3)]
    assert taken == ["Ada.pdf", "Ada (2).pdf", "Ada (3).pdf"]
    assert names.take("ADA", "pdf") == "ADA (4).pdf"
    assert names.take("ada (5)", "pdf") == "ada (5).pdf"
    assert names.take("Ada", "pdf") == "Ada (6).pdf"
    assert names.take("Ada", "png") == "Ada.png"
    many = FileNames()
    assert len({many.take("Bob", "pdf").casefold() for _ in range(20_000)}) == 20_000


TAGS = {"recipient.name", "group.name", "custom.grade"}


@pytest.mark.parametrize("pattern", ["[recipient.name]", "[2026] [group.name] - [custom.grade]", " [recipient.name] "])
def test_a_pattern_is_text_with_attributes(pattern):
    assert check_pattern(pattern, TAGS) == pattern.strip()


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("", "empty"),
        ("certificate", "at least one attribute"),
        ("[recipient name]", "at least one attribute"),
        ("[recipient.nam]", "no attribute [recipient.nam]"),
        ("[custom.secret] [recipient.name]", "no attribute [custom.secret]"),
        ("[recipient.name]\x00", "control character"),
        ("[recipient.name]" + "x" * 200, "at most 200"),
    ],
)
def test_a_wrong_pattern_is_told(pattern, told):
    with pytest.raises(Invalid) as error:
        check_pattern(pattern, TAGS)
    assert told in str(error.value)
