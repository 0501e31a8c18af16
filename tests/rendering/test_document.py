"""The design document: what it may hold, and how a fault in it is told."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from testamur.designs.starters import GALLERY, read_starter
from testamur.errors import Invalid, InvalidJSON
from testamur.rendering.document import UPGRADES, json_schema, parse_design_file, parse_document, to_json

PAGE = {"size": "A4", "orientation": "landscape"}
STOPS = [{"color": "#fff", "at": 0}, {"color": "#000", "at": 1}]
BOX = {"x": 10, "y": 10, "width": 50, "height": 10}


def document(*elements, **members):
    return json.dumps({"version": 1, "page": PAGE, "elements": list(elements), **members})


def fault(text):
    with pytest.raises(Invalid) as caught:
        parse_document(text)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        (document({"type": "text", **BOX, "text": "x", "colour": "#000"}), ("elements", 0, "colour"), "color"),
        (document({"type": "text", **BOX}), ("elements", 0, "text"), "Required"),
        (document({"type": "text", **BOX, "text": "x", "font": "Comic Sans"}), ("elements", 0, "font"), "EB Garamond"),
        (document({"type": "text", **BOX, "text": "x", "color": "red"}), ("elements", 0, "color"), "#"),
        (document({"type": "text", **BOX, "text": "x", "size": 9000}), ("elements", 0, "size"), "from 3 to 400"),
        (document({"type": "text", **BOX, "text": "x", "sizeMin": 20}), ("elements", 0, "sizeMin"), "larger"),
        (document({"type": "text", **BOX, "text": "x" * 5001}), ("elements", 0, "text"), "5000"),
        (document({"type": "text", **BOX, "width": -1, "text": "x"}), ("elements", 0, "width"), "from 0.1"),
        (document({"type": "star"}), ("elements", 0, "type"), "polygon"),
        (document({"type": "polygon", "points": [[0, 0]]}), ("elements", 0, "points"), "3 to 200"),
        (document({"type": "image", **BOX, "source": "http://e.com/a.png"}), ("elements", 0, "source"), "name of"),
        (document({"type": "icon", "icon": "award", "x": 0, "y": 0, "size": 600}), ("elements", 0), "594 mm"),
        (
            document({"type": "group", **BOX, "elements": [{"type": "seal", **BOX, "height": 600}]}),
            ("elements", 0, "elements", 0),
            "594 mm",
        ),
        (
            document({"type": "polygon", "points": [[0, 0], [1000, 0], [0, 9]], "fill": {"stops": STOPS}}),
            ("elements", 0),
            "594 mm",
        ),
        (document({"type": "icon", "icon": "awward", "x": 0, "y": 0, "size": 6}), ("elements", 0, "icon"), "award"),
        (document({"type": "path", **BOX, "d": "M0 0 L1"}), ("elements", 0, "d"), "character"),
        (
            document({"type": "path", **BOX, "d": "M0 0", "viewBox": [9000, 1]}),
            ("elements", 0, "viewBox"),
            "proportions",
        ),
        (document({"type": "path", **BOX, "d": "M0 0", "viewBox": [0, 1]}), ("elements", 0, "viewBox"), "0.01"),
        (document({"type": "text", **BOX, "text": "[recipient.name|uper]"}), ("elements", 0, "text"), "upper"),
        (
            document({"type": "text", **BOX, "runs": [{"text": "[custom.a|date]"}]}),
            ("elements", 0, "runs", 0, "text"),
            "date",
        ),
        (
            document(background={"gradient": {"stops": [{"color": "#fff", "at": 0}]}}),
            ("background", "gradient", "stops"),
            "2 to 10",
        ),
        (document(page={"width": 100, "height": 2000, "bleed": 30}), ("page", "bleed"), "0 to 20"),
        (document(page={"width": 10, "height": 2000}), ("page",), "20 times"),
        (document(page={"width": 5, "height": 100}), ("page", "width"), "10 to 2000"),
        (document(page={"size": "A4", "width": 5}), ("page", "size"), "together"),
        (document(page={}), ("page", "width"), "Required"),
        (document(version=2), ("version",), "Must be 1"),
        (document(background={"color": "blue"}), ("background", "color"), "#"),
        (document(*[{"type": "line", "x1": 0, "y1": 0, "x2": 1, "y2": 1}] * 501), ("elements",), "500"),
    ],
)
def test_a_fault_is_told_with_its_place_and_the_remedy(text, path, reason):
    problem = fault(text)
    assert problem.path == path
    assert reason in problem.message


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe"])
def test_what_is_not_json_is_told(text):
    with pytest.raises(InvalidJSON):
        parse_document(text)


def test_a_huge_document_is_refused_before_it_is_read():
    with pytest.raises(Invalid, match="larger than"):
        parse_document(" " * (1024 * 1024 + 1))


def test_every_fault_is_told_at_once():
    text = document(
        {"type": "text", **BOX, "text": "x", "color": "red"}, {"type": "text", **BOX, "text": "x", "size": 1}
    )
    with pytest.raises(Invalid) as caught:
        parse_document(text)
    assert [problem.path for problem in caught.value.problems] == [("elements", 0, "color"), ("elements", 1, "size")]


def test_a_fault_in_a_design_file_is_told_below_its_document():
    with pytest.raises(Invalid) as caught:
        parse_design_file(json.dumps({"name": "x", "type": "badge", "document": json.loads(document(page={}))}))
    assert caught.value.problems[0].path == ("document", "page", "width")


@pytest.mark.parametrize("name", GALLERY)
def test_a_document_survives_being_written_and_read(name):
    drawn = read_starter(name).document
    assert parse_document(to_json(drawn)) == drawn
    assert to_json(parse_document(to_json(drawn))) == to_json(drawn)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["type", "x", "text", "page"]), inner),
    max_leaves=12,
)


@given(JSON, JSON)
def test_no_json_at_all_breaks_the_parser(page, elements):
    with contextlib.suppress(Invalid, InvalidJSON):
        parse_document(json.dumps({"version": 1, "page": page, "elements": elements}))


def test_the_json_schema_admits_what_is_read_and_refuses_what_is_not():
    validator = Draft202012Validator(json_schema())
    for name in GALLERY:
        assert list(validator.iter_errors(json.loads(to_json(read_starter(name).document)))) == []
    for text in (
        document({"type": "star"}),
        document({"type": "text", **BOX, "text": "x", "size": 9000}),
        document(colour=1),
    ):
        assert list(validator.iter_errors(json.loads(text)))


def test_a_document_of_an_older_version_is_brought_to_the_newest(monkeypatch):
    def with_page(raw):
        return {**raw, "version": 1, "page": {"size": raw["page"]}}

    def with_elements(raw):
        return {"version": 0, "page": raw["page"], "elements": raw["items"]}

    monkeypatch.setitem(UPGRADES, -1, with_elements)
    monkeypatch.setitem(UPGRADES, 0, with_page)
    older = {"version": -1, "page": "A4", "items": [{"type": "text", **BOX, "text": "x"}]}
    upgraded = parse_document(json.dumps(older))
    assert (upgraded.version, upgraded.page.size, upgraded.elements[0].text) == (1, "A4", "x")
    file = parse_design_file(json.dumps({"name": "x", "type": "badge", "document": older}))
    assert file.document == upgraded
    with pytest.raises(Invalid, match="version: Must be 1"):
        parse_document(json.dumps({**older, "version": 2}))
    with pytest.raises(Invalid, match="version"):
        parse_document(json.dumps({**older, "version": [0]}))
