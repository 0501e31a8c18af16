import pytest
from badge_web import DID, DID_ADDRESS, BadgeWeb
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key

from testamur.openbadges.dids import VerificationMethod, did_document, did_key
from testamur.openbadges.public_keys import to_jwk
from testamur.openbadges.resolving import Fetches, Gone, Unreachable, Unresolved, assertion_key

RSA = generate_rsa_key(65537, 2048).public_key()
P256 = generate_ec_key(SECP256R1()).public_key()
KID = "https://issuer.example/i/acme/keys/r1"
METHOD = f"{DID}#r1"
DOCUMENT = did_document(DID, [VerificationMethod(id=METHOD, key=RSA, is_jwk=True)])


def _fetches(**changes):
    web = BadgeWeb()
    web.update({DID_ADDRESS: DOCUMENT, KID: {**to_jwk(RSA), "kid": "r1", "alg": "RS256"}, **changes})
    return Fetches(web)


@pytest.mark.parametrize("method", [METHOD, KID])
def test_a_key_is_found_by_its_method_and_at_its_address(method):
    assert assertion_key(method, DID, _fetches()) == RSA


def test_a_key_of_a_did_key_is_the_did_itself():
    did = did_key(P256)
    assert assertion_key(f"{did}#{did.removeprefix('did:key:')}", did, _fetches()) == P256
    with pytest.raises(Unresolved, match="no key"):
        assertion_key(f"{did}#other", did, _fetches())


def test_a_key_at_an_address_must_be_one_of_the_issuers():
    theirs = did_document(DID, [VerificationMethod(id=f"{DID}#p", key=P256, is_jwk=True)])
    with pytest.raises(Unresolved, match="does not have the key"):
        assertion_key(KID, DID, _fetches(**{DID_ADDRESS: theirs}))
    with pytest.raises(Unresolved, match="does not have the key"):
        assertion_key(KID, DID, _fetches(**{DID_ADDRESS: {**DOCUMENT, "assertionMethod": []}}))


def test_an_issuer_named_by_its_address_has_its_keys_on_its_host():
    assert assertion_key(KID, "https://issuer.example/i/acme", _fetches()) == RSA
    for other in ("https://other.example/i/acme", "https://issuer.example:8443/i/acme", "https://issuer.example.evil"):
        with pytest.raises(Unresolved, match="in the name of"):
            assertion_key(KID, other, _fetches())


@pytest.mark.parametrize(
    "found",
    [
        {"keys": [to_jwk(RSA)]},
        {"kty": "oct", "k": "AAAA"},
        {},
        [],
        b"<html>",
        {**to_jwk(RSA), "n": 7},
        Unreachable("nobody answers"),
    ],
)
def test_what_is_not_one_jwk_is_no_key(found):
    with pytest.raises(Unresolved):
        assertion_key(KID, DID, _fetches(**{KID: found}))


@pytest.mark.parametrize(
    "method", ["", "#", "#r1", "r1", "did:web:issuer.example:i:acme", "file:///x", "https://", "ht#x"]
)
def test_what_names_no_key_is_refused(method):
    with pytest.raises(Unresolved):
        assertion_key(method, DID, _fetches())


def test_an_address_is_asked_once_whatever_it_answers():
    web = BadgeWeb()
    web["https://a.example/gone"] = Gone(b"stub")
    fetches = Fetches(web)
    for _ in range(3):
        with pytest.raises(Gone) as gone:
            fetches("https://a.example/gone")
        assert gone.value.content == b"stub"
    assert web.asked == ["https://a.example/gone"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example",
        "file:///etc/passwd",
        "https://a b",
        "https://é.example",
        "https://a\n",
        "https://" + "a" * 3000,
    ],
)
def test_what_is_no_address_of_the_web_is_never_asked(url):
    web = BadgeWeb()
    with pytest.raises(Unreachable, match="not an address"):
        Fetches(web)(url)
    assert web.asked == []
