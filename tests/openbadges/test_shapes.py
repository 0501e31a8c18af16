"""The fast way gives what the whole algorithm gives. `RANDOM_BADGES=2000 make test TEST_ARGS="tests/openbadges/test_shapes.py"`
tries more of them.
"""

import os
import threading
from random import Random

import pytest
from badges import full_credential, random_credential
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.openbadges import linked_data, shapes
from testamur.openbadges.linked_data import Unsignable

PER_SHAPE = 10
SHAPES = int(os.environ.get("RANDOM_BADGES", "120")) // PER_SHAPE


def outcome(canonical_form, document):
    try:
        return canonical_form(document)
    except Unsignable as refusal:
        return str(refusal)


@given(structure=st.integers(0, 2**32), texts=st.lists(st.integers(0, 2**32), min_size=PER_SHAPE, max_size=PER_SHAPE))
@settings(max_examples=SHAPES, deadline=None)
def test_random_credentials_have_the_same_canonical_form_both_ways(structure, texts):
    for seed in texts:
        document = random_credential(Random(structure), Random(seed))
        assert outcome(shapes.canonical_form, document) == outcome(linked_data.canonical_form, document)


@given(
    picks=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=8),
    structure=st.integers(0, 2**32),
)
@settings(max_examples=SHAPES, deadline=None)
def test_random_credentials_made_together_have_the_canonical_forms_that_they_have_alone(picks, structure):
    # Of two shapes, with few texts that differ or all of them; some documents are equal, some cannot be signed.
    documents = []
    for shape, texts, change in picks:
        document = random_credential(Random(structure + shape), Random(texts // 2))
        document["name"] = ["Ada", "\U0001f642 Zoë", 'the "great"\n'][change]
        document["id"] = "urn:x:\x01" if (texts, change) == (3, 2) else f"urn:uuid:{texts}"
        documents.append(document)
    alone = [outcome(linked_data.canonical_form, document) for document in documents]
    forms = shapes.canonical_forms(documents)
    for expected in alone:
        found = outcome(next, forms)
        assert found == expected
        if not found.endswith("\n"):
            return  # It was refused, which ends what was made together.


def test_documents_made_together_may_share_parts_be_the_same_or_become_alike_inside():
    whole = full_credential()
    twin = {"type": "IdentityObject", "hashed": False, "identityType": "a", "identityHash": "b"}
    documents = [{**whole, "id": f"urn:x:{number}"} for number in range(3)] + [whole, whole]
    for number in range(3):
        other = full_credential()
        other["credentialSubject"]["identifier"] = [twin, {**twin, "identityHash": "b" if number == 1 else str(number)}]
        other["credentialSubject"]["achievement"]["tag"] = ["same", "same"]
        documents.append(other)
    expected = [linked_data.canonical_form(document) for document in documents]
    assert list(shapes.canonical_forms(documents)) == expected
    assert list(shapes.canonical_forms([whole])) == [expected[3]]
    assert list(shapes.canonical_forms([])) == []


def test_a_part_without_a_shape_that_documents_share_is_left_to_the_whole_algorithm_in_each():
    document = full_credential()
    document["credentialSubject"]["achievement"]["extra"] = {1: "x"}
    documents = [{**document, "id": f"urn:x:{number}"} for number in range(2)]
    with pytest.raises(Unsignable, match="name is not a text"):
        list(shapes.canonical_forms(documents))
    for rest in (documents[:1], documents[1:]):
        with pytest.raises(Unsignable, match="name is not a text"):
            list(shapes.canonical_forms(rest))


@given(
    text=st.text(max_size=30)
    | st.sampled_from(["https://example.org:99999/", "https://a.example/%zz", "urn:x", "mailto:a@b.example", "data:,x"])
    | st.from_regex(r"(https?://|urn:|did:|HTTPS://|_:|xsd:|@)[!-~]{0,20}", fullmatch=True),
    path=st.sampled_from([("id",), ("name",), ("issuer", "id"), ("issuer", "url"), ("evidence", 0, "id"), ("type", 1)]),
)
@settings(deadline=None)
def test_any_text_in_any_kind_of_place_comes_out_alike_both_ways(text, path):
    whole = full_credential()
    document = {name: whole[name] for name in ("@context", "id", "type", "name", "issuer", "evidence")}
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = text
    for minting in (True, False):
        found = [
            outcome(lambda given, way=way, minting=minting: way(given, minting=minting), document)
            for way in (shapes.canonical_form, linked_data.canonical_form)
        ]
        assert found[0] == found[1]


# Values that differ are one shape; those that JSON takes for the same and Python too are not.
@pytest.mark.parametrize("values", [(True, 1, 1.0, "1", "true"), (0, False, 0.0, -0.0), ([], {}, ""), (["x"], "x")])
def test_values_that_python_takes_for_equal_are_told_apart(values):
    for value in values:
        document = full_credential()
        document["credentialSubject"]["creditsEarned"] = value
        assert outcome(shapes.canonical_form, document) == outcome(linked_data.canonical_form, document)


def test_values_that_become_equal_are_as_in_the_whole_algorithm():
    shapes.canonical_form(full_credential())
    document = full_credential()
    subject = document["credentialSubject"]
    subject["achievement"]["tag"] = ["same", "same"]
    subject["identifier"] = [{"type": "IdentityObject", "hashed": False, "identityType": "a", "identityHash": "b"}] * 2
    subject["result"] *= 2
    document["evidence"] *= 2
    document["issuer"]["id"] = document["id"]
    assert shapes.canonical_form(document) == linked_data.canonical_form(document)


def test_a_term_in_the_place_of_an_address_is_not_taken_for_one():
    for purpose in ("assertionMethod", "authentication", "https://w3id.org/security#assertionMethod", "urn:x:1"):
        options = {"@context": full_credential()["@context"], "type": "DataIntegrityProof", "proofPurpose": purpose}
        assert shapes.canonical_form(options) == linked_data.canonical_form(options)


def test_shapes_are_kept_within_bounds_and_the_oldest_goes_first():
    for number in range(shapes._MAX_SHAPES + 20):
        document = {"@context": full_credential()["@context"], "id": "urn:x:1", "type": ["Profile", f"urn:x:{number}"]}
        assert shapes.canonical_form(document) == linked_data.canonical_form(document)
    assert len(shapes._shapes) <= shapes._MAX_SHAPES


def test_threads_may_share_the_shapes():
    documents = [random_credential(Random(number % 4), Random(number)) for number in range(24)]
    expected = [outcome(linked_data.canonical_form, document) for document in documents]
    found = {}

    def work(start):
        for number in range(len(documents)):
            at = (start + number) % len(documents)
            found[start, at] = outcome(shapes.canonical_form, documents[at])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[start, at] == expected[at] for start, at in found)
    assert len(found) == 4 * len(documents)
