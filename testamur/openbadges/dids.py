"""Issuers as DIDs: did:web (its names, addresses and documents) and did:key.

Nothing here asks the network: `web_did_address` tells where a DID document is, and whoever fetches it does so with care.
"""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from testamur.openbadges.public_keys import InvalidKey, PublicKey, from_multikey, to_jwk, to_multikey

DID_CONTEXTS = (
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/multikey/v1",
    "https://w3id.org/security/jwk/v1",
)
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?", re.ASCII)


class InvalidDID(ValueError):
    """What should be a DID is none, or one of a method that is not known here."""


class VerificationMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A public key under its name.

    `id` is the DID and, as its fragment, the multikey or, for RSA, the `kid`. A Multikey proves embedded proofs, a
    JsonWebKey proves JWTs.
    """

    id: str
    key: PublicKey
    is_jwk: bool = False


def web_did(base_url: str, *path: str) -> str:
    """`https://example.org:8443` and `i`, `acme` as `did:web:example.org%3A8443:i:acme`.

    A path in the address itself comes first. Raises InvalidDID for an address that cannot be named so.
    """
    parts = urlsplit(base_url)
    segments = [*(segment for segment in parts.path.split("/") if segment), *path]
    if not parts.netloc or not _HOST.fullmatch(parts.netloc) or not all(map(_SEGMENT.fullmatch, segments)):
        raise InvalidDID(f"No did:web can be made of {base_url}")
    return ":".join(["did:web", quote(parts.netloc.lower(), safe=""), *segments])


def web_did_address(did: str, scheme: str = "https") -> str:
    """Where the document of a did:web is (did-method-web, section 3.2). Raises InvalidDID."""
    prefix, _, name = did.partition("did:web:")
    host, *path = name.split(":")
    host = unquote(host)
    if prefix or not _HOST.fullmatch(host) or not all(map(_SEGMENT.fullmatch, path)) or {".", ".."} & set(path):
        raise InvalidDID(f"{did} is not a did:web")
    return f"{scheme}://{host}/{'/'.join(path) if path else '.well-known'}/did.json"


def did_key(key: PublicKey) -> str:
    """The DID that is nothing but the key. It cannot be rotated."""
    return f"did:key:{to_multikey(key)}"


def key_of_did_key(did: str) -> PublicKey:
    """Raises InvalidDID."""
    prefix, _, multikey = did.partition("did:key:")
    try:
        if not prefix:
            return from_multikey(multikey)
    except InvalidKey:
        pass
    raise InvalidDID(f"{did} is not a did:key of an Ed25519 or P-256 key")


def did_document(did: str, methods: Sequence[VerificationMethod]) -> dict[str, Any]:
    """What is served for a DID: each key in `verificationMethod` and, as a plain string, in `assertionMethod`.

    Some verifiers read one of the two lists, some compare strings only: so no key is in one of them alone.
    """
    return {
        "@context": list(DID_CONTEXTS),
        "id": did,
        "verificationMethod": [_described(did, method) for method in methods],
        "assertionMethod": [method.id for method in methods],
    }


def did_key_document(did: str) -> dict[str, Any]:
    """The document that a did:key stands for. Raises InvalidDID."""
    method = VerificationMethod(id=f"{did}#{did.removeprefix('did:key:')}", key=key_of_did_key(did))
    return did_document(did, [method])


def _described(did: str, method: VerificationMethod) -> dict[str, Any]:
    if method.is_jwk:
        kid = method.id.rpartition("#")[2]
        jwk = {**to_jwk(method.key), "kid": kid}
        return {"id": method.id, "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk}
    return {"id": method.id, "type": "Multikey", "controller": did, "publicKeyMultibase": to_multikey(method.key)}
