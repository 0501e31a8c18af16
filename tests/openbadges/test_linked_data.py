import copy
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.openbadges import linked_data, shapes
from testamur.openbadges.contexts import BADGE_CONTEXTS, CREDENTIALS_V2
from testamur.openbadges.linked_data import Unsignable, canonical_form

BADGE = {
    "@context": list(BADGE_CONTEXTS),
    "id": "https://example.org/credentials/1",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "name": "Bookbinding",
    "issuer": {"id": "did:web:example.org:i:acme", "type": ["Profile"], "name": "Acme"},
    "validFrom": "2026-01-01T00:00:00Z",
    "credentialSubject": {
        "id": "urn:uuid:d7a1bb2a-58c1-4f2f-bd2f-1f6b8f8f8f8f",
        "type": ["AchievementSubject"],
        "identifier": [
            {"type": "IdentityObject", "hashed": False, "identityType": "name", "identityHash": "Ada"},
            {"type": "IdentityObject", "hashed": False, "identityType": "userName", "identityHash": "ada"},
        ],
        "achievement": {
            "id": "https://example.org/achievements/1",
            "type": ["Achievement"],
            "name": "Bookbinding",
            "description": "Binding of books",
            "criteria": {"narrative": "Bind a book."},
            "tag": ["books", "glue"],
        },
    },
}
BOTH_WAYS = pytest.mark.parametrize("canonical", [canonical_form, shapes.canonical_form])


SUBJECT = ("credentialSubject",)
ACHIEVEMENT = (*SUBJECT, "achievement")


def changed(path, value):
    document = copy.deepcopy(BADGE)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


def nested(depth):
    value = {"type": ["Profile"]}
    for _ in range(depth):
        value = {"type": ["Profile"], "parentOrg": value}
    return value


@BOTH_WAYS
@pytest.mark.parametrize(
    ("path", "value", "at", "reason"),
    [
        ((*SUBJECT, "grade"), "A", (), "“grade” is not defined by the contexts"),
        ((*ACHIEVEMENT, "tag"), ["x\x0by"], (0,), r"U\+000B"),
        ((*ACHIEVEMENT, "name"), "\ud800", (), r"U\+D800"),
        ((*ACHIEVEMENT, "name"), "\ufffe", (), r"U\+FFFE"),
        ((*ACHIEVEMENT, "name"), "\U0001ffff", (), r"U\+1FFFF"),
        (("name",), "\x7f", (), r"U\+007F"),
        ((*ACHIEVEMENT, "tag"), ["\U0001f642", "\uff46"], (1,), "disagree on the order"),
        ((*ACHIEVEMENT, "id"), "achievements/1", (), "whole address"),
        ((*ACHIEVEMENT, "type"), ["Achievement", "Award"], (1,), "a type that the contexts define"),
        ((*ACHIEVEMENT, "id"), "https://a.example/ b", (), "not an address"),
        (("id",), "@json", (), "not an address"),
        (("jti",), "x", (), "some copies of the Open Badges context"),
        ((*ACHIEVEMENT, "endorsementJwt"), ["x"], (), "some copies of the Open Badges context"),
        ((*ACHIEVEMENT, "tag"), [], (), "empty list"),
        ((*ACHIEVEMENT, "tag"), ["x", None], (1,), "empty value"),
        ((*ACHIEVEMENT, "name"), {"@value": "x", "@direction": "rtl"}, ("@direction",), "would not be covered"),
        ((*SUBJECT, "creditsEarned"), float("nan"), (), "number"),
        ((*SUBJECT, "creditsEarned"), 10**400, (), "too large"),
        ((*SUBJECT, "creditsEarned"), 1e-7, (), "too small"),
        ((*SUBJECT, "creditsEarned"), object(), (), "kind of value"),
        (("@context", 1), "https://a.example/", (), "not known here"),
        (("@context", 2), {"grade": "urn:grade"}, (), "named by its address"),
    ],
)
def test_what_verifiers_would_not_read_alike_is_refused_with_its_place(canonical, path, value, at, reason):
    with pytest.raises(Unsignable, match=reason) as refusal:
        canonical(changed(path, value))
    assert refusal.value.path == (*path, *at)


@BOTH_WAYS
@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ((*ACHIEVEMENT, "id"), "https://[a", "not well-formed"),
        (("@context",), CREDENTIALS_V2, "not defined by the contexts|a type that the contexts define"),
        ((*SUBJECT, "id"), 7, "not JSON-LD that can be read"),
        ((*SUBJECT, "result"), [{"type": ["Result"], "value": "x"}] * 250 * 3, "more than 250 values"),
        ((*SUBJECT, "result"), [{"type": ["Result"], "value": "x", "alignment": [nested(3)]}] * 250, "more than 2000"),
        (("@context",), [], "states nothing|not defined"),
        ((*ACHIEVEMENT, "tag"), ["x" * 1_000_001], "more than 1000000 characters"),
        (("issuer",), {"id": "urn:x:1", **nested(50)}, "nested more than"),
    ],
)
def test_what_cannot_be_read_is_refused(canonical, path, value, reason):
    with pytest.raises(Unsignable, match=reason):
        canonical(changed(path, value))


