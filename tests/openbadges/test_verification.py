import copy
import hmac
import io
import json
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from random import Random

import jwt
import pytest
from badge_web import DID, DID_ADDRESS, LIST, BadgeWeb, sample_credential
from badges import full_credential, random_credential
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from testamur.openbadges.baking import Baked, bake
from testamur.openbadges.credential_rules import moment
from testamur.openbadges.data_integrity import ProofKey, Signer
from testamur.openbadges.dids import VerificationMethod, did_document, did_key, web_did_address
from testamur.openbadges.jwt_credentials import to_jwt
from testamur.openbadges.linked_data import Unsignable
from testamur.openbadges.merkle import leaf_hash
from testamur.openbadges.public_keys import to_jwk, to_multikey
from testamur.openbadges.reports import STEPS
from testamur.openbadges.resolving import FETCHES_MAX, Unreachable
from testamur.openbadges.status_lists import encoded_list, status_list_credential
from testamur.openbadges.transparency import (
    Entry,
    LogProof,
    TreeHead,
    document_digest,
    entry_bytes,
    log_key,
    signed_head,
)
from testamur.openbadges.verification import verify

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes([2] * 32))
METHOD = f"{DID}#{to_multikey(KEY.public_key())}"
RSA = generate_rsa_key(65537, 2048)
P256 = generate_ec_key(SECP256R1())
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><path d="M0 0h8"/></svg>'
MISSING = object()


def _picture():
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "PNG")
    return stream.getvalue()


def _signed(document, key=KEY, method=METHOD):
    return Signer(ProofKey(verification_method=method, private_key=key)).sign(document, created=NOW)


def _list(revoked=(), key=KEY, method=METHOD, **changes):
    document = status_list_credential(
        list_url=LIST, issuer=DID, encoded=encoded_list(revoked), valid_from="2026-01-01T00:00:00Z", ttl_ms=300_000
    )
    document["credentialSubject"] |= changes.pop("subject", {})
    return _signed({**document, **changes}, key, method)


DOCUMENT = did_document(DID, [VerificationMethod(id=METHOD, key=KEY.public_key())])
GOOD_LIST = _list([94_566, 94_568])
CREDENTIAL = _signed(sample_credential())


def _web(**changes):
    web = BadgeWeb()
    web[DID_ADDRESS] = DOCUMENT
    web[LIST] = GOOD_LIST
    web.update(changes)
    return web


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


def _report(content, web=None, at=NOW, known=(DID,), **more):
    report = verify(content, fetch=_web() if web is None else web, at=at, known_issuers=known, **more)
    assert all(step.reason.endswith(".") for step in report.steps)
    return report


def _failed(report):
    return {step.name: step.reason for step in report.steps if step.status == "failed"}


def _skipped(report):
    return {step.name for step in report.steps if step.status == "skipped"}


PICTURE = _picture()


def test_a_credential_that_is_all_right_passes_each_step():
    web = _web()
    report = _report(CREDENTIAL, web)
    assert [(step.name, step.status) for step in report.steps] == [(name, "passed") for name in STEPS]
    assert report.verdict == "valid"
    assert web.asked == [DID_ADDRESS, LIST]
    assert report.facts.issuer == DID
    assert report.facts.issuer_name == "Acme Academy"
    assert report.facts.name == "Welding"
    assert report.facts.recipient == "Zoë “Z” Ōe \U0001f642"
    assert (report.facts.valid_from, report.facts.valid_until) == ("2026-01-31T12:00:00Z", "2028-01-31T23:59:59Z")


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(CREDENTIAL),
        json.dumps(CREDENTIAL, ensure_ascii=False, indent=2).encode(),
        b"\xef\xbb\xbf  " + json.dumps(CREDENTIAL).encode() + b"\n",
        bake(_picture(), Baked(credential=json.dumps(CREDENTIAL), assertion="https://elsewhere.example")),
        bake(SVG, Baked(credential=json.dumps(CREDENTIAL, ensure_ascii=False))),
        {**CREDENTIAL, "proof": CREDENTIAL["proof"][0]},
    ],
    ids=lambda _: "credential",
)
def test_a_credential_is_taken_in_every_form(content):
    report = _report(content)
    assert report.verdict == "valid"
    assert report.facts.name == "Welding"


