import copy
import io
import json
from datetime import UTC, datetime

import pytest
from badge_web import BadgeWeb
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from testamur.openbadges.baking import Baked, bake
from testamur.openbadges.open_badges_2 import (
    HostedAssertion,
    HostedBadge,
    assertion_document,
    badge_class_document,
    issuer_document,
    revoked_assertion_document,
)
from testamur.openbadges.reports import STEPS
from testamur.openbadges.resolving import Gone, Unreachable
from testamur.openbadges.verification import verify

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOST = "https://a.example/ob2/acme"
ASSERTION, BADGE, ISSUER = f"{HOST}/assertions/1", f"{HOST}/badges/1", f"{HOST}/issuer"
DOCUMENT = assertion_document(
    HostedAssertion(
        id=ASSERTION,
        badge=BADGE,
        email="ann@example.org",
        salt="5a17",
        issued_on="2026-01-31T12:00:00Z",
        expires="2028-01-31T23:59:59Z",
    )
)
BADGE_CLASS = badge_class_document(
    HostedBadge(
        id=BADGE,
        issuer=ISSUER,
        name="Welding",
        description="Can weld",
        image=f"{HOST}/1.png",
        criteria_narrative="Exam",
    )
)
PROFILE = issuer_document(
    ISSUER, name="Acme", url="https://acme.example", email="a@acme.example", badges_under=f"{HOST}/"
)


def _web(**changes):
    web = BadgeWeb()
    web.update({ASSERTION: DOCUMENT, BADGE: BADGE_CLASS, ISSUER: PROFILE, **changes})
    return web


def _report(content=DOCUMENT, web=None, known=(ISSUER,), at=NOW):
    return verify(content, fetch=_web() if web is None else web, at=at, known_issuers=known)


def _failed(report):
    return {step.name: step.reason for step in report.steps if step.status == "failed"}


def _picture():
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        DOCUMENT,
        json.dumps(DOCUMENT).encode(),
        ASSERTION,
        bake(_picture(), Baked(assertion=ASSERTION)),
        bake(_picture(), Baked(assertion=json.dumps(DOCUMENT))),
        bake(b'<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>', Baked(assertion=ASSERTION)),
    ],
)
def test_an_assertion_that_its_issuer_serves_is_valid(content):
    report = _report(content)
    assert [(step.name, step.status) for step in report.steps] == [(name, "passed") for name in STEPS]
    assert report.verdict == "valid"
    assert (report.facts.name, report.facts.issuer, report.facts.issuer_name) == ("Welding", ISSUER, "Acme")
    assert report.facts.valid_until == "2028-01-31T23:59:59Z"


def test_each_document_is_asked_for_once():
    web = _web()
    _report(DOCUMENT, web)
    assert web.asked == [ASSERTION, BADGE, ISSUER]


def test_an_issuer_that_is_not_known_is_told_apart():
    report = _report(known=("https://other.example",))
    assert report.verdict == "valid_unknown_issuer"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Gone(json.dumps(revoked_assertion_document(ASSERTION, "Mistaken")).encode()), "revoked it: Mistaken."),
        (Gone(b""), "revoked it."),
        (Gone(b"<html>"), "revoked it."),
        ({**DOCUMENT, "revoked": True, "revocationReason": "Mistaken"}, "revoked it: Mistaken."),
    ],
)
def test_an_assertion_that_is_gone_is_revoked(found, reason):
    report = _report(DOCUMENT, _web(**{ASSERTION: found}))
    assert set(_failed(report)) == {"revocation_status"}
    assert reason in _failed(report)["revocation_status"]
    assert report.verdict == "invalid"


def test_the_address_of_a_revoked_assertion_cannot_be_fetched():
    report = _report(ASSERTION, _web(**{ASSERTION: Gone()}))
    assert report.verdict == "invalid"
    assert "no longer there" in _failed(report)["valid_signature"]


