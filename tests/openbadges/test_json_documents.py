import json
import time
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.openbadges.json_documents import (
    BYTES_MAX,
    DEPTH_MAX,
    UnreadableJSON,
    canonical,
    checked_object,
    read_object,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


def test_an_object_is_read_from_text_and_bytes():
    assert read_object('{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
    assert read_object(b'\xef\xbb\xbf{"\xc3\xa9": "\\ud83d\\ude42"}') == {"é": "🙂"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not JSON"),
        ("null", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        (b"\xff\xfe{\0}\0", "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"b": {"a": 1, "\\u0061": 2}}', "stands twice"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": -Infinity}', "no JSON"),
        ('{"a": 1e999}', "number in it is too large"),
        ('{"a": 1' + "0" * 5000 + "}", "not JSON"),
        ('{"a": 1' + "0" * 500 + "}", "number in it is too large"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"\\udc00": 1}', "surrogate"),
        ('{"a": ' + "[" * DEPTH_MAX + "]" * DEPTH_MAX + "}", "levels deep"),
        ('{"a": ' * 100_000, "levels deep"),
        ("[" * 1_000_000, "levels deep"),
        ('{"a": [' + "0," * 100_000 + "0]}", "values"),
        ('{"a": "' + "a" * BYTES_MAX + '"}', "larger than 5 MB"),
    ],
)
def test_json_that_is_none_or_too_much_is_refused(content, reason):
    start = time.monotonic()
    with pytest.raises(UnreadableJSON, match=reason):
        read_object(content)
    assert time.monotonic() - start < 2


def test_what_is_read_elsewhere_is_held_to_the_same():
    assert checked_object(MappingProxyType({"a": [1]})) == {"a": [1]}
    round_and_round = {}
    round_and_round["a"] = round_and_round
    for value in ([], {"a": b""}, {"a": (1,)}, {1: "a"}, {"b": object()}, {"a": "é" * 2_600_000}, round_and_round):
        with pytest.raises(UnreadableJSON):
            checked_object(value)


def test_the_canonical_form_is_that_of_the_standard():
    # RFC 8785, sections 3.2.2 and 3.2.3.
    text = r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    assert canonical(json.loads(text)).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        r'"string":"€$\u000f\nA'
        "'"
        r'B\"\\\\\"/"}'
    )
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\xf6"]
    ordered = ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(names)))) == ordered


@pytest.mark.parametrize(
    ("number", "text"),
    [
        # RFC 8785, appendix B.
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e21, "1e+21"),
        (999999999999999900000.0, "999999999999999900000"),
        (0.000001, "0.000001"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.0000033333333333333333, "0.0000033333333333333333"),
        (1424953923781206.2, "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_the_standard_says(number, text):
    assert canonical(number).decode() == text


@given(VALUES)
def test_the_canonical_form_says_the_same(value):
    try:
        checked = checked_object({"value": value})
    except UnreadableJSON:
        return
    # Large numbers without a fraction are written as if they were integers.
    assert json.loads(canonical(checked), parse_int=float) == checked


@given(
    st.dictionaries(
        st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.lists(st.text())
    )
)
def test_both_ways_to_the_canonical_form_lead_to_the_same(value):
    try:
        checked_object(value)
    except UnreadableJSON:
        return
    # A float makes it take the long way.
    assert canonical([value, 0.5]) == b"[" + canonical(value) + b",0.5]"


@given(st.one_of(st.text(), st.binary(), st.text().map(lambda text: "{" + text), VALUES.map(repr)))
def test_anything_is_read_or_refused(content):
    try:
        assert isinstance(read_object(content), dict)
    except UnreadableJSON as error:
        assert str(error)


@given(VALUES)
def test_any_value_is_read_or_refused(value):
    try:
        assert checked_object(value) == value
    except UnreadableJSON as error:
        assert str(error)
