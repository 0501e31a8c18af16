"""Values of custom attributes: what each type takes, in which form it is stored, and what is told of the others."""

# ruff: noqa: RUF001 - digits of other scripts are what this is about.

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.attributes.checking import check_custom_values
from testamur.errors import Invalid

MINE = "a" * 64
TYPES = {"custom.text": "text", "custom.day": "date", "custom.score": "number", "custom.photo": "image"}


def check(tag, value):
    return check_custom_values({tag: value}, TYPES, lambda digest: digest == MINE)[tag]


@pytest.mark.parametrize(
    ("tag", "value", "stored"),
    [
        ("custom.text", " as it is\n", " as it is\n"),
        ("custom.day", "2026-11-24", "2026-11-24"),
        ("custom.day", " 24-11-2026 ", "2026-11-24"),
        ("custom.day", "24.11.2026", "2026-11-24"),
        ("custom.day", "", ""),
        ("custom.score", "12", "12"),
        ("custom.score", "+007.50", "7.50"),
        ("custom.score", "-1.5", "-1.5"),
        ("custom.score", "-0.00", "0.00"),
        ("custom.score", "12,5", "12.5"),
        ("custom.score", "0,125", "0.125"),
        ("custom.score", "1234,567", "1234.567"),
        ("custom.score", "0." + "0" * 28 + "1", "0." + "0" * 28 + "1"),
        ("custom.score", " ", ""),
        ("custom.photo", "https://example.com/a.png?x=1", "https://example.com/a.png?x=1"),
        ("custom.photo", f"asset:{MINE}", f"asset:{MINE}"),
        ("custom.photo", "", ""),
        ("custom.custom.score", "3", "3"),
    ],
)
def test_what_a_type_takes_is_stored_in_one_form(tag, value, stored):
    accepted = check_custom_values({tag: value}, TYPES, lambda digest: digest == MINE)
    assert list(accepted.values()) == [stored]
    # What is stored is accepted again, and stays what it is.
    (known,) = accepted
    assert check(known, stored) == stored


@pytest.mark.parametrize(
    ("tag", "value", "told"),
    [
        ("custom.day", "11/24/2026", "write it as 2026-11-24"),
        ("custom.day", "30-02-2026", "not a day of the calendar"),
        ("custom.day", "tomorrow", "not a date"),
        ("custom.day", "٢٠٢٦-١١-٢٤", "not a date"),
        ("custom.score", "12 hours", "without a unit"),
        ("custom.score", "1,234", "write 1234 or 1.234"),
        ("custom.score", "1,234.5", "without separators"),
        ("custom.score", "1e5", "not a number"),
        ("custom.score", "NaN", "not a number"),
        ("custom.score", "٤٢", "not a number"),
        ("custom.score", "9" * 31, "at most 30 digits"),
        ("custom.photo", "http://example.com/a.png", "must start with https://"),
        ("custom.photo", "javascript:alert(1)", "Must be the address of a picture"),
        ("custom.photo", "https://me:secret@example.com/a.png", "user name or password"),
        ("custom.photo", "https://example.com/" + "x" * 2048, "at most 2048 characters"),
        ("custom.photo", "asset:" + "b" * 64, "no such picture; upload it first"),
        ("custom.photo", "asset:" + MINE.upper(), "Must be the address of a picture"),
        ("custom.text", "x\x00", "control character"),
        ("custom.text", 5, "Must be text"),
        ("custom.other", "x", "Custom attribute [custom.other] is not defined on the workspace level"),
    ],
)
def test_what_it_does_not_take_is_told_with_its_tag(tag, value, told):
    with pytest.raises(Invalid) as caught:
        check_custom_values({"custom.text": "fine", tag: value}, TYPES, lambda digest: digest == MINE)
    (problem,) = caught.value.problems
    assert problem.path == (tag,)
    assert told in problem.message


@given(st.sampled_from(sorted(TYPES)), st.text(max_size=40))
def test_any_text_is_accepted_or_told(tag, value):
    try:
        stored = check(tag, value)
    except Invalid as error:
        assert error.problems[0].path == (tag,)
    else:
        assert check(tag, stored) == stored