def test_a_credential_is_fetched_from_its_address():
    web = _web(**{"https://issuer.example/credentials/1": bake(_picture(), Baked(credential=json.dumps(CREDENTIAL)))})
    assert _report("https://issuer.example/credentials/1\n", web).verdict == "valid"
    report = _report("https://nobody.example/1", web)
    assert _failed(report) == {
        "valid_signature": "Nothing could be fetched from https://nobody.example/1: nobody answers."
    }


def test_an_issuer_that_is_not_known_is_told_apart_from_an_invalid_badge():
    report = _report(CREDENTIAL, known=("did:web:other.example",))
    assert report.verdict == "valid_unknown_issuer"
    assert set(_failed(report)) == {"registered_issuer"}


def test_a_did_key_needs_no_server():
    did = did_key(KEY.public_key())
    document = sample_credential()
    document["issuer"]["id"] = did
    del document["credentialStatus"]
    web = BadgeWeb()
    report = _report(_signed(document, method=f"{did}#{did.removeprefix('did:key:')}"), web, known=(did,))
    assert report.verdict == "valid"
    assert _skipped(report) == {"revocation_status"}
    assert web.asked == []


def test_an_issuer_named_by_its_address_has_its_keys_there():
    issuer = "https://issuer.example/profile"
    method = f"{issuer}#key-1"
    document = _changed(sample_credential(), ("issuer", "id"), issuer)
    del document["credentialStatus"]
    keys = {
        "id": issuer,
        "verificationMethod": [
            {
                "id": "#key-1",
                "type": "Multikey",
                "controller": issuer,
                "publicKeyMultibase": to_multikey(KEY.public_key()),
            }
        ],
        "assertionMethod": ["#key-1"],
    }
    assert _report(_signed(document, method=method), _web(**{issuer: keys}), known=(issuer,)).verdict == "valid"


# Changes to what was signed


def _paths(value, path=()):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in pairs:
        yield (*path, step)
        yield from _paths(part, (*path, step))


