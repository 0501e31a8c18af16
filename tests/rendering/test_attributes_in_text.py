"""Attributes in texts: the grammar, the formats, and that values stay data."""

# ruff: noqa: RUF001 - the letters and digits of many languages are what this is about.

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.errors import Invalid
from testamur.rendering.attributes_in_text import _parse, fill_in, missing_in, problems_in, tags_in
from testamur.rendering.languages import clean_language, format_day
from testamur.rendering.values import as_text, decode_values, encode_values

DAY = date(2026, 11, 4)
VALUES = {
    "recipient.name": "ada o'neil",
    "certificate.issued_on": DAY,
    "certificate.expired_on": "",
    "custom.score": Decimal("1234.50"),
    "custom.share": Decimal("0.855"),
    "custom.blank": "  ",
}


def test_attributes_are_found_and_plain_brackets_are_text():
    text = "[recipient.name] of [custom.a_b|upper] [sic] [1] [see a.b] [custom.none|or “[x|y.z]”]!"
    assert tags_in(text) == {"recipient.name", "custom.a_b", "custom.none"}
    assert problems_in(text) == []
    assert fill_in(text, {"recipient.name": "[custom.a_b]", "custom.a_b": "y"}) == (
        "[custom.a_b] of Y [sic] [1] [see a.b] [x|y.z]!"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[certificate.issued_on]", "4 November 2026"),
        ("[certificate.issued_on|short]", "04/11/2026"),
        ("[certificate.issued_on|medium]", "4 Nov 2026"),
        ("[certificate.issued_on|long]", "4 November 2026"),
        ("[certificate.issued_on|full]", "Wednesday, 4 November 2026"),
        ("[certificate.issued_on|iso]", "2026-11-04"),
        ("[certificate.issued_on|weekday], [certificate.issued_on|day]", "Wednesday, 4"),
        ("[certificate.issued_on|month] [certificate.issued_on|year]", "November 2026"),
        ("[certificate.issued_on | date \"d 'de' MMM yyyy\" | upper]", "4 DE NOV 2026"),
        ("[custom.score]", "1234.50"),
        ("[custom.score|number]", "1,234.50"),
        ('[custom.score|decimal "0.0"]', "1234.5"),
        ('[custom.score|decimal "#,##0.000"]', "1,234.500"),
        ("[custom.share|percent]", "85.5%"),
        ("[recipient.name|title] [recipient.name|upper]", "Ada O'neil ADA O'NEIL"),
        ('[certificate.expired_on|long|or "without end"]', "without end"),
        ('[custom.blank|or "x"|upper][custom.none|or ""]', "X"),
        ('[recipient.name|or "nobody"]', "ada o'neil"),
        # A format that has nothing to do with the value leaves it alone.
        ("[recipient.name|long] [certificate.issued_on|number]", "ada o'neil 4 November 2026"),
    ],
)
def test_formats_and_fallbacks(text, expected):
    assert problems_in(text) == []
    assert fill_in(text, VALUES) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en-US", "November 4, 2026 | 11/4/26 | 1,234.50 | 85.5%"),
        ("de", "4. November 2026 | 04.11.26 | 1.234,50 | 85,5 %"),
        ("pl", "4 listopada 2026 | 4.11.2026 | 1 234,50 | 85,5%"),
        ("pt-BR", "4 de novembro de 2026 | 04/11/2026 | 1.234,50 | 85,5%"),
        ("ja", "2026年11月4日 | 2026/11/04 | 1,234.50 | 85.5%"),
        ("fa", "۴ نوامبر ۲۰۲۶ | ۲۰۲۶/۱۱/۴ | ۱٬۲۳۴٫۵۰ | ۸۵٫۵%"),
        ("bn", "৪ নভেম্বর, ২০২৬ | ৪/১১/২৬ | ১,২৩৪.৫০ | ৮৫.৫%"),
        ("qq", "4 November 2026 | 04/11/2026 | 1,234.50 | 85.5%"),
        ("", "4 November 2026 | 04/11/2026 | 1,234.50 | 85.5%"),
        ("de-1996-x-house", "4. November 2026 | 04.11.26 | 1.234,50 | 85,5 %"),
    ],
)
def test_dates_and_numbers_are_written_in_the_language(language, expected):
    text = "[certificate.issued_on] | [certificate.issued_on|short] | [custom.score|number] | [custom.share|percent]"
    shown = fill_in(text, VALUES, language)
    for mark in ("\u200e", "\u200f", "\u061c"):
        shown = shown.replace(mark, "")
    assert shown.replace("\u202f", " ").replace("\xa0", " ") == expected


def test_no_language_leaks_into_another():
    """Babel lets one locale resolve names that other locales then find in their place."""
    languages = ["he", "fr", "no", "zh-Hant-TW", "th", "de", "hi", "en", "ar"]
    months = {language: format_day(DAY, "month", language) for language in languages}
    assert months["no"] == "november"
    assert months["de"] == "November"
    script = (
        "import sys, json; from datetime import date; from testamur.rendering.languages import format_day;"
        "print(json.dumps(format_day(date(2026, 11, 4), 'month', sys.argv[1])))"
    )
    for language in ("fr", "th"):
        alone = subprocess.run([sys.executable, "-c", script, language], capture_output=True, text=True, check=True)
        assert json.loads(alone.stdout) == months[language]


