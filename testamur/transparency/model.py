from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from testamur.openbadges.public_keys import from_jwk, to_multikey
from testamur.openbadges.transparency import log_key


class LogHead(msgspec.Struct, frozen=True, kw_only=True):
    """A tree head: how many entries it is of, its root, and both as the checkpoint that was signed."""

    size: int
    root: bytes
    checkpoint: str
    created_at: datetime


class LogKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a log of that origin signs its heads with. `public_key` is a JWK without further members."""

    origin: str
    public_key: dict[str, Any]
    sealed_private_key: str
    created_at: datetime

    def __repr__(self) -> str:
        return f"LogKey({self.verifier_key})"

    @property
    def public(self) -> Ed25519PublicKey:
        found = from_jwk(self.public_key)
        assert isinstance(found, Ed25519PublicKey)
        return found

    @property
    def verifier_key(self) -> str:
        """As tools for checkpoints take it (c2sp.org/signed-note)."""
        return log_key(self.origin, self.public)

    @property
    def multikey(self) -> str:
        return to_multikey(self.public)


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the log stands. `pending` counts what was done and is not in the tree yet."""

    head: LogHead | None
    pending: int
    pending_since: datetime | None
    keys: Sequence[LogKey]


class LogCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How far the log was looked through, the root over those entries, and the first thing that was wrong with it."""

    size: int
    root: bytes
    heads: int
    fault: str | None = None
