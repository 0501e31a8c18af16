"""Credentials as JWT (VC-JWT of Open Badges 3.0, section 8.2): the whole credential as payload, beside five claims."""

import binascii
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from testamur.openbadges.data_integrity import InvalidProof
from testamur.openbadges.linked_data import MAX_CHARACTERS, Unsignable, inspect_document
from testamur.openbadges.public_keys import PublicKey
from testamur.openbadges.timestamps import read_timestamp

# The two that 1EdTech certifies.
Algorithm = Literal["RS256", "ES256"]

_CLAIMS = ("iss", "jti", "sub", "nbf", "exp")
_NOT_OF_THE_CREDENTIAL = {*_CLAIMS, "iat", "aud"}
_MAX_LENGTH = 2 * MAX_CHARACTERS


def to_jwt(
    document: Mapping[str, Any], key: RSAPrivateKey | EllipticCurvePrivateKey, *, kid: str, algorithm: Algorithm
) -> str:
    """The compact JWS of a credential; an embedded proof is left out.

    `kid` is the address of the key. Raises linked_data.Unsignable, and ValueError for a key of another kind.
    """
    if not _fits(key.public_key(), algorithm):
        raise ValueError(f"The key is not one for {algorithm}")
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    inspect_document(unsigned)
    claims = _claims_of(unsigned)
    for name in ("iss", "jti", "sub", "nbf"):
        if claims[name] is None:
            raise Unsignable(
                (), f"Without an id of itself, of its issuer and its subject, and validFrom, it has no {name}"
            )
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({**unsigned, **present}, key, algorithm=algorithm, headers={"kid": kid, "typ": "JWT"})


def read_jwt(text: str, key_of: Callable[[str, str], PublicKey]) -> dict[str, Any]:
    """The credential in a JWT, without the claims that repeat it. Raises InvalidProof.

    `key_of` gives the key for a `kid` and an algorithm, after making sure that it is the issuer's; it raises LookupError
    or ValueError if there is none. Whether the credential has expired is not asked here.
    """
    if len(text) > _MAX_LENGTH or not text.isascii():
        raise InvalidProof(f"A credential as JWT is ASCII of at most {_MAX_LENGTH} characters")
    header = _read(lambda: jwt.get_unverified_header(text))
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ("RS256", "ES256"):  # Not a set: it may be of a kind that has no hash.
        raise InvalidProof(f"The JWT is signed with {str(algorithm)[:50]}; RS256 and ES256 are known here")
    if not isinstance(kid, str):
        raise InvalidProof("The JWT names no key (“kid”)")
    if unknown := header.keys() & {"crit", "b64"}:
        raise InvalidProof(f"The JWT asks for what is not known here: {', '.join(sorted(unknown))}")
    key = _key(kid, algorithm, key_of)
    options: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
    payload = _read(lambda: jwt.decode(text, key, algorithms=[algorithm], options=options))
    if "vc" in payload and "@context" not in payload:
        raise InvalidProof("The JWT holds its credential as “vc”, as VC 1.1 had it; Open Badges 3.0 puts it at the top")
    _check_claims(payload)
    return {name: value for name, value in payload.items() if name not in _NOT_OF_THE_CREDENTIAL}


def _read(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return work()
    except jwt.InvalidSignatureError:
        raise InvalidProof("The signature does not fit: the JWT was changed after signing") from None
    except (jwt.PyJWTError, binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise InvalidProof(f"This is not a JWT that can be read: {error}") from None


def _key(kid: str, algorithm: str, key_of: Callable[[str, str], PublicKey]) -> RSAPublicKey | EllipticCurvePublicKey:
    try:
        key = key_of(kid, algorithm)
    except InvalidProof:
        raise
    except (LookupError, ValueError) as error:
        detail = f": {error}" if isinstance(error, ValueError) else ""
        raise InvalidProof(f"The key {kid[:200]} is not one of the issuer's{detail}") from None
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey) and _fits(key, algorithm):
        return key
    raise InvalidProof(f"The key {kid[:200]} is not one for {algorithm}")


def _fits(key: RSAPublicKey | EllipticCurvePublicKey, algorithm: str) -> bool:
    if algorithm == "RS256":
        return isinstance(key, RSAPublicKey)
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)


def _claims_of(credential: Mapping[str, Any]) -> dict[str, Any]:
    issuer, subject = credential.get("issuer"), credential.get("credentialSubject")
    return {
        "iss": issuer.get("id") if isinstance(issuer, dict) else issuer,
        "jti": credential.get("id"),
        "sub": subject.get("id") if isinstance(subject, dict) else None,
        "nbf": _seconds(credential.get("validFrom"), "validFrom"),
        "exp": _seconds(credential.get("validUntil"), "validUntil"),
    }


def _seconds(timestamp: Any, name: str) -> int | None:
    try:
        return None if timestamp is None else int(read_timestamp(timestamp).timestamp())
    except ValueError as error:
        raise Unsignable((name,), str(error)) from None


def _check_claims(payload: dict[str, Any]) -> None:
    try:
        stated = _claims_of(payload)
    except Unsignable as error:
        raise InvalidProof(str(error)) from None
    if not isinstance(payload.get("iss"), str):
        raise InvalidProof("The JWT names no issuer (“iss”)")
    for name in _CLAIMS:
        claim = payload.get(name)
        if isinstance(claim, float) and math.isfinite(claim):
            claim = int(claim)
        if claim is not None and (isinstance(claim, bool) or claim != stated[name]):
            raise InvalidProof(f"“{name}” of the JWT is not what the credential in it states")