def _mutated(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        # The end of a text may be what matters least of it, as in a base58 number.
        return value[:-1] + ("2" if value.endswith("1") else "1")
    return "changed"


@pytest.mark.parametrize("path", list(_paths(CREDENTIAL)), ids=str)
def test_each_member_that_is_changed_or_dropped_is_noticed(path):
    inner = CREDENTIAL
    for step in path:
        inner = inner[step]
    for value in (_mutated(inner), MISSING, None, [], {}, ""):
        report = _report(_changed(CREDENTIAL, path, value))
        assert report.verdict == "invalid", value
        assert "valid_signature" in _failed(report), value
        assert "revocation_status" not in _failed(report)


def _sign_for_the_web(document):
    """A credential of tests/shared/badges.py, signed, as JWT, and the servers that answer for it."""
    did = document["issuer"]["id"]
    method, kid = f"{did}#{to_multikey(KEY.public_key())}", f"{did}#r1"
    methods = [
        VerificationMethod(id=method, key=KEY.public_key()),
        VerificationMethod(id=kid, key=RSA.public_key(), is_jwk=True),
    ]
    web = BadgeWeb()
    web[web_did_address(did)] = did_document(did, methods)
    if status := document.get("credentialStatus"):
        address = status["statusListCredential"]
        listed = status_list_credential(
            list_url=address, issuer=did, encoded=encoded_list([]), valid_from="2026-01-01T00:00:00Z", ttl_ms=1
        )
        web[address] = _signed(listed, method=method)
    return _signed(document, method=method), to_jwt(document, RSA, kid=kid, algorithm="RS256"), web


def test_each_value_of_the_fullest_credential_that_is_changed_or_dropped_is_noticed():
    signed, _, web = _sign_for_the_web(full_credential())
    assert _failed(_report(signed, web, known=(signed["issuer"]["id"],))) == {}
    for path in _paths(signed):
        inner = signed
        for step in path:
            inner = inner[step]
        for value in (_mutated(inner), MISSING):
            assert "valid_signature" in _failed(_report(_changed(signed, path, value), web)), (path, value)


def test_any_credential_that_can_be_signed_verifies_in_every_form():
    random = Random(7)
    verified = 0
    for _ in range(60):
        try:
            signed, token, web = _sign_for_the_web(random_credential(random, random))
        except Unsignable:
            continue
        verified += 1
        text = json.dumps(signed, ensure_ascii=False)
        at = moment(signed["validFrom"])
        for content in (text, token, bake(PICTURE, Baked(credential=text)), bake(SVG, Baked(credential=text))):
            report = _report(content, web, at=at, known=(signed["issuer"]["id"],))
            assert _failed(report) == {}
            assert report.facts.name == signed["name"]
    assert verified > 40


@pytest.mark.parametrize(
    "addition",
    [
        {"note": "undefined"},
        {"https://example.org/note": "x"},
        {"@included": [{"id": "https://issuer.example/credentials/1"}]},
        {"awarded": None},
        {"@language": "en"},
        {"description": "Even better"},
        {"credentialStatus": [CREDENTIAL["credentialStatus"], {"type": "BitstringStatusListEntry"}]},
    ],
)
def test_each_member_that_is_added_is_noticed(addition):
    assert "valid_signature" in _failed(_report({**CREDENTIAL, **addition}))


def test_what_was_signed_cannot_be_hidden_from_who_reads_it_as_json():
    ended = {**sample_credential(), "validUntil": "2026-02-01T00:00:00Z"}
    del ended["credentialStatus"]
    ended["evidence"][0]["id"] = ended["id"]
    signed = _signed(ended)
    until = signed.pop("validUntil")
    iri = "https://www.w3.org/2018/credentials#validUntil"
    date = "http://www.w3.org/2001/XMLSchema#dateTime"
    by_address = {**signed, iri: {"@value": until, "@type": date}}
    by_context = {
        **signed,
        "@context": [*signed["@context"], {"until": {"@id": iri, "@type": date}}],
        "until": until,
    }
    in_a_part = copy.deepcopy(signed)
    in_a_part["evidence"][0] |= {"type": ["Evidence", "VerifiableCredential"], "validUntil": until}
    for hidden in (by_address, by_context, in_a_part):
        assert "hidden" in str(_failed(_report(hidden))) or "hide" in str(_failed(_report(hidden)))
        assert _report(hidden).verdict == "invalid"


# Keys


def _document(**changes):
    document = copy.deepcopy(DOCUMENT)
    document["verificationMethod"][0] |= changes.pop("method", {})
    return {**document, **changes}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (_document(assertionMethod=[]), "no key"),
        (_document(assertionMethod=None), "no key"),
        (_document(assertionMethod=[7, {}, {"id": 7}, "#other"]), "no key"),
        (_document(verificationMethod=[]), "no key"),
        (_document(method={"controller": "did:web:other.example"}), "no key"),
        (_document(method={"controller": None}), "no key"),
        (_document(id="did:web:other.example"), "that of another"),
        (_document(verificationMethod=DOCUMENT["verificationMethod"] * 2), "no key"),
        (_document(method={"publicKeyMultibase": "z6Mk"}), "cannot be used"),
        (_document(method={"publicKeyMultibase": 7}), "not known here"),
        (_document(method={"publicKeyMultibase": to_multikey(OTHER_KEY.public_key())}), "does not fit"),
        (_document(method={"revoked": "2026-01-01T00:00:00Z"}), "revoked the key"),
        ([], "there is no JSON object"),
        (b"<html>", "there is no JSON object"),
        (b"{" * 1000, "there is no JSON object"),
        (bytes(6_000_000), "too large"),
        (Unreachable("the address is in a private network"), "private network"),
        (Unreachable("it leads on to another address"), "another address"),
    ],
)
def test_a_key_that_the_issuer_does_not_give_proves_nothing(document, reason):
    report = _report(CREDENTIAL, _web(**{DID_ADDRESS: document}))
    assert reason in _failed(report)["valid_signature"]
    assert report.verdict == "invalid"
    assert {"revocation_status", "registered_issuer"} <= _skipped(report)


