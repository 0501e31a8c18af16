"""What others say of what we sign: software that we did not write accepts it, and refuses what is wrong with it."""

import copy
import os
import random
from datetime import UTC, datetime
from io import BytesIO
from random import Random

import badges
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from outside_verifiers import hosted, ims_verdict, openbadgeslib_picture_verdict, openbadgeslib_verdict
from PIL import Image

from testamur.openbadges.baking import Baked, bake
from testamur.openbadges.contexts import BADGE_CONTEXTS
from testamur.openbadges.data_integrity import ProofKey, Signer
from testamur.openbadges.dids import VerificationMethod, did_document, did_key, web_did, web_did_address
from testamur.openbadges.jwt_credentials import to_jwt
from testamur.openbadges.linked_data import Unsignable
from testamur.openbadges.open_badges_2 import (
    HostedAssertion,
    HostedBadge,
    assertion_document,
    badge_class_document,
    issuer_document,
    revoked_assertion_document,
)
from testamur.openbadges.public_keys import to_multikey
from testamur.openbadges.status_lists import encoded_list, status_list_credential

ORIGIN = "https://badges.example.org:8443"
# RANDOM_BADGES=2000 is what was promised once; so many take minutes.
RANDOM_BADGES, BATCHES = int(os.environ.get("RANDOM_BADGES", "120")), 4
DID = web_did(ORIGIN, "i", "acme")
LIST = f"{ORIGIN}/i/acme/status/1"
CREATED = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY, OLD_KEY, FOREIGN_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
BADGE = {
    "@context": list(BADGE_CONTEXTS),
    "id": f"{ORIGIN}/credentials/5Qf2kd",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "name": "Bookbinding",
    "issuer": {"id": DID, "type": ["Profile"], "name": "Acme", "url": "https://acme.example"},
    "validFrom": "2026-01-01T12:00:00Z",
    "credentialSubject": {
        "id": "urn:uuid:0cbf8f6e-4a2e-4b6e-9e5c-0d8a6a3b8f60",
        "type": ["AchievementSubject"],
        "identifier": [
            {"type": "IdentityObject", "hashed": False, "identityHash": "Zoë Ångström", "identityType": "name"},
        ],
        "achievement": {
            "id": f"{ORIGIN}/achievements/1",
            "type": ["Achievement"],
            "achievementType": "Certificate",
            "name": "Bookbinding",
            "description": "Sews and binds books by hand",
            "criteria": {"narrative": "Bound three books"},
        },
    },
    "credentialStatus": {
        "id": f"{LIST}#70000",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "70000",
        "statusListCredential": LIST,
    },
}
PNG = BytesIO()
Image.new("RGB", (2, 2)).save(PNG, "png")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><rect width="1" height="1"/></svg>'


def method(key, did=DID):
    return VerificationMethod(id=f"{did}#{to_multikey(key.public_key())}", key=key.public_key())


def signed(document, key=KEY, did=DID):
    return Signer(ProofKey(verification_method=method(key, did).id, private_key=key)).sign(document, created=CREATED)


def documents(*, keys=(KEY, OLD_KEY), revoked=(), list_key=KEY, **list_members):
    """What our server answers."""
    status_list = status_list_credential(
        list_url=LIST, issuer=DID, encoded=encoded_list(revoked), valid_from="2026-01-01T12:00:00Z", ttl_ms=300_000
    )
    return {
        web_did_address(DID): did_document(DID, [method(key) for key in keys]),
        LIST: signed({**status_list, **list_members}, list_key),
    }


def with_subject(**members):
    return {**BADGE, "credentialSubject": {**BADGE["credentialSubject"], **members}}


def assert_accepted(node_verifier, credential, known):
    assert not node_verifier.verify(credential, known).errors
    assert not openbadgeslib_verdict(credential, known).errors


def assert_refused(node_verifier, credential, known, reason):
    """By both, and by the first for this reason."""
    verdict = node_verifier.verify(credential, known)
    assert not verdict.ok
    assert reason in str(verdict.errors)
    assert not openbadgeslib_verdict(credential, known).ok


def test_a_badge_of_a_did_web_is_accepted(node_verifier):
    assert_accepted(node_verifier, signed(BADGE), documents())


def test_a_badge_of_a_did_key_is_accepted(node_verifier):
    did = did_key(KEY.public_key())
    badge = {**BADGE, "issuer": {**BADGE["issuer"], "id": did}}
    del badge["credentialStatus"]
    assert_accepted(node_verifier, signed(badge, did=did), {})


def test_a_badge_whose_key_was_rotated_is_accepted(node_verifier):
    assert_accepted(node_verifier, signed(BADGE, OLD_KEY), documents(keys=(KEY, OLD_KEY)))