def _changed(document, **changes):
    return {**copy.deepcopy(document), **changes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({ASSERTION: Unreachable("the server did not answer in time")}, "did not answer in time"),
        ({ASSERTION: b"<html>"}, "There is no badge at"),
        ({ASSERTION: _changed(DOCUMENT, id=f"{HOST}/assertions/2")}, "another badge"),
        ({ASSERTION: _changed(DOCUMENT, issuedOn="2026-02-01T12:00:00Z")}, "issuedOn differs"),
        ({ASSERTION: _changed(DOCUMENT, narrative="More")}, "narrative differs"),
        ({BADGE: Gone()}, "no longer there"),
        ({BADGE: _changed(BADGE_CLASS, id=f"{HOST}/badges/2")}, "another badge class"),
        ({BADGE: _changed(BADGE_CLASS, issuer=7)}, "does not say where its issuer is"),
        ({ISSUER: Unreachable("it leads on to another address")}, "another address"),
        ({ISSUER: _changed(PROFILE, verification={"startsWith": "https://a.example/ob2/other/"})}, "not a place of"),
        ({ISSUER: _changed(PROFILE, verification={"startsWith": "https://a.example.evil.example/"})}, "not a place of"),
        ({ISSUER: _changed(PROFILE, verification={"allowedOrigins": ["b.example"]})}, "not a place of"),
    ],
)
def test_an_assertion_that_its_issuer_does_not_confirm_is_invalid(changes, reason):
    report = _report(DOCUMENT, _web(**changes))
    assert reason in _failed(report)["valid_signature"]
    assert report.verdict == "invalid"
    assert {step.name for step in report.steps if step.status == "skipped"} >= {"registered_issuer"}


@pytest.mark.parametrize("scope", [None, {"allowedOrigins": "a.example"}, {"startsWith": [f"{HOST}/", "https://x"]}])
def test_an_issuer_says_where_its_badges_are(scope):
    profile = _changed(PROFILE, verification=scope)
    assert _report(DOCUMENT, _web(**{ISSUER: profile})).verdict == "valid"


def test_nobody_awards_in_the_name_of_another():
    evil = "https://evil.example/1"
    forged = _changed(DOCUMENT, id=evil, badge="https://evil.example/badge")
    badge = _changed(BADGE_CLASS, id="https://evil.example/badge")
    for document, web in (
        (forged, _web(**{evil: forged, "https://evil.example/badge": badge})),
        (_changed(DOCUMENT, id=evil), _web(**{evil: _changed(DOCUMENT, id=evil)})),
        (
            _changed(DOCUMENT, badge=badge["id"]),
            _web(**{ASSERTION: _changed(DOCUMENT, badge=badge["id"]), badge["id"]: badge}),
        ),
    ):
        for profile in (PROFILE, _changed(PROFILE, verification=None)):
            web[ISSUER] = profile
            assert "not a place of its issuer" in _failed(_report(document, web))["valid_signature"]


@pytest.mark.parametrize("name", sorted(DOCUMENT))
def test_each_member_that_is_changed_or_dropped_is_noticed(name):
    dropped = {key: value for key, value in DOCUMENT.items() if key != name}
    for document in (dropped, {**DOCUMENT, name: "https://a.example/changed"}):
        assert "valid_signature" in _failed(_report(document))


def test_an_assertion_has_its_time():
    assert "expiration" in _failed(_report(at=datetime(2029, 1, 1, tzinfo=UTC)))
    assert "expiration" in _failed(_report(at=datetime(2025, 1, 1, tzinfo=UTC)))


def test_an_assertion_that_lacks_what_it_needs_says_so():
    document = {key: value for key, value in DOCUMENT.items() if key != "recipient"}
    badge = {key: value for key, value in BADGE_CLASS.items() if key != "criteria"}
    report = _report(document, _web(**{ASSERTION: document, BADGE: badge}))
    assert _failed(report) == {
        "schema": "It is not written as Open Badges 2.0 asks for: recipient: is missing; badge.criteria: is missing."
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8"), max_size=9)
    | st.sampled_from([ASSERTION, BADGE, ISSUER, "https://["]),
    lambda values: st.lists(values, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "type", "startsWith", "allowedOrigins", "issuer"]), values, max_size=3),
)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from([DOCUMENT, BADGE_CLASS, PROFILE]), st.data(), VALUES)
def test_any_value_anywhere_is_reported(document, data, value):
    name = data.draw(st.sampled_from([*sorted(document), "verification"]))
    changed = {**document, name: value}
    web = _web(**{document["id"]: changed})
    for given_document in (DOCUMENT, changed):
        assert _report(given_document, web).verdict in {"valid", "invalid"}
