"""What others get to see of keys: in a DID document, and as a JWK by itself."""

from collections.abc import Iterable
from typing import Any

from testamur.openbadges.dids import VerificationMethod
from testamur.openbadges.public_keys import from_jwk
from testamur.signing_keys.model import JwtKey, SigningKey


def verification_methods(did: str, keys: Iterable[SigningKey]) -> list[VerificationMethod]:
    """The keys under the names they have in a DID's document.

    Retired ones are there, because what they signed goes on verifying, and so are those that will sign. Compromised ones
    are not: some verifiers look only whether a key is there at all.
    """
    return [
        VerificationMethod(id=f"{did}#{key.id}", key=from_jwk(key.public_key), is_jwk=key.algorithm == "RS256")
        for key in keys
        if key.compromised_at is None
    ]


def public_jwk(key: SigningKey) -> dict[str, Any]:
    """The public key as a JWK that tells its name and, if it signs JWTs, its algorithm (RFC 7517, section 4)."""
    if key.algorithm == "RS256":
        return jwt_jwk(key)
    return {**key.public_key, "kid": key.id, "use": "sig"}


def jwt_jwk(key: SigningKey | JwtKey) -> dict[str, Any]:
    """The same of an RS256 key."""
    return {**key.public_key, "kid": key.id, "alg": "RS256", "use": "sig"}