@pytest.mark.parametrize(
    "name",
    [
        "Ærøskøbing “®” <&> 'x' \\ \"y\"",
        "Нина Ζωή Գոհար ნინო",
        "אסתר فاطمة ܡܪܝܡ",
        "नीना நிலா ನೀಲಾ සුනිල ນາງ မြ ស្រី ዓለም",
        "王小明 さくら サクラ 김민수",
        "🙂 👩‍🏫 🏳️‍🌈 𝔸𝔻𝔸 ＦＵＬＬ",  # noqa: RUF001
        "line\nfeed\ttab\u2028separator\u00a0space\u200d",
    ],
)
def test_names_in_every_script_are_accepted(node_verifier, name):
    identifier = [{"type": "IdentityObject", "hashed": False, "identityHash": name, "identityType": "name"}]
    assert_accepted(node_verifier, signed({**with_subject(identifier=identifier), "name": name}), documents())


JWT_KEYS = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1())}
JWT_BADGE = {**BADGE, "validUntil": "2056-01-01T00:00:00Z"}


def jwt_documents(algorithm, **given):
    """What our server answers, with the key of JWTs in the DID document and as a JWK at an address of its own."""
    known = documents(**given)
    jwk = VerificationMethod(id=f"{DID}#jwt", key=JWT_KEYS[algorithm].public_key(), is_jwk=True)
    known[web_did_address(DID)] = document = did_document(DID, [method(KEY), jwk])
    known[f"{ORIGIN}/i/acme/keys/jwt"] = document["verificationMethod"][1]["publicKeyJwk"]
    return known


@pytest.mark.parametrize("algorithm", JWT_KEYS)
def test_a_jwt_is_accepted(node_verifier, algorithm):
    known = jwt_documents(algorithm)
    assert_accepted(node_verifier, to_jwt(JWT_BADGE, JWT_KEYS[algorithm], kid=f"{DID}#jwt", algorithm=algorithm), known)
    # openbadgeslib knows keys by their DID only.
    by_address = to_jwt(JWT_BADGE, JWT_KEYS[algorithm], kid=f"{ORIGIN}/i/acme/keys/jwt", algorithm=algorithm)
    assert not node_verifier.verify(by_address, known).errors


@pytest.mark.parametrize("algorithm", JWT_KEYS)
def test_a_jwt_that_is_wrong_is_refused(node_verifier, algorithm):
    def refused(badge, reason, kid=f"{DID}#jwt", change=str, **given):
        token = change(to_jwt(badge, JWT_KEYS[algorithm], kid=kid, algorithm=algorithm))
        assert_refused(node_verifier, token, jwt_documents(algorithm, **given), reason)

    refused(JWT_BADGE, "signature", change=lambda token: token[:-20] + token[-20:].swapcase())
    refused(JWT_BADGE, "revocation is set", revoked=[70_000])
    refused({**BADGE, "validUntil": "2026-02-01T00:00:00Z"}, "expired")
    refused(JWT_BADGE, "There is no key", kid=f"{DID}#other")


def alike(part, count):
    return [copy.deepcopy(part) for _ in range(count)]


GRADES = {"type": ["ResultDescription"], "name": "Grade", "resultType": "LetterGrade", "allowedValue": ["A", "B", "C"]}
SKILLED = {"type": ["Result"], "value": "1", "alignment": [{"type": ["Alignment"], "targetName": "x"}]}


@pytest.mark.parametrize(
    "members",
    [
        {"result": alike(SKILLED, 2)},
        {"result": alike(SKILLED, 20)},
        {"achievement": {**BADGE["credentialSubject"]["achievement"], "resultDescription": [
            {"id": "urn:x:1", **GRADES}, {"id": "urn:x:2", **GRADES}, {"id": "urn:x:3", **GRADES},
        ]}},
        {"creditsEarned": 3.0},
        {"creditsEarned": 2.675},
        {"creditsEarned": 0.000_001_5},
        {"creditsEarned": 1_234_567.125},
        {"creditsEarned": 2**53 - 1},
    ],
)  # fmt: skip
def test_parts_that_are_alike_and_numbers_are_accepted(node_verifier, members):
    assert not node_verifier.verify(signed(with_subject(**members)), documents()).errors


def test_a_changed_badge_is_refused(node_verifier):
    assert_refused(node_verifier, {**signed(BADGE), "name": "Medicine"}, documents(), "Invalid signature")


def test_a_changed_proof_is_refused(node_verifier):
    badge = copy.deepcopy(signed(BADGE))
    badge["proof"][0]["created"] = "2025-01-01T12:00:00Z"
    assert_refused(node_verifier, badge, documents(), "Invalid signature")


def test_an_expired_badge_is_refused_and_was_accepted_before(node_verifier):
    badge = signed({**BADGE, "validUntil": "2026-02-01T00:00:00Z"})
    assert_refused(node_verifier, badge, documents(), "validUntil")
    assert node_verifier.verify(badge, documents(), now="2026-01-31T23:59:59Z").ok