def test_methods_written_in_other_ways_are_found():
    embedded = {**DOCUMENT["verificationMethod"][0], "id": METHOD.removeprefix(DID)}
    as_jwk = {"id": METHOD, "type": "JsonWebKey", "controller": DID, "publicKeyJwk": to_jwk(KEY.public_key())}
    for document in (
        _document(verificationMethod=[], assertionMethod=[embedded]),
        _document(assertionMethod=[METHOD.removeprefix(DID)]),
        _document(verificationMethod=[as_jwk]),
    ):
        assert _report(CREDENTIAL, _web(**{DID_ADDRESS: document})).verdict == "valid"


def test_a_retired_key_goes_on_proving_beside_the_new_one():
    rotated = did_document(
        DID,
        [
            VerificationMethod(id=METHOD, key=KEY.public_key()),
            VerificationMethod(id=f"{DID}#{to_multikey(OTHER_KEY.public_key())}", key=OTHER_KEY.public_key()),
        ],
    )
    new_list = _list(key=OTHER_KEY, method=f"{DID}#{to_multikey(OTHER_KEY.public_key())}")
    assert _report(CREDENTIAL, _web(**{DID_ADDRESS: rotated, LIST: new_list})).verdict == "valid"


def test_nobody_signs_in_the_name_of_another():
    other = "did:web:other.example"
    method = f"{other}#{to_multikey(OTHER_KEY.public_key())}"
    theirs = did_document(other, [VerificationMethod(id=method, key=OTHER_KEY.public_key())])
    web = _web(**{"https://other.example/.well-known/did.json": theirs})
    report = _report(_signed(sample_credential(), OTHER_KEY, method), web)
    assert _failed(report)["valid_signature"] == (
        f"The signature is by a key of {other}, but the credential is in the name of {DID}."
    )
    assert web.asked == []


@pytest.mark.parametrize(
    "did",
    [
        "did:web:127.0.0.1%3A8000",
        "did:web:169.254.169.254",
        "did:web:localhost:i:a",
        "did:web:a.example:..:x",
        "did:ion:x",
        "did:key:z6Mk",
        "https://",
        "http://a.example",
        "file:///etc/passwd",
    ],
)
def test_issuers_that_cannot_be_looked_up_prove_nothing(did):
    document = _changed(sample_credential(), ("issuer", "id"), did)
    report = _report(_signed(document, method=f"{did}#key"))
    assert "valid_signature" in _failed(report)


# Time


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (datetime(2026, 1, 31, 11, 55, tzinfo=UTC), None),
        (datetime(2026, 1, 31, 11, 54, tzinfo=UTC), "only from 2026-01-31T12:00:00Z on"),
        (datetime(2028, 1, 31, 23, 59, 59, tzinfo=UTC) + timedelta(minutes=5), None),
        (datetime(2028, 2, 1, 0, 6, tzinfo=UTC), "valid until 2028-01-31T23:59:59Z"),
        (datetime.max.replace(tzinfo=UTC), "valid until"),
        (datetime.min.replace(tzinfo=UTC), "only from"),
    ],
)
def test_a_credential_has_its_time_give_or_take_five_minutes(at, reason):
    failed = _failed(_report(CREDENTIAL, at=at))
    assert ("expiration" in failed) == (reason is not None)
    assert (reason or "") in failed.get("expiration", "")


def test_a_date_that_is_none_is_not_taken_for_no_date():
    report = _report(_signed(_changed(sample_credential(), ("validUntil",), "2028-01-31")))
    assert {"expiration", "schema"} <= set(_failed(report))


# Revocation


def test_a_revoked_credential_is_invalid():
    report = _report(CREDENTIAL, _web(**{LIST: _list([94_567])}))
    assert _failed(report) == {"revocation_status": "The issuer has revoked it."}
    assert report.verdict == "invalid"