@BOTH_WAYS
@pytest.mark.parametrize("document", [None, [], "https://example.org/", 7, [BADGE]])
def test_what_is_no_object_is_refused(canonical, document):
    with pytest.raises(Unsignable, match="not a JSON object"):
        canonical(document)


@BOTH_WAYS
def test_a_verifier_reads_what_is_not_minted(canonical):
    assert r"a\u000Bb" in canonical(changed((*ACHIEVEMENT, "name"), "a\x0bb"), minting=False)
    tags = changed((*ACHIEVEMENT, "tag"), ["\U0001f642", "\uff46"])
    assert '"\U0001f642"' in canonical(tags, minting=False)
    own = changed((*SUBJECT, "grade"), "A")
    own["@context"].append({"grade": "urn:x:grade"})
    assert '<urn:x:grade> "A"' in canonical(own, minting=False)
    assert canonical(BADGE, minting=False) == canonical(changed((*ACHIEVEMENT, "version"), None), minting=False)


# Each would keep RDFC-1.0, PyLD or us busy for minutes.
@BOTH_WAYS
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*ACHIEVEMENT, "alignment"), [{"type": ["Alignment"], "targetName": "x"} for _ in range(10_000)]),
        ((*SUBJECT, "result"), [nested(3) for _ in range(400)]),
        (
            (*SUBJECT, "source"),
            [{"id": f"_:b{i}", "parentOrg": [{"id": f"_:b{j}"} for j in range(20) if i != j]} for i in range(20)],
        ),
        (("@context",), [CREDENTIALS_V2] * 10_000),
        (("@context",), [*BADGE_CONTEXTS, {f"t{i}": {"@id": f"urn:x:{i}", "@context": {}} for i in range(5_000)}]),
        (("@context",), [*BADGE_CONTEXTS, {"@import": "https://a.example/"}]),
        ((*ACHIEVEMENT, "tag"), ["x" * 5_000_000]),
    ],
)
def test_documents_made_to_keep_a_verifier_busy_are_refused_in_time(canonical, path, value):
    document = changed(path, value)
    began = time.monotonic()
    with pytest.raises(Unsignable):
        canonical(document, minting=False)
    assert time.monotonic() - began < 10


@BOTH_WAYS
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*ACHIEVEMENT, "tag"), [f"tag {number}" for number in range(250)]),
        (("@context",), [*BADGE_CONTEXTS, {f"t{i}": {"@id": f"urn:x:{i}", "@context": {}} for i in range(200)}]),
        ((*ACHIEVEMENT, "alignment"), [{"type": ["Alignment"], "targetName": "x"} for _ in range(250)]),
        ((*ACHIEVEMENT, "creator"), [{"id": "urn:x:1", "type": ["Profile"], "name": str(i)} for i in range(250)]),
    ],
)
def test_what_is_just_within_the_limits_is_read_in_time(canonical, path, value):
    document = changed(path, value)
    began = time.monotonic()
    canonical(document, minting=False)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("count", [2, 40])
def test_parts_that_are_alike_and_have_no_id_are_signed_as_long_as_that_is_cheap(count):
    alike = {"type": ["Result"], "value": "1", "alignment": [{"type": ["Alignment"], "targetName": "x"}]}
    document = changed((*SUBJECT, "result"), [copy.deepcopy(alike) for _ in range(count // 2)])
    assert canonical_form(document) == shapes.canonical_form(document)


@BOTH_WAYS
def test_a_value_that_is_repeated_in_a_list_is_not_signed_but_verified(canonical):
    grades = {"id": "urn:x:1", "type": ["ResultDescription"], "allowedValue": ["A", "B", "B", "C"]}
    document = changed((*ACHIEVEMENT, "resultDescription"), [grades])
    with pytest.raises(Unsignable, match="holds a value twice"):
        canonical(document)
    assert canonical(document, minting=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["_:b0", "@id", "Profile"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["id", "type", "name", "@context", "@graph", "@list", "issuer", "tag", "proof"]), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(
    document=st.dictionaries(st.sampled_from(["id", "type", "name", "issuer", "proof", "@graph"]), JSON),
    minting=st.booleans(),
)
@settings(deadline=None)
def test_any_json_is_read_alike_by_both_ways_or_refused_by_both(document, minting):
    document = {"@context": list(BADGE_CONTEXTS), **document}
    found = []
    for canonical in (linked_data.canonical_form, shapes.canonical_form):
        try:
            found.append(canonical(document, minting=minting))
        except Unsignable as refusal:
            found.append(refusal.path)
    assert found[0] == found[1]
