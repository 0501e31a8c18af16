import copy
import json
from random import Random

import pytest
from badge_web import sample_credential
from badges import full_credential, random_credential
from hypothesis import given
from hypothesis import strategies as st

from testamur.openbadges.credential_rules import (
    assertion_problems,
    badge_class_problems,
    credential_problems,
    issuer_problems,
    moment,
)
from testamur.openbadges.open_badges_2 import (
    HostedAssertion,
    HostedBadge,
    assertion_document,
    badge_class_document,
    issuer_document,
)

MISSING = object()


def _changed(document, path, value):
    document = copy.deepcopy(document)
    *way, last = path
    inner = document
    for step in way:
        inner = inner[step]
    if value is MISSING:
        del inner[last]
    else:
        inner[last] = value
    return document


def _text(problems):
    return [str(problem) for problem in problems]


def test_credentials_with_much_and_little_have_no_problem():
    random = Random(1)
    for credential in (
        sample_credential(),
        full_credential(),
        *(random_credential(random, random) for _ in range(100)),
    ):
        assert credential_problems(credential) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("issuer",), "did:web:issuer.example"),
        (("evidence",), {"type": ["Evidence"]}),
        (("proof",), {"type": "DataIntegrityProof"}),
        (("credentialSubject", "achievement", "achievementType"), "ext:Weld"),
        (("credentialSubject", "achievement", "anything"), 1),
        (("credentialSubject", "id"), MISSING),
        (("@context", 1), "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json"),
        (("type",), ["AchievementCredential", "VerifiableCredential", "More"]),
        (("validFrom",), "2026-01-31T12:00:00.123+05:30"),
    ],
)
def test_what_others_write_differently_is_accepted(path, value):
    assert credential_problems(_changed(sample_credential(), path, value)) == []


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("@context",), MISSING, "@context: is missing"),
        (("@context",), [], "@context[0]: must be https://www.w3.org/ns/credentials/v2"),
        (("@context", 1), 7, "@context[1]: must be the context of Open Badges 3.0"),
        (("id",), MISSING, "id: is missing"),
        (("id",), "credentials/1", "id: must be an absolute address (URI)"),
        (("type",), "OpenBadgeCredential", "type: must be an array"),
        (("type",), ["OpenBadgeCredential"], "type: must hold VerifiableCredential"),
        (("type",), ["VerifiableCredential", {}], "type: must hold OpenBadgeCredential or AchievementCredential"),
        (("issuer",), [], "issuer: must be an object"),
        (("issuer", "id"), MISSING, "issuer.id: is missing"),
        (("issuer", "type"), MISSING, "issuer.type: is missing"),
        (("issuer", "image", "width"), 7, "issuer.image.width: must not be here"),
        (("validFrom",), MISSING, "validFrom: is missing"),
        (("validFrom",), "2026-01-31", "validFrom: must be a date and time with its zone"),
        (("validUntil",), "2026-01-31T12:00:00", "validUntil: must be a date and time with its zone"),
        (("awardedDate",), None, "awardedDate: must be a date and time with its zone"),
        (("credentialStatus",), [], "credentialStatus: must be an object"),
        (("credentialStatus", "id"), MISSING, "credentialStatus.id: is missing"),
        (("credentialStatus", "type"), MISSING, "credentialStatus.type: is missing"),
        (("credentialSubject",), [], "credentialSubject: must be an object"),
        (("credentialSubject",), {}, "credentialSubject: needs id or identifier"),
        (("credentialSubject", "achievement"), MISSING, "credentialSubject.achievement: is missing"),
        (("credentialSubject", "achievement", "name"), "", "achievement.name: must be a text that is not empty"),
        (("credentialSubject", "achievement", "description"), MISSING, "achievement.description: is missing"),
        (("credentialSubject", "achievement", "criteria"), "x", "achievement.criteria: must be an object"),
        (("credentialSubject", "achievement", "achievementType"), "Weld", "achievementType: must be a type of"),
        (("credentialSubject", "achievement", "tag"), "metal", "achievement.tag: must be an array"),
        (
            ("credentialSubject", "achievement", "alignment", 0, "targetUrl"),
            MISSING,
            "alignment[0].targetUrl: is missing",
        ),
        (("credentialSubject", "identifier", 0, "hashed"), "no", "identifier[0].hashed: must be true or false"),
        (("credentialSubject", "identifier", 1, "identityHash"), MISSING, "identifier[1].identityHash: is missing"),
        (("credentialSubject", "identifier", 1, "id"), "a:b", "identifier[1].id: must not be here"),
        (("credentialSubject", "creditsEarned"), True, "creditsEarned: must be a number"),
        (("credentialSubject", "result", 0, "type"), MISSING, "result[0].type: is missing"),
        (("evidence", 0, "type"), "Evidence", "evidence[0].type: must be an array"),
        (("credentialSchema", 0, "type"), MISSING, "credentialSchema[0].type: is missing"),
        (("proof",), "signed", "proof: must be an object"),
    ],
)
def test_what_breaks_a_rule_is_named_by_its_path(path, value, problem):
    assert any(problem in found for found in _text(credential_problems(_changed(sample_credential(), path, value))))


BADGE = HostedBadge(id="a:2", issuer="a:3", name="N", description="D", image="a:4", criteria_narrative="C")
ASSERTION = HostedAssertion(id="a:1", badge="a:2", email="a@b.example", salt="s", issued_on="2026-01-31T12:00:00Z")
ISSUER = issuer_document("a:3", name="I", url="https://a.example", email="i@a.example")


def test_our_documents_of_2_0_have_no_problem():
    assert assertion_problems(assertion_document(ASSERTION)) == []
    assert badge_class_problems(badge_class_document(BADGE)) == []
    assert issuer_problems(ISSUER) == []


@pytest.mark.parametrize("name", ["@context", "id", "type", "recipient", "badge", "verification", "issuedOn"])
def test_an_assertion_without_what_it_needs_has_a_problem(name):
    document = _changed(assertion_document(ASSERTION), (name,), MISSING)
    assert _text(assertion_problems(document)) == [f"{name}: is missing"]


def test_parts_of_2_0_are_looked_at_too():
    assert _text(badge_class_problems(_changed(badge_class_document(BADGE), ("criteria",), {}))) == [
        "badge.criteria: needs id or narrative"
    ]
    assert _text(issuer_problems(_changed(ISSUER, ("email",), MISSING))) == ["badge.issuer.email: is missing"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026-01-31T12:00:00Z", True),
        ("2026-01-31T12:00:00.123456789-11:00", True),
        ("0001-01-01T00:00:00+14:00", False),
        ("0000-01-01T00:00:00Z", False),
        ("2026-13-01T00:00:00Z", False),
        ("2026-01-31T12:00:60Z", False),
        ("2026-01-31T12:00:00+99:99", False),
        ("2026-01-31 12:00:00Z", False),
        ("2026-01-31T12:00:00Z\n", False),
        ("٢٠٢٦-01-31T12:00:00Z", False),
        (None, False),
        (7, False),
    ],
)
def test_a_moment_has_a_time_and_a_zone(text, is_one):
    assert (moment(text) is not None) == is_one


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
)


def _paths(value, path=()):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in pairs:
        yield (*path, step)
        yield from _paths(part, (*path, step))


@given(st.sampled_from(sorted(_paths(sample_credential()), key=str)), VALUES)
def test_any_value_anywhere_gives_problems_and_no_exception(path, value):
    for problem in credential_problems(_changed(sample_credential(), path, value)):
        assert problem.message
    json.dumps(_text(assertion_problems({"recipient": value, "badge": value, "type": value})))