OTHERS = f"did:web:other.example#{to_multikey(OTHER_KEY.public_key())}"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Unreachable("the server did not answer in time"), "did not answer in time"),
        (b"", "there is no status list"),
        (b"\x89PNG", "there is no status list"),
        (b'{"a": 1}', "another issuer"),
        (_changed(GOOD_LIST, ("credentialSubject", "encodedList"), encoded_list([])), "signature"),
        (_changed(GOOD_LIST, ("proof",), MISSING), "signature"),
        (_list(key=OTHER_KEY), "signature"),
        (_list(key=OTHER_KEY, method=OTHERS), "signature"),
        (_list(issuer="did:web:other.example", key=OTHER_KEY, method=OTHERS), "another issuer"),
        (_list(subject={"statusPurpose": "suspension"}), "not for revocation"),
        (_list(subject={"encodedList": "uH4sIAAAAAAAA_2NgGAWjYBQMdwAAZDVnUwAEAAA"}), "fewer than|broken"),
        (_list(subject={"encodedList": "nothing"}), "base64url"),
        (_list(id="https://issuer.example/status/2"), "another address"),
        (_list(validUntil="2026-11-01T00:00:00Z"), "not valid now"),
        (_list(validFrom="2027-11-01T00:00:00Z"), "not valid now"),
        (_signed({**sample_credential(), "id": LIST}), "no list in it"),
        (_list(type=["VerifiableCredential"]), "another kind"),
    ],
)
def test_a_status_list_that_proves_nothing_leaves_the_credential_invalid(found, reason):
    report = _report(CREDENTIAL, _web(**{LIST: found}))
    failed = _failed(report)
    assert set(failed) == {"revocation_status"}
    assert failed["revocation_status"].startswith("Whether it is revoked could not be checked: ")
    assert any(part in failed["revocation_status"] for part in reason.split("|"))
    assert report.verdict == "invalid"


@pytest.mark.parametrize(
    "status",
    [
        {"id": "a:b", "type": "https://a.example/OtherStatus"},
        {**CREDENTIAL["credentialStatus"], "statusListIndex": "131072"},
        {**CREDENTIAL["credentialStatus"], "statusListIndex": "-1"},
        {**CREDENTIAL["credentialStatus"], "statusListIndex": "9" * 30},
        {**CREDENTIAL["credentialStatus"], "statusListCredential": "file:///etc/passwd"},
    ],
)
def test_a_status_that_cannot_be_followed_leaves_the_credential_invalid(status):
    report = _report(_signed({**sample_credential(), "credentialStatus": status}))
    assert "could not be checked" in _failed(report)["revocation_status"]


def test_a_suspended_credential_is_invalid():
    status = {**CREDENTIAL["credentialStatus"], "statusPurpose": "suspension"}
    listed = _list([94_567], subject={"statusPurpose": "suspension"})
    report = _report(_signed({**sample_credential(), "credentialStatus": status}), _web(**{LIST: listed}))
    assert _failed(report) == {"revocation_status": "The issuer has suspended it."}


def test_the_revocation_list_of_open_badges_is_followed():
    url = "https://issuer.example/revocations"
    credential = _signed({**sample_credential(), "credentialStatus": {"id": url, "type": "1EdTechRevocationList"}})
    found = {"id": url, "type": "1EdTechRevocationList", "issuer": DID, "revokedCredentials": []}
    assert _report(credential, _web(**{url: found})).verdict == "valid"
    found["revokedCredentials"] = [{"id": credential["id"], "revoked": True}]
    assert _failed(_report(credential, _web(**{url: found}))) == {"revocation_status": "The issuer has revoked it."}
    assert "could not be checked" in str(_failed(_report(credential, _web(**{url: {**found, "issuer": "x:y"}}))))


def test_no_more_is_fetched_than_is_allowed():
    status = [{**CREDENTIAL["credentialStatus"], "statusListCredential": f"{LIST}/{number}"} for number in range(20)]
    web = _web(**{f"{LIST}/{number}": _list(id=f"{LIST}/{number}") for number in range(20)})
    report = _report(_signed({**sample_credential(), "credentialStatus": status}), web)
    assert "more than 8" in _failed(report)["revocation_status"]
    assert len(web.asked) == FETCHES_MAX