def test_letters_are_made_capital_as_the_language_does():
    assert fill_in("[a.b|upper]", {"a.b": "izmir ışık"}, "tr") == "İZMİR IŞIK"
    assert fill_in("[a.b|lower]", {"a.b": "IŞIK İZMİR"}, "tr") == "ışık izmir"
    assert fill_in("[a.b|title]", {"a.b": "ANNE-MARIE d’Arc ŻÓŁĆ"}, "pl") == "Anne-Marie D’arc Żółć"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[certificate.issued_on|lng]", "is not a format; did you mean long?"),
        ("[a.b|Upper]", "did you mean upper?"),
        ("[a.b|]", "nothing after the bar; there are short, "),
        ("[a.b|date]", 'date needs a text in quotation marks, such as date "d MMM yyyy"'),
        ("[a.b|or nobody]", 'or needs a text in quotation marks, such as or "the course team"'),
        ('[a.b|or "nobody]', "or needs a text in quotation marks"),
        ('[a.b|long "x"]', "long takes no text"),
        ('[a.b|date "DD-MM-YYYY"]', "the day is d, as in dd"),
        ('[a.b|date "dd-mm-yyyy"]', "the month is M, as in MM"),
        ('[a.b|date "d MMM YYYY"]', "the year is y, as in yyyy"),
        ('[a.b|date "d de MMM"]', "between two '"),
        ("[a.b|date \"d 'de MMM\"]", "between two '"),
        ('[a.b|date "MMMMMMM"]', "cannot be used"),
        ('[a.b|date "-"]', "shows nothing of the date"),
        ('[a.b|date "' + "y" * 61 + '"]', "1 to 60 characters"),
        ('[a.b|decimal "0.0.0"]', 'such as "0.00"'),
        ("[a.b|upper|long]", "long must come first, before upper"),
        ("[a.b|long", "another bar or the closing bracket"),
        ("[Recipient.Name]", "write it as [recipient.name]"),
        ("[ custom.grade ]", "write it as [custom.grade]"),
        ("[recipient. name|long]", "write it as [recipient.name|…]"),
        ("[recipient.name, welcome", "with its closing bracket"),
        ("[custom.größe]", "a-z, digits"),
    ],
)  # fmt: skip
def test_what_was_meant_as_an_attribute_is_told_and_printed_as_it_stands(text, problem):
    (told,) = problems_in(f"Dear {text}")
    assert problem in told
    assert told.startswith("[")
    assert fill_in(f"Dear {text}", VALUES) == f"Dear {text}"


def test_attributes_without_value_and_fallback_are_missing():
    text = '[custom.b] [custom.a] [custom.b] [custom.blank] [custom.c|or "x"] [recipient.name] [certificate.issued_on]'
    assert missing_in(text, VALUES) == ["custom.b", "custom.a", "custom.blank"]


@pytest.mark.parametrize(
    ("given", "expected"), [("pl", "pl"), ("pt_br", "pt-BR"), (" ZH-hant-tw ", "zh-Hant-TW"), ("es-419", "es-419")]
)
def test_a_language_gets_its_usual_spelling(given, expected):
    assert clean_language(given) == expected


@pytest.mark.parametrize("given", ["", "e", "xx", "english", "en-", "en-US-posix", "de-1996", "../etc", "en\n-US"])
def test_a_language_that_is_not_known_is_refused(given):
    with pytest.raises(Invalid, match="There is no language"):
        clean_language(given)


PIECES = st.sampled_from([
    "[", "]", "|", '"', "“", "”", "a.b", "custom.x", "recipient.name", "or", "date", "decimal", "upper", "long", " ",
    "\n", "'", "d MMM", "0.00", "[a.b]", '[a.b|or "', "é", "\ud800",
])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join))
DATES = st.dates()
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=6)
ANY_VALUES = st.dictionaries(
    st.sampled_from(["a.b", "custom.x", "recipient.name"]), st.one_of(TEXTS, DATES, NUMBERS), max_size=3
)


@given(TEXTS, ANY_VALUES, st.sampled_from(["en", "de", "ar-EG", "zh-Hant", "tr", "nonsense", ""]))
def test_nothing_makes_it_raise(text, values, language):
    fill_in(text, values, language)
    missing = missing_in(text, values)
    assert set(missing) <= tags_in(text)
    assert all(isinstance(problem, str) for problem in problems_in(text))


@given(TEXTS, ANY_VALUES)
def test_a_text_is_the_sum_of_its_parts_and_without_attributes_stays_itself(text, values):
    parts = _parse(text).parts
    assert "".join(part if isinstance(part, str) else part.written for part in parts) == text
    for part in parts:
        if not isinstance(part, str):
            (again,) = _parse(part.written).parts
            assert again == part
    if not tags_in(text):
        assert fill_in(text, values) == text


@given(TEXTS)
def test_a_value_is_never_resolved_again(value):
    assert fill_in("<[a.b]>", {"a.b": value, "custom.x": "LEAK", "recipient.name": "LEAK"}) == f"<{value}>"


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=20), DATES, NUMBERS), max_size=5))
def test_values_survive_being_stored(values):
    stored = json.loads(json.dumps(encode_values(values)))
    again = decode_values(stored)
    assert again == values
    assert [as_text(value) for value in again.values()] == [as_text(value) for value in values.values()]


def test_values_that_were_stored_as_texts_are_read_as_they_are():
    assert decode_values({"certificate.issued_on": "24 November 2026", "custom.hours": "40"}) == {
        "certificate.issued_on": "24 November 2026",
        "custom.hours": "40",
    }
