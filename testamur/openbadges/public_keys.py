"""Public keys as others write them: Multikey (Controlled Identifiers 1.0, section 2.2.2) and JWK (RFC 7517)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import base58
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testamur.openbadges.multibase import to_multibase

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

_ED25519 = b"\xed\x01"
_P256 = b"\x80\x24"
_COORDINATE_BYTES = 32
_RSA_BITS_MIN, _RSA_BITS_MAX = 2048, 8192


class InvalidKey(ValueError):
    """What should be a public key is none, or one of a kind that nobody here can use."""


def to_multikey(key: PublicKey) -> str:
    """`z6Mk…` for Ed25519, `zDna…` for P-256. Raises InvalidKey for keys that have no such form here."""
    if isinstance(key, Ed25519PublicKey):
        return to_multibase(_ED25519 + key.public_bytes_raw())
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return to_multibase(_P256 + point)
    raise InvalidKey("Only Ed25519 and P-256 keys are written as a multikey")


def from_multikey(text: str) -> Ed25519PublicKey | EllipticCurvePublicKey:
    """The key that `publicKeyMultibase`, or a did:key, holds. Raises InvalidKey."""
    if not text.startswith("z") or len(text) > 100:
        raise InvalidKey("A multikey begins with z, for base58")
    try:
        content = base58.b58decode(text[1:])
        if content.startswith(_ED25519):
            return Ed25519PublicKey.from_public_bytes(content[2:])
        if content.startswith(_P256):
            return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), content[2:])
    except ValueError as error:
        raise InvalidKey(f"Not a multikey: {error}") from None
    raise InvalidKey("The multikey is of a kind other than Ed25519 and P-256")


def to_jwk(key: PublicKey) -> dict[str, str]:
    """The members of a JWK that are the key itself; `kid`, `alg` and `use` are the caller's."""
    if isinstance(key, Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": _encoded(key.public_bytes_raw())}
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _encoded(_bytes_of(numbers.n)), "e": _encoded(_bytes_of(numbers.e))}
    if not isinstance(key.curve, SECP256R1):
        raise InvalidKey("Of elliptic curves, only P-256 is used")
    point = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _encoded(point.x.to_bytes(_COORDINATE_BYTES, "big")),
        "y": _encoded(point.y.to_bytes(_COORDINATE_BYTES, "big")),
    }


def from_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """Raises InvalidKey."""
    try:
        match jwk.get("kty"), jwk.get("crv"):
            case "OKP", "Ed25519":
                return Ed25519PublicKey.from_public_bytes(_decoded(jwk["x"]))
            case "EC", "P-256":
                return EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), SECP256R1()).public_key()
            case "RSA", None:
                modulus = _number(jwk["n"])
                if not _RSA_BITS_MIN <= modulus.bit_length() <= _RSA_BITS_MAX:
                    raise InvalidKey(f"An RSA key must have {_RSA_BITS_MIN} to {_RSA_BITS_MAX} bits")
                return RSAPublicNumbers(_number(jwk["e"]), modulus).public_key()
    except InvalidKey:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidKey(f"Not a JWK: {error}") from None
    raise InvalidKey("The JWK is of a kind other than Ed25519, P-256 and RSA")


def jwk_thumbprint(key: PublicKey) -> str:
    """The SHA-256 of the key's required members, as base64url: a name that follows from the key (RFC 7638)."""
    return _encoded(sha256(msgspec.json.encode(to_jwk(key), order="deterministic")).digest())


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _bytes_of(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")