# What others send


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not JSON"),
        (b"", "not JSON"),
        (b"\x00\xff\xfe", "neither a badge nor a picture"),
        ("{}", "not an Open Badge"),
        ({}, "not an Open Badge"),
        ('{"type": ["VerifiableCredential"]}', "not an Open Badge"),
        ("[" * 100_000, "levels deep"),
        ('{"a": "' + "a" * 5_000_000 + '"}', "larger than 5 MB"),
        (json.dumps({"result": [{"type": "Result"}] * 10_000}), "more than 8000 values"),
        (_picture(), "no badge in this picture"),
        (SVG, "no badge in this picture"),
        (bake(SVG, Baked(credential="x.y")), "not JSON"),
        ("a.b.c", "parts cannot be read"),
        ("e30.e30.", "not an Open Badge"),
        ("e30." + "e30" * 2_000_000 + ".", "larger than 5 MB"),
        ("https://" + "a" * 3000, "not an address of the web"),
        ("ftp://issuer.example", "not JSON"),
    ],
)
def test_what_is_no_badge_is_reported_as_such(content, reason):
    report = _report(content)
    assert report.verdict == "invalid"
    assert reason in _failed(report)["valid_signature"]
    assert [step.name for step in report.steps] == list(STEPS)


@pytest.mark.parametrize(
    ("contexts", "reason"),
    [
        (["https://www.w3.org/ns/credentials/v2", "https://evil.example/context"], "https://evil.example/context"),
        ([{"@vocab": "https://a.example/"}], "context of its own"),
        ([["https://www.w3.org/ns/credentials/v2"]] * 100, "context"),
        (None, "context"),
        ("https://www.w3.org/ns/credentials/v2", "not defined"),
        ([f"https://evil.example/{number}" for number in range(1_000)], "context"),
    ],
)
def test_contexts_that_are_not_known_are_refused_without_being_fetched(contexts, reason):
    web = _web()
    report = _report({**CREDENTIAL, "@context": contexts}, web)
    assert reason in _failed(report)["valid_signature"]
    assert "schema" in _failed(report) or contexts == "https://www.w3.org/ns/credentials/v2"
    assert all("evil" not in url for url in web.asked)


@pytest.mark.parametrize(
    "part",
    [
        {"evidence": [{"type": ["Evidence"], "name": "same"}] * 1_900},
        {"evidence": [{"type": ["Evidence"], "name": f"{number}"} for number in range(2_500)]},
        {"credentialSubject": {"type": ["AchievementSubject"], "result": [{"type": ["Result"]}] * 12}},
        {"evidence": [{"id": f"_:b{a}", "type": ["Evidence"], "genre": "x"} for a in range(500)]},
        {"name": "a" * 4_900_000},
    ],
)
def test_credentials_made_to_keep_a_verifier_busy_are_done_with_soon(part):
    start = time.monotonic()
    report = _report({**CREDENTIAL, **part})
    assert report.verdict == "invalid"
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "name", ["\u202eright to left", '"quotes" \\ ', "\u2028", "\uff26\uff55\uff4c\uff4c", "\U0001f642", "tab\tin it"]
)
def test_names_with_rare_letters_verify(name):
    document = _changed(sample_credential(), ("credentialSubject", "identifier", 0, "identityHash"), name)
    report = _report(json.dumps(_signed(document), ensure_ascii=False))
    assert report.verdict == "valid"
    assert report.facts.recipient == name


# JWT


KID = "https://issuer.example/i/acme/keys/r1"
JWT_DOCUMENT = did_document(
    DID,
    [
        VerificationMethod(id=METHOD, key=KEY.public_key()),
        VerificationMethod(id=f"{DID}#r1", key=RSA.public_key(), is_jwk=True),
        VerificationMethod(id=f"{DID}#p1", key=P256.public_key(), is_jwk=True),
    ],
)


def _jwt_web(**changes):
    return _web(**{DID_ADDRESS: JWT_DOCUMENT, KID: to_jwk(RSA.public_key()), **changes})


