"""Data Integrity proofs with the cryptosuite eddsa-rdfc-2022 (VC Data Integrity 1.0, Data Integrity EdDSA 1.0 section 3.2)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import base58
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from testamur.openbadges import linked_data, shapes
from testamur.openbadges.linked_data import Unsignable
from testamur.openbadges.multibase import to_multibase
from testamur.openbadges.public_keys import PublicKey
from testamur.openbadges.timestamps import read_timestamp, to_timestamp

CRYPTOSUITE = "eddsa-rdfc-2022"
_TYPE = "DataIntegrityProof"
_PURPOSE = "assertionMethod"
_TEXTS = {
    "id",
    "type",
    "cryptosuite",
    "created",
    "expires",
    "verificationMethod",
    "proofPurpose",
    "proofValue",
    "nonce",
}
_MEMBERS = _TEXTS | {"@context", "domain", "challenge", "previousProof"}
_MAX_PROOFS = 10
_MAX_SECONDS_KEPT = 64


class InvalidProof(ValueError):
    """Nothing proves that the document is what its issuer signed. The message tells why."""


class ProofKey(msgspec.Struct, frozen=True, kw_only=True):
    """A private key, and the address under which verifiers find the public one (`did:web:example.org:i:acme#z6Mk…`)."""

    verification_method: str
    private_key: Ed25519PrivateKey


class Signer:
    """Signs many documents with one key. Threads may share it."""

    def __init__(self, key: ProofKey) -> None:
        self.key = key
        self._options_hashes: dict[bytes, bytes] = {}

    def sign(self, document: Mapping[str, Any], *, created: datetime) -> dict[str, Any]:
        """The document with `proof`, a list of one (as 1EdTech's schema wants it) that replaces an earlier one.

        Raises linked_data.Unsignable, and ValueError for a time without a zone.
        """
        return self._signed(_without_proof(document), created, shapes.canonical_form, self._options_hash)

    def sign_many(self, documents: Sequence[Mapping[str, Any]], *, created: datetime) -> list[dict[str, Any]]:
        """What `sign` gives for each, faster if they were made together and so say much the same.

        Raises what `sign` would raise for the first that cannot be signed.
        """
        unsigned = [_without_proof(document) for document in documents]
        forms = shapes.canonical_forms(unsigned)
        return [self._signed(each, created, lambda _: next(forms), self._options_hash) for each in unsigned]

    def sign_fully(self, document: Mapping[str, Any], *, created: datetime) -> dict[str, Any]:
        """The same as `sign`, without anything remembered between documents: what the fast way is measured against."""
        canonical_form = linked_data.canonical_form
        return self._signed(
            _without_proof(document), created, canonical_form, lambda options: _sha256(canonical_form(options))
        )

    def _signed(
        self,
        unsigned: dict[str, Any],
        created: datetime,
        canonical_form: Callable[[dict[str, Any]], str],
        options_hash: Callable[[dict[str, Any]], bytes],
    ) -> dict[str, Any]:
        options = {
            "type": _TYPE,
            "cryptosuite": CRYPTOSUITE,
            "created": to_timestamp(created),
            "verificationMethod": self.key.verification_method,
            "proofPurpose": _PURPOSE,
        }
        content = _sha256(canonical_form(unsigned))
        hashed = options_hash({"@context": unsigned.get("@context"), **options}) + content
        return {**unsigned, "proof": [{**options, "proofValue": to_multibase(self.key.private_key.sign(hashed))}]}

    def _options_hash(self, options: dict[str, Any]) -> bytes:
        """In bulk, all documents of a second have the same options."""
        key = msgspec.json.encode(options)
        found = self._options_hashes.get(key)
        if found is None:
            if len(self._options_hashes) >= _MAX_SECONDS_KEPT:
                self._options_hashes.clear()
            found = self._options_hashes[key] = _hash_of_options(options)
        return found


def verify_proof(
    document: Mapping[str, Any], key_of: Callable[[str], PublicKey], *, at: datetime | None = None
) -> Mapping[str, Any]:
    """The proof of the document that holds, the first if there are several. Raises InvalidProof.

    `key_of` gives the key of a verificationMethod, after making sure that its controller is the document's issuer and
    lists it in assertionMethod; it raises LookupError or ValueError if there is none. Of a set of proofs, those of
    cryptosuites that are not known here are passed over, and all others must hold. `at` is needed for proofs that expire.
    """
    proofs = _proofs_of(document)
    known = [proof for proof in proofs if proof.get("type") == _TYPE and proof.get("cryptosuite") == CRYPTOSUITE]
    if not known:
        names = ", ".join(_name(proof.get("cryptosuite") or proof.get("type")) for proof in proofs)
        raise InvalidProof(f"The document is proved by {names}, which is not known here; {CRYPTOSUITE} is")
    unsigned = _without_proof(document)
    for proof in known:
        _check_members(proof, at)
        earlier = [_named(proofs, name) for name in _as_list(proof.get("previousProof", []))]
        try:
            content = shapes.canonical_form({**unsigned, "proof": earlier} if earlier else unsigned, minting=False)
            options = {name: value for name, value in proof.items() if name != "proofValue"}
            hashed = _hash_of_options({**options, "@context": document.get("@context")}, minting=False) + _sha256(
                content
            )
        except Unsignable as error:
            raise InvalidProof(f"What was signed cannot be told. {error}") from None
        try:
            _key(proof["verificationMethod"], key_of).verify(_signature(proof["proofValue"]), hashed)
        except InvalidSignature:
            raise InvalidProof(
                "The signature does not fit: the document or its proof was changed after signing"
            ) from None
    return known[0]


def _without_proof(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "proof"}


def _proofs_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not isinstance(document, dict):
        raise InvalidProof("This is not a JSON object")
    proofs = _as_list(document.get("proof", []))
    if not proofs:
        raise InvalidProof("The document has no proof")
    if len(proofs) > _MAX_PROOFS or not all(isinstance(proof, dict) for proof in proofs):
        raise InvalidProof(f"“proof” must be an object, or a list of at most {_MAX_PROOFS}")
    return proofs


def _check_members(proof: dict[str, Any], at: datetime | None) -> None:
    for name, value in proof.items():
        if name not in _MEMBERS:
            raise InvalidProof(f"The proof has a member that proofs do not have: {_name(name)}")
        if name in _TEXTS and not isinstance(value, str):
            raise InvalidProof(f"“{name}” of the proof must be a text")
    for name in ("verificationMethod", "proofPurpose", "proofValue"):
        if name not in proof:
            raise InvalidProof(f"The proof has no “{name}”")
    if proof["proofPurpose"] != _PURPOSE:
        raise InvalidProof(
            f"The proof was made for {_name(proof['proofPurpose'])}, not to state what the document states"
        )
    for name in {"created", "expires"} & proof.keys():
        try:
            stated = read_timestamp(proof[name])
        except ValueError as error:
            raise InvalidProof(f"“{name}” of the proof: {error}") from None
        if name == "expires" and (at is None or at >= stated):
            raise InvalidProof(
                f"The proof expired at {proof[name]}" if at else "The proof expires, and no time was given"
            )


def _named(proofs: list[dict[str, Any]], name: Any) -> dict[str, Any]:
    for proof in proofs:
        if isinstance(name, str) and proof.get("id") == name:
            return proof
    raise InvalidProof("The proof builds on an earlier one that is not there")


def _key(method: str, key_of: Callable[[str], PublicKey]) -> Ed25519PublicKey:
    try:
        key = key_of(method)
    except InvalidProof:
        raise
    except (LookupError, ValueError) as error:
        detail = f": {error}" if isinstance(error, ValueError) else ""
        raise InvalidProof(f"The key {_name(method)} is not one of the issuer's{detail}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidProof(f"The key {_name(method)} is not an Ed25519 key, as {CRYPTOSUITE} demands")
    return key


def _signature(value: str) -> bytes:
    try:
        signature = base58.b58decode(value[1:]) if value.startswith("z") and len(value) < 100 else b""
    except ValueError:
        signature = b""
    if len(signature) != 64:
        raise InvalidProof("“proofValue” is not a signature: z and 64 bytes in base58")
    return signature


def _hash_of_options(options: dict[str, Any], *, minting: bool = True) -> bytes:
    return _sha256(shapes.canonical_form(options, minting=minting))


def _sha256(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(value: Any) -> str:
    return value[:200] if isinstance(value, str) else f"something that is no text ({type(value).__name__})"
