import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key

from testamur.openbadges.public_keys import InvalidKey, from_jwk, from_multikey, jwk_thumbprint, to_jwk, to_multikey

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
P256 = generate_private_key(SECP256R1()).public_key()


def test_a_key_of_the_did_key_specification_is_read_and_written():
    # did:key method, section "Test vectors", Ed25519.
    text = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
    key = from_multikey(text)
    assert key.public_bytes_raw().hex() == "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
    assert to_multikey(key) == text
    assert key == ED25519


@pytest.mark.parametrize("key", [ED25519, P256], ids=["ed25519", "p256"])
def test_multikeys_come_back_as_they_were(key):
    assert from_multikey(to_multikey(key)) == key


@pytest.mark.parametrize("key", [ED25519, P256, generate_rsa_key(65537, 2048).public_key()], ids=["ed", "p256", "rsa"])
def test_jwks_come_back_as_they_were(key):
    assert from_jwk({**to_jwk(key), "kid": "one", "alg": "any"}) == key


def test_the_jwk_of_the_standard_is_read():
    # RFC 8037, appendix A.2.
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert to_jwk(from_jwk(jwk)) == jwk


def test_thumbprints_are_those_of_the_standards():
    # RFC 7638, section 3.1; RFC 8037, appendix A.3.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    rsa = from_jwk({"kty": "RSA", "n": modulus, "e": "AQAB"})
    assert jwk_thumbprint(rsa) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    ed25519 = from_jwk({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    assert jwk_thumbprint(ed25519) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "z6Mk",
        "u7QEh",
        "zIO0l",
        "z" + "1" * 99,
        "z" + "1" * 100_000,
        "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",
    ],
)
def test_what_is_no_multikey_is_refused(text):
    with pytest.raises(InvalidKey):
        from_multikey(text)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": 7},
        {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": "_" * 20_000, "e": "AQAB"},
        {"kty": ["RSA"], "n": "AQAB"},
    ],
)
def test_what_is_no_jwk_is_refused(jwk):
    with pytest.raises(InvalidKey):
        from_jwk(jwk)


def test_keys_without_such_a_form_are_refused():
    with pytest.raises(InvalidKey):
        to_multikey(generate_private_key(SECP384R1()).public_key())
    with pytest.raises(InvalidKey):
        to_jwk(generate_private_key(SECP384R1()).public_key())