def _payload(**changes):
    credential = sample_credential()
    claims = {
        "iss": DID,
        "jti": credential["id"],
        "sub": credential["credentialSubject"]["id"],
        "nbf": int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()),
        "exp": int(datetime(2028, 1, 31, 23, 59, 59, tzinfo=UTC).timestamp()),
    }
    return {**credential, **claims, **changes}


def _jwt(key=RSA, algorithm="RS256", kid=f"{DID}#r1", payload=None, **header):
    return jwt.encode(payload or _payload(), key, algorithm, {"kid": kid, **header})


TOKEN = _jwt()


@pytest.mark.parametrize(
    "content",
    [
        TOKEN,
        TOKEN.encode() + b"\n",
        _jwt(kid=KID),
        _jwt(P256, "ES256", f"{DID}#p1"),
        bake(_picture(), Baked(credential=TOKEN)),
        bake(SVG, Baked(credential=TOKEN)),
    ],
    ids=lambda _: "token",
)
def test_a_jwt_is_taken_in_every_form(content):
    report = _report(content, _jwt_web())
    assert [(step.name, step.status) for step in report.steps] == [(name, "passed") for name in STEPS]
    assert report.verdict == "valid"
    assert report.facts.name == "Welding"


def _parts(token, **parts):
    names = ("header", "payload", "signature")
    return ".".join(parts.get(name, part) for name, part in zip(names, token.split("."), strict=True))


def _encoded(value):
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


PUBLIC_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _hmac_token():
    """The signature of who takes the public key for a shared secret."""
    head = f"{_encoded({'alg': 'HS256', 'kid': f'{DID}#r1', 'typ': 'JWT'})}.{_encoded(_payload())}"
    return f"{head}.{urlsafe_b64encode(hmac.digest(PUBLIC_PEM, head.encode(), 'sha256')).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "token",
    [
        _parts(TOKEN, payload=_encoded(_payload(name="Other"))),
        _parts(TOKEN, payload=TOKEN.split(".")[1] + "A"),
        _parts(TOKEN, signature=""),
        _parts(TOKEN, signature="AAAA"),
        _parts(TOKEN, header=_encoded({"alg": "none", "typ": "JWT", "kid": f"{DID}#r1"})),
        _parts(TOKEN, header=_encoded({"alg": "none"}), signature=""),
        _parts(TOKEN, header=_encoded({"alg": "ES256", "typ": "JWT", "kid": f"{DID}#r1"})),
        _parts(TOKEN, header=_encoded({"alg": "RS512", "typ": "JWT", "kid": f"{DID}#r1"})),
        _parts(TOKEN, header=_encoded({"alg": ["RS256"], "kid": {}})),
        _parts(TOKEN, header=_encoded({})),
        _hmac_token(),
        _jwt(algorithm="RS512"),
        _jwt(kid=f"{DID}#unknown"),
        _jwt(kid="https://issuer.example/i/acme/keys/unknown"),
        _jwt(kid=f"{DID}#p1"),
        _jwt(kid=METHOD),
        _jwt(P256, "ES256"),
        _jwt(generate_rsa_key(65537, 2048)),
        _jwt(payload=_payload(iss="did:web:other.example")),
        _jwt(payload=_payload(issuer="did:web:other.example")),
        _jwt(payload={**_payload(), "exp": 4_102_444_800}),
    ],
    ids=lambda _: "token",
)
def test_a_jwt_that_was_tampered_with_is_noticed(token):
    report = _report(token, _jwt_web())
    assert "valid_signature" in _failed(report)
    assert report.verdict == "invalid"


@pytest.mark.parametrize("member", sorted(_payload()))
def test_each_member_of_a_jwt_that_is_changed_is_noticed(member):
    payload = _payload(**{member: _mutated(_payload()[member])})
    assert "valid_signature" in _failed(_report(_parts(TOKEN, payload=_encoded(payload)), _jwt_web()))


