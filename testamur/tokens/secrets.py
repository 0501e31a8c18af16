"""The text of a token: `tst_`, 30 random characters, 6 characters of checksum over what stands before them."""

import re
import secrets
import string
import zlib
from hashlib import sha256

PREFIX = "tst_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 30
_CHECKSUM_LENGTH = 6
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}", re.ASCII)


def new_secret() -> str:
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _checksum(body)


def is_secret(text: str) -> bool:
    """Whether a text has the shape and the checksum of a token; it may still be unknown or revoked."""
    return bool(_SHAPE.fullmatch(text)) and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]


def hash_secret(secret: str) -> str:
    """Lower-case hex of the SHA-256, 64 characters."""
    return sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
