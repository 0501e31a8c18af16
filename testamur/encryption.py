"""Encryption of what must be read again: secrets of webhooks, private keys.

AES-256-GCM under one master key, which comes from outside the database: from a setting, or from a file in the data
folder that the first start makes. Whoever has only the database has none of the secrets.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class WrongMasterKey(Exception):
    """What was encrypted cannot be read with this master key."""


class MasterKey:
    """Encrypts and decrypts texts. `purpose` is bound to what is encrypted, so that one cannot stand for another."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"must be {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    def encrypt(self, text: str, purpose: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), purpose.encode())
        return urlsafe_b64encode(nonce + sealed).decode()

    def decrypt(self, sealed: str, purpose: str) -> str:
        """Raises WrongMasterKey."""
        try:
            content = urlsafe_b64decode(sealed)
            return self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError):
            raise WrongMasterKey("The master key is not the one that this database was used with") from None


def parse_master_key(text: str) -> bytes:
    """32 bytes as base64. Raises ValueError."""
    try:
        key = urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be {KEY_BYTES} bytes as base64, such as openssl rand -base64 32 prints")
    return key


def load_or_make_master_key(path: Path) -> bytes:
    """The key in a file, readable by its owner only; made if there is none. Raises ValueError if it holds another thing.

    Of several processes that start at once, one makes the file: the others find it.
    """
    made = urlsafe_b64encode(os.urandom(KEY_BYTES))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made + b"\n")
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return parse_master_key(path.read_text(encoding="ascii").strip())
