import copy
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.openbadges.contexts import BADGE_CONTEXTS
from testamur.openbadges.data_integrity import InvalidProof, ProofKey, Signer, verify_proof
from testamur.openbadges.linked_data import Unsignable, canonical_form

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
METHOD = "did:web:example.org:i:acme#z6MkkeyOfAcme"
SIGNER = Signer(ProofKey(verification_method=METHOD, private_key=PRIVATE))
CREATED = datetime(2026, 11, 24, 12, 0, 30, 999_999, tzinfo=UTC)
BADGE = {
    "@context": list(BADGE_CONTEXTS),
    "id": "https://example.org/credentials/1",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "name": "Bookbinding",
    "issuer": {"id": "did:web:example.org:i:acme", "type": ["Profile"], "name": "Acme"},
    "credentialSubject": {"id": "urn:uuid:1", "type": ["AchievementSubject"], "name": "Ada"},
}
SIGNED = SIGNER.sign(BADGE, created=CREATED)


def key_of(method):
    return {METHOD: PRIVATE.public_key(), "did:web:example.org:i:acme#p256": P256.public_key()}[method]


P256 = ec.generate_private_key(ec.SECP256R1())


def with_proof(**members):
    return {**SIGNED, "proof": [{**SIGNED["proof"][0], **members}]}


def test_both_ways_of_signing_give_the_same_and_it_verifies():
    assert SIGNER.sign_fully(BADGE, created=CREATED) == SIGNED
    assert {name: value for name, value in SIGNED.items() if name != "proof"} == BADGE
    assert [*SIGNED["proof"][0]] == [
        "type",
        "cryptosuite",
        "created",
        "verificationMethod",
        "proofPurpose",
        "proofValue",
    ]
    assert SIGNED["proof"][0]["created"] == "2026-11-24T12:00:30Z"
    assert verify_proof(SIGNED, key_of) == SIGNED["proof"][0]
    assert verify_proof({**SIGNED, "proof": SIGNED["proof"][0]}, key_of) == SIGNED["proof"][0]


def test_many_signed_at_once_are_signed_as_each_alone():
    documents = [{**BADGE, "id": f"urn:x:{number}"} for number in range(4)] + [SIGNED, {**BADGE, "image": "urn:x:1"}]
    signed = SIGNER.sign_many(documents, created=CREATED)
    assert signed == [SIGNER.sign(document, created=CREATED) for document in documents]
    assert signed[4] == SIGNED
    documents[2:2] = [{**BADGE, "undefinedTerm": "x"}, {**BADGE, "name": "a\x00b"}]
    with pytest.raises(Unsignable, match="undefinedTerm"):
        SIGNER.sign_many(documents, created=CREATED)


def test_signing_again_replaces_the_proof():
    later = SIGNER.sign(SIGNED, created=CREATED + timedelta(seconds=1))
    assert [proof["created"] for proof in later["proof"]] == ["2026-11-24T12:00:31Z"]
    verify_proof(later, key_of)


def test_the_time_of_signing_is_written_in_utc_and_needs_a_zone():
    east = SIGNER.sign(BADGE, created=CREATED.astimezone(timezone(timedelta(hours=9))))
    assert east == SIGNED
    with pytest.raises(ValueError, match="zone"):
        SIGNER.sign(BADGE, created=datetime(2026, 1, 1))  # noqa: DTZ001