def test_a_key_at_an_address_that_the_issuer_does_not_have_proves_nothing():
    evil = generate_rsa_key(65537, 2048)
    web = _jwt_web(**{"https://evil.example/key": to_jwk(evil.public_key())})
    report = _report(_jwt(evil, kid="https://evil.example/key"), web)
    assert "does not have the key" in _failed(report)["valid_signature"]
    embedded = _jwt(evil, jwk={**to_jwk(evil.public_key())})
    assert "valid_signature" in _failed(_report(embedded, web))


def test_a_jwt_ends_and_is_revoked_as_any_credential():
    late = _report(TOKEN, _jwt_web(), at=datetime(2029, 1, 1, tzinfo=UTC))
    assert set(_failed(late)) == {"expiration"}
    revoked = _report(TOKEN, _jwt_web(**{LIST: _list([94_567])}))
    assert set(_failed(revoked)) == {"revocation_status"}


def test_a_status_list_may_be_a_jwt():
    for bits, verdict in (([], "valid"), ([94_567], "invalid")):
        listed = {name: value for name, value in _list(bits).items() if name != "proof"}
        token = _jwt(payload={**listed, "iss": DID, "jti": LIST})
        assert _report(CREDENTIAL, _jwt_web(**{LIST: token.encode()})).verdict == verdict


# The log


def _log_proof(document, kind="issue"):
    entry = entry_bytes(Entry(kind=kind, time="2026-02-01T08:00:00Z", subject="1", digest=document_digest(document)))
    head = TreeHead(origin="issuer.example/log", size=1, root=leaf_hash(entry))
    return LogProof(entry=entry.decode(), index=0, path=[], checkpoint=signed_head(head, OTHER_KEY))


LOG_KEY = log_key("issuer.example/log", OTHER_KEY.public_key())


def test_the_log_tells_since_when_a_credential_is_signed():
    report = _report(json.dumps(CREDENTIAL, indent=1), log_proof=_log_proof(CREDENTIAL), log_key=LOG_KEY)
    assert report.verdict == "valid"
    assert (report.steps[-1].name, report.steps[-1].status) == ("transparency", "passed")
    assert "2026-02-01T08:00:00Z" in report.steps[-1].reason


def test_a_credential_that_the_log_does_not_hold_is_invalid():
    for proof, key in (
        (_log_proof(sample_credential()), LOG_KEY),
        (_log_proof(CREDENTIAL), ""),
        (_log_proof(CREDENTIAL, "revoke"), LOG_KEY),
    ):
        report = _report(CREDENTIAL, log_proof=proof, log_key=key)
        assert set(_failed(report)) == {"transparency"}
        assert report.verdict == "invalid"


# Anything


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from([LIST, DID, METHOD, "@id", "_:b", "did:web:", "https://www.w3.org/ns/credentials/v2"]),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["id", "type", "@context", "@id", "proof", "issuer"]),
            values,
            max_size=4,
        )
    ),
    max_leaves=10,
)
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUIET
@given(st.sampled_from(sorted(_paths(CREDENTIAL), key=str)), VALUES)
def test_any_value_anywhere_is_reported(path, value):
    document = _changed(CREDENTIAL, path, value)
    assert _report(document).verdict == ("valid" if document == CREDENTIAL else "invalid")


@QUIET
@given(st.sampled_from([DID_ADDRESS, LIST]), VALUES, st.binary())
def test_anything_that_servers_say_is_reported(url, value, content):
    for found in (value, content):
        try:
            report = _report(CREDENTIAL, _web(**{url: found}))
        except UnicodeEncodeError:
            continue  # JSON that the test itself could not write.
        assert report.verdict == "invalid"


@QUIET
@given(st.one_of(VALUES.filter(lambda value: isinstance(value, dict)), st.text(), st.binary()))
def test_anything_given_is_reported(content):
    assert _report(content).verdict == "invalid"


@QUIET
@given(st.sampled_from(["a.b.c", json.dumps(CREDENTIAL)]), st.floats(0, 1), st.text(max_size=5))
def test_anything_cut_and_glued_is_reported(text, where, new):
    at = int(where * len(text))
    assert _report(text[:at] + new + text[at + 1 :]).verdict in {"valid", "invalid"}
