"""Which form of a document a request gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.web.documents import preferred

OFFERED = ("text/html", "application/ld+json", "application/json")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("application/ld+json, application/json;q=0.5", "application/ld+json"),
        ("application/json;q=0.9, application/ld+json;q=0.2", "application/json"),
        ("application/*", "application/ld+json"),
        ("application/*, application/ld+json;q=0", "application/json"),
        ("text/html;q=0.1, */*;q=0.5", "application/ld+json"),
        ("application/json;q=high", "text/html"),
        ("image/png", "text/html"),
        (";;,,=,q=1;", "text/html"),
    ],
)
def test_the_form_that_is_liked_best_is_chosen(accept, expected):
    assert preferred(accept, OFFERED) == expected


@given(st.text(alphabet="aplicton/json*;q=0.19, hmte", max_size=80) | st.text(max_size=200))
def test_any_header_chooses_one_of_those_offered(accept):
    assert preferred(accept, OFFERED) in OFFERED