def test_what_may_not_be_signed_is_not_signed():
    with pytest.raises(Unsignable, match="undefinedTerm"):
        SIGNER.sign({**BADGE, "undefinedTerm": "x"}, created=CREATED)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "not a JSON object"),
        (BADGE, "no proof"),
        ({**SIGNED, "proof": []}, "no proof"),
        ({**SIGNED, "proof": None}, "must be an object"),
        ({**SIGNED, "proof": SIGNED["proof"] * 11}, "at most 10"),
        ({**SIGNED, "proof": ["x"]}, "must be an object"),
        ({**SIGNED, "name": "Bookbinding II"}, "changed after signing"),
        ({**SIGNED, "undefinedTerm": "x"}, "undefinedTerm"),
        (with_proof(cryptosuite="eddsa-jcs-2022"), "eddsa-jcs-2022, which is not known here"),
        (with_proof(type="Ed25519Signature2020"), "not known here"),
        (with_proof(type=["DataIntegrityProof"]), "not known here"),
        (with_proof(proofPurpose="authentication"), "made for authentication"),
        (with_proof(proofPurpose=["assertionMethod"]), "must be a text"),
        (with_proof(created="2026-11-24"), "not a time with its zone"),
        (with_proof(created="2026-11-24T12:00:30"), "not a time with its zone"),
        (with_proof(created="2026-13-24T12:00:30Z"), "month"),
        (with_proof(created="2026-11-24T12:00:31Z"), "changed after signing"),
        (with_proof(note="x"), "a member that proofs do not have: note"),
        (with_proof(proofValue="u" + SIGNED["proof"][0]["proofValue"][1:]), "not a signature"),
        (with_proof(proofValue="z0OIl"), "not a signature"),
        (with_proof(proofValue="z" * 50_000), "not a signature"),
        (with_proof(proofValue=SIGNED["proof"][0]["proofValue"][:-2]), "not a signature|changed after signing"),
        (with_proof(verificationMethod="did:web:example.org:i:acme#other"), "not one of the issuer's"),
        (with_proof(verificationMethod="did:web:example.org:i:acme#p256"), "not an Ed25519 key"),
        (with_proof(expires="2026-11-25T00:00:00Z"), "no time was given"),
        (with_proof(previousProof="urn:uuid:1"), "builds on an earlier one that is not there"),
        ({**SIGNED, "proof": [*SIGNED["proof"], {**SIGNED["proof"][0], "nonce": "x"}]}, "changed after signing"),
    ],
)
def test_what_proves_nothing_is_refused_with_the_reason(document, reason):
    with pytest.raises(InvalidProof, match=reason):
        verify_proof(document, key_of)


@pytest.mark.parametrize("name", ["cryptosuite", "type", "proofPurpose", "verificationMethod", "proofValue", "created"])
def test_a_proof_that_lacks_something_is_refused(name):
    proof = {member: value for member, value in SIGNED["proof"][0].items() if member != name}
    with pytest.raises(InvalidProof):
        verify_proof({**SIGNED, "proof": proof}, key_of)


def test_an_expired_proof_is_refused():
    with pytest.raises(InvalidProof, match="expired at"):
        verify_proof(with_proof(expires="2026-11-25T00:00:00Z"), key_of, at=datetime(2026, 11, 26, tzinfo=UTC))


def test_beside_a_proof_of_an_unknown_kind_one_that_holds_is_enough():
    other = {"type": "DataIntegrityProof", "cryptosuite": "bbs-2023", "proofValue": "u1"}
    assert verify_proof({**SIGNED, "proof": [other, *SIGNED["proof"]]}, key_of) == SIGNED["proof"][0]


def test_a_key_that_cannot_be_had_is_told():
    def unreachable(method):
        raise ValueError("example.org does not answer")

    with pytest.raises(InvalidProof, match=r"example\.org does not answer"):
        verify_proof(SIGNED, unreachable)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([METHOD, "assertionMethod"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "@context", "proof"]), inner)
    ),
    max_leaves=8,
)


@given(
    name=st.sampled_from([*SIGNED, "holder"]),
    inside=st.sampled_from([None, *SIGNED["proof"][0], "id", "nonce"]),
    junk=JUNK,
)
@settings(deadline=None)
def test_junk_in_any_place_is_refused_and_never_a_crash(name, inside, junk):
    document = copy.deepcopy(SIGNED)
    if name == "proof" and inside:
        document["proof"][0][inside] = junk
    else:
        document[name] = junk
    try:
        verify_proof(document, key_of)
    except InvalidProof:
        return
    # Nothing was added that says something, such as an empty list.
    assert document["proof"] == SIGNED["proof"]
    unsigned = {member: value for member, value in document.items() if member != "proof"}
    assert canonical_form(unsigned, minting=False) == canonical_form(BADGE)
