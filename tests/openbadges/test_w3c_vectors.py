"""The test vectors of Data Integrity EdDSA 1.0 (vectors/NOTICE.md)."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import base58
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from testamur.openbadges import contexts, linked_data, shapes
from testamur.openbadges.data_integrity import InvalidProof, ProofKey, Signer, verify_proof
from testamur.openbadges.dids import key_of_did_key
from testamur.openbadges.public_keys import to_multikey

VECTORS = Path(__file__).parent / "vectors"
CREATED = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)


def read(name):
    return json.loads((VECTORS / name).read_text())


def key_of(method):
    return key_of_did_key(method.partition("#")[0])


@pytest.fixture(params=["alumni", "employ"])
def vector(request, monkeypatch):
    if request.param == "employ":
        url = "https://w3id.org/citizenship/v4rc1"
        content = (VECTORS / "citizenship-v4rc1.jsonld").read_bytes()
        monkeypatch.setitem(contexts.PINNED, url, ("", ""))
        known = contexts.load_context
        monkeypatch.setattr(
            linked_data, "load_context", lambda wanted: json.loads(content) if wanted == url else known(wanted)
        )
    return VECTORS / request.param


@pytest.mark.parametrize("canonical_form", [linked_data.canonical_form, shapes.canonical_form])
def test_canonical_forms_and_hashes_are_those_of_the_vectors(vector, canonical_form):
    signed = json.loads((vector / "signedDataInt.json").read_text())
    signed.pop("proof")
    for document, text, digest in [
        (signed, "canonDocDataInt.txt", "docHashDataInt.txt"),
        (json.loads((vector / "proofConfigDataInt.json").read_text()), "proofCanonDataInt.txt", "proofHashDataInt.txt"),
    ]:
        found = canonical_form(document)
        assert found == (vector / text).read_text()
        assert hashlib.sha256(found.encode()).hexdigest() == (vector / digest).read_text().strip()


@pytest.mark.parametrize("way", ["sign", "sign_fully"])
def test_the_signatures_are_those_of_the_vectors(vector, way):
    signed = json.loads((vector / "signedDataInt.json").read_text())
    pair = read("keyPair.json")
    private_key = Ed25519PrivateKey.from_private_bytes(base58.b58decode(pair["privateKeyMultibase"][1:])[2:])
    assert to_multikey(private_key.public_key()) == pair["publicKeyMultibase"]
    signer = Signer(ProofKey(verification_method=signed["proof"]["verificationMethod"], private_key=private_key))
    assert getattr(signer, way)(signed, created=CREATED)["proof"] == [signed["proof"]]


def test_the_signed_vectors_verify(vector):
    signed = json.loads((vector / "signedDataInt.json").read_text())
    assert verify_proof(signed, key_of) == signed["proof"]


@pytest.mark.parametrize("name", ["signedProofSet2.json", "signedProofChain1.json", "signedProofChain2.json"])
def test_sets_and_chains_of_proofs_verify_and_each_proof_counts(name):
    signed = read(name)
    assert verify_proof(signed, key_of) == signed["proof"][0]
    for position, proof in enumerate(signed["proof"]):
        changed = {**proof, "created": "2023-02-24T23:36:39Z"}
        others = [changed if at == position else other for at, other in enumerate(signed["proof"])]
        with pytest.raises(InvalidProof):
            verify_proof({**signed, "proof": others}, key_of)


def test_a_chain_without_its_beginning_is_refused():
    signed = read("signedProofChain1.json")
    with pytest.raises(InvalidProof, match="builds on an earlier one"):
        verify_proof({**signed, "proof": signed["proof"][1:][-1:]}, key_of)