def test_a_revoked_badge_is_refused_and_its_neighbours_are_not(node_verifier):
    assert_refused(node_verifier, signed(BADGE), documents(revoked=[70_000]), "revocation is set")
    assert_accepted(node_verifier, signed(BADGE), documents(revoked=[69_999, 70_001]))


def test_a_list_signed_by_somebody_else_is_refused(node_verifier):
    verdict = node_verifier.verify(signed(BADGE), documents(list_key=FOREIGN_KEY))
    assert "not verified" in str(verdict.errors)


def test_a_badge_by_a_key_that_may_no_longer_sign_is_refused(node_verifier):
    assert_refused(node_verifier, signed(BADGE, OLD_KEY), documents(keys=(KEY,)), "There is no key")


def test_a_badge_by_a_key_that_is_not_for_assertions_is_refused(node_verifier):
    known = documents()
    known[web_did_address(DID)] |= {"assertionMethod": [method(KEY).id]}
    verdict = node_verifier.verify(signed(BADGE, OLD_KEY), known)
    assert "not authorized" in str(verdict.errors)


def test_a_badge_in_the_name_of_another_is_refused(node_verifier):
    badge = signed(BADGE, FOREIGN_KEY, did_key(FOREIGN_KEY.public_key()))
    assert_refused(node_verifier, badge, documents(), "issuer must match")


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_badges_signed_in_the_fast_way_are_as_in_the_slow_way_and_accepted(node_verifier, batch):
    signer = Signer(ProofKey(verification_method=method(KEY, badges.DID).id, private_key=KEY))
    known = {web_did_address(badges.DID): did_document(badges.DID, [method(KEY, badges.DID)])}
    # Each run of the tests has other random numbers, each batch too.
    texts = Random(f"{random.random()} {batch}")
    accepted = 0
    while accepted < RANDOM_BADGES // BATCHES:
        structure = texts.getrandbits(32)
        for _ in range(5):
            credential = badges.random_credential(Random(structure), texts)
            try:
                fast = signer.sign(credential, created=CREATED)
            except Unsignable as refusal:
                assert "verifiers disagree on the order" in str(refusal)
                continue
            assert fast == signer.sign_fully(credential, created=CREATED)
            assert not node_verifier.verify(fast, known, now="2040-01-01T00:00:00Z", status=False).errors
            accepted += 1


@pytest.mark.parametrize("form", ["json", "jwt"])
@pytest.mark.parametrize("picture", [PNG.getvalue(), SVG], ids=["png", "svg"])
def test_a_badge_in_a_picture_is_accepted_until_it_is_revoked(picture, form):
    jwt = to_jwt(JWT_BADGE, JWT_KEYS["RS256"], kid=f"{DID}#jwt", algorithm="RS256")
    baked = bake(picture, Baked(credential=jwt if form == "jwt" else msgspec.json.encode(signed(BADGE)).decode()))
    assert openbadgeslib_picture_verdict(baked, jwt_documents("RS256")).ok
    verdict = openbadgeslib_picture_verdict(baked, jwt_documents("RS256", revoked=[70_000]))
    assert "revocation" in str(verdict.errors)


@pytest.fixture
def assertion_at():
    """The address of a hosted assertion, and what else is answered there."""
    with hosted() as (origin, answers):
        badge = HostedBadge(
            id=f"{origin}/badge",
            issuer=f"{origin}/issuer",
            name="Bookbinding",
            description="Sews and binds books by hand",
            image=f"{origin}/badge.png",
            criteria_narrative="Bound three books",
            tags=["craft"],
        )
        assertion = HostedAssertion(
            id=f"{origin}/assertion",
            badge=badge.id,
            email="zoe@example.org",
            salt="5f2b",
            issued_on="2026-01-01T12:00:00Z",
            evidence=[{"id": f"{origin}/evidence", "name": "Photograph", "narrative": "Of the books"}],
        )
        issuer = issuer_document(badge.issuer, name="Acme", url="https://acme.example", email="office@acme.example")
        for path, document in {
            "/badge": badge_class_document(badge),
            "/assertion": assertion_document(assertion),
            "/issuer": issuer,
        }.items():
            answers[path] = (200, "application/ld+json", msgspec.json.encode(document))
        answers["/badge.png"] = (200, "image/png", PNG.getvalue())
        yield assertion.id, answers


def test_the_ims_validator_accepts_a_hosted_assertion_for_its_recipient_only(assertion_at):
    address, _answers = assertion_at
    assert ims_verdict(address, "zoe@example.org").ok
    assert "did not match" in str(ims_verdict(address, "ada@example.org").errors)


def test_the_ims_validator_refuses_a_revoked_assertion(assertion_at):
    address, answers = assertion_at
    stub = revoked_assertion_document(address, "Awarded by mistake")
    answers["/assertion"] = (410, "application/ld+json", msgspec.json.encode(stub))
    assert not ims_verdict(address, "zoe@example.org").ok
