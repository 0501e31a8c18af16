import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from testamur.openbadges.dids import (
    InvalidDID,
    VerificationMethod,
    did_document,
    did_key,
    did_key_document,
    key_of_did_key,
    web_did,
    web_did_address,
)
from testamur.openbadges.public_keys import to_multikey

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()


@pytest.mark.parametrize(
    ("base", "did", "address"),
    [
        ("https://example.org", "did:web:example.org:i:acme", "https://example.org/i/acme/did.json"),
        ("https://Example.org/", "did:web:example.org:i:acme", "https://example.org/i/acme/did.json"),
        ("http://127.0.0.1:8000", "did:web:127.0.0.1%3A8000:i:acme", "https://127.0.0.1:8000/i/acme/did.json"),
        ("https://a.example/badges", "did:web:a.example:badges:i:acme", "https://a.example/badges/i/acme/did.json"),
    ],
)
def test_a_did_and_where_its_document_is(base, did, address):
    assert web_did(base, "i", "acme") == did
    assert web_did_address(did) == address


def test_a_bare_host_has_its_document_at_the_well_known_place():
    assert web_did_address("did:web:example.org") == "https://example.org/.well-known/did.json"


@pytest.mark.parametrize(
    "base", ["", "example.org", "https://user@example.org", "https://[::1]", "https://a.example/a b"]
)
def test_addresses_that_no_did_can_name_are_refused(base):
    with pytest.raises(InvalidDID):
        web_did(base, "i", "acme")


@pytest.mark.parametrize(
    "did",
    [
        "did:web:",
        "did:key:z6Mk",
        "xdid:web:a.example",
        "did:web:a.example:",
        "did:web:a.example:..:secret",
        "did:web:a.example%2Fsecret",
        "did:web:user%40a.example",
        "did:web:a.example:i:a%2Fb",
        "did:web:a.example:i?x",
        "did:web:a.example#z6Mk",
    ],
)
def test_what_is_no_did_web_is_refused(did):
    with pytest.raises(InvalidDID):
        web_did_address(did)


def test_a_document_names_each_key_in_both_lists():
    did = "did:web:a.example:i:acme"
    rsa = generate_private_key(65537, 2048).public_key()
    methods = [
        VerificationMethod(id=f"{did}#{to_multikey(KEY)}", key=KEY),
        VerificationMethod(id=f"{did}#r1", key=rsa, is_jwk=True),
    ]
    document = did_document(did, methods)
    assert [method["id"] for method in document["verificationMethod"]] == document["assertionMethod"]
    assert [method["type"] for method in document["verificationMethod"]] == ["Multikey", "JsonWebKey"]
    assert {method["controller"] for method in document["verificationMethod"]} == {did}
    assert document["verificationMethod"][0]["publicKeyMultibase"] == to_multikey(KEY)
    assert document["verificationMethod"][1]["publicKeyJwk"]["kid"] == "r1"


def test_a_did_key_is_its_key():
    did = did_key(KEY)
    assert key_of_did_key(did) == KEY
    document = did_key_document(did)
    assert document["id"] == did
    assert document["assertionMethod"] == [f"{did}#{to_multikey(KEY)}"]


@pytest.mark.parametrize(
    "did", ["did:key:", "did:key:z6Mk", "did:web:a.example", "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"]
)
def test_what_is_no_did_key_is_refused(did):
    with pytest.raises(InvalidDID):
        key_of_did_key(did)
