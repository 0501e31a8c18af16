import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import timedelta

import jwt
import pytest
from badges import AT, full_credential
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.openbadges.data_integrity import InvalidProof, ProofKey, Signer
from testamur.openbadges.jwt_credentials import read_jwt, to_jwt
from testamur.openbadges.linked_data import Unsignable

RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
KEYS = {
    "urn:rsa": RSA.public_key(),
    "urn:p256": P256.public_key(),
    "urn:p384": ec.generate_private_key(ec.SECP384R1()).public_key(),
    "urn:ed25519": Ed25519PrivateKey.generate().public_key(),
}
CREDENTIAL = full_credential()
TEXT = to_jwt(CREDENTIAL, P256, kid="urn:p256", algorithm="ES256")


def key_of(kid, _algorithm):
    return KEYS[kid]


def encoded(content):
    return base64.urlsafe_b64encode(content if isinstance(content, bytes) else json.dumps(content).encode()).rstrip(
        b"="
    )


def forged(header, payload, sign):
    signed = encoded(header) + b"." + encoded(payload)
    return (signed + b"." + encoded(sign(signed))).decode()


def with_claims(**claims):
    payload = {**jwt.decode(TEXT, options={"verify_signature": False}), **claims}
    present = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(present, P256, algorithm="ES256", headers={"kid": "urn:p256"})


@pytest.mark.parametrize(("key", "kid", "algorithm"), [(RSA, "urn:rsa", "RS256"), (P256, "urn:p256", "ES256")])
def test_a_credential_comes_back_from_its_jwt(key, kid, algorithm):
    signer = Signer(ProofKey(verification_method="urn:x:1", private_key=Ed25519PrivateKey.generate()))
    text = to_jwt(signer.sign(CREDENTIAL, created=AT), key, kid=kid, algorithm=algorithm)
    assert jwt.get_unverified_header(text) == {"alg": algorithm, "kid": kid, "typ": "JWT"}
    payload = jwt.decode(text, options={"verify_signature": False})
    assert {name: payload.pop(name) for name in ("iss", "jti", "sub", "nbf", "exp")} == {
        "iss": CREDENTIAL["issuer"]["id"],
        "jti": CREDENTIAL["id"],
        "sub": CREDENTIAL["credentialSubject"]["id"],
        "nbf": int(AT.timestamp()),
        "exp": int((AT + timedelta(days=700)).timestamp()),
    }
    assert payload == CREDENTIAL
    assert read_jwt(text, key_of) == CREDENTIAL


def test_a_key_of_another_kind_signs_nothing():
    for key, algorithm in ((RSA, "ES256"), (P256, "RS256"), (ec.generate_private_key(ec.SECP384R1()), "ES256")):
        with pytest.raises(ValueError, match=f"not one for {algorithm}"):
            to_jwt(CREDENTIAL, key, kid="urn:x:1", algorithm=algorithm)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"id": None}, "empty value"),
        ({"name": "a\x0bb"}, r"U\+000B"),
        ({"validFrom": "2026-01-01"}, "validFrom"),
        ({"credentialSubject": {"type": ["AchievementSubject"]}}, "it has no sub"),
    ],
)
def test_what_has_no_claims_or_odd_letters_is_not_signed(members, reason):
    with pytest.raises(Unsignable, match=reason):
        to_jwt({**CREDENTIAL, **members}, P256, kid="urn:p256", algorithm="ES256")


PUBLIC_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PAYLOAD = jwt.decode(TEXT, options={"verify_signature": False})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (forged({"alg": "none", "kid": "urn:rsa"}, PAYLOAD, lambda _: b""), "signed with none"),
        (forged({"alg": "NONE", "kid": "urn:rsa"}, PAYLOAD, lambda _: b""), "signed with NONE"),
        (
            forged(
                {"alg": "HS256", "kid": "urn:rsa"}, PAYLOAD, lambda text: hmac.digest(PUBLIC_PEM, text, hashlib.sha256)
            ),
            "signed with HS256",
        ),
        (forged({"alg": "EdDSA", "kid": "urn:ed25519"}, PAYLOAD, lambda _: bytes(64)), "signed with EdDSA"),
        (
            forged({"alg": ["ES256"], "kid": "urn:p256"}, PAYLOAD, lambda _: bytes(64)),
            "signed with|cannot be read|not a JWT",
        ),
        (forged({"alg": "RS256", "kid": "urn:p256"}, PAYLOAD, lambda _: bytes(64)), "not one for RS256"),
        (forged({"alg": "ES256", "kid": "urn:p384"}, PAYLOAD, lambda _: bytes(64)), "not one for ES256"),
        (forged({"alg": "ES256", "kid": "urn:ed25519"}, PAYLOAD, lambda _: bytes(64)), "not one for ES256"),
        (forged({"alg": "ES256", "kid": "urn:other"}, PAYLOAD, lambda _: bytes(64)), "not one of the issuer's"),
        (forged({"alg": "ES256"}, PAYLOAD, lambda _: bytes(64)), "names no key"),
        (forged({"alg": "ES256", "kid": 7}, PAYLOAD, lambda _: bytes(64)), "names no key|can be read"),
        (forged({"alg": "ES256", "kid": "urn:p256"}, PAYLOAD, lambda _: bytes(64)), "changed after signing"),
        (forged({"alg": "ES256", "kid": "urn:p256", "crit": ["x"]}, PAYLOAD, lambda _: bytes(64)), "crit|can be read"),
        (forged({"alg": "ES256", "kid": "urn:p256", "b64": False}, PAYLOAD, lambda _: bytes(64)), "b64|can be read"),
        (
            forged({"alg": "ES256", "kid": "urn:p256"}, b"[" * 100_000, lambda _: bytes(64)),
            "changed after signing|can be read",
        ),
        (TEXT[:-8] + "AAAAAAAA", "changed after signing"),
        (TEXT.rpartition(".")[0], "can be read"),
        ("", "can be read"),
        ("a.b.c", "can be read"),
        ("ä.b.c", "ASCII"),
        ("a" * 2_000_001, "at most 2000000"),
        (with_claims(iss="did:web:evil.example"), "“iss” of the JWT"),
        (with_claims(iss=None), "names no issuer"),
        (with_claims(jti="urn:x:1"), "“jti” of the JWT"),
        (with_claims(sub="urn:x:1"), "“sub” of the JWT"),
        (with_claims(nbf=1), "“nbf” of the JWT"),
        (with_claims(nbf=True), "“nbf” of the JWT"),
        (with_claims(nbf=float("inf")), "“nbf” of the JWT"),
        (with_claims(exp=4_000_000_000), "“exp” of the JWT"),
        (with_claims(validUntil=None), "“exp” of the JWT"),
        (with_claims(validFrom="soon"), "not a time"),
        (with_claims(vc={}, **{"@context": None}), "as “vc”"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_proves_nothing_is_refused_with_the_reason(text, reason):
    with pytest.raises(InvalidProof, match=reason):
        read_jwt(text, key_of)


def test_a_claim_may_be_missing_if_the_credential_states_it():
    assert read_jwt(with_claims(sub=None, exp=None, jti=None, nbf=float(PAYLOAD["nbf"])), key_of) == CREDENTIAL


@given(position=st.integers(0, len(TEXT) - 1), junk=st.text(max_size=5))
@settings(deadline=None)
def test_a_jwt_that_was_cut_or_changed_is_refused_and_never_a_crash(position, junk):
    text = TEXT[:position] + junk + TEXT[position + 1 :]
    if text != TEXT:
        with suppress(InvalidProof):
            assert read_jwt(text, key_of) == CREDENTIAL
