from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

Algorithm = Literal["Ed25519", "RS256"]
KeyState = Literal["active", "next", "superseded", "retired", "compromised"]

# How long others may keep a DID document. A new key signs only after this time, so that nobody who has an older
# document meets a signature of a key that is not in it.
DOCUMENT_CACHE = timedelta(hours=1)


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of keys. `public_key` is the JWK without further members; the private part is gone once it is retired."""

    workspace_id: str
    id: str
    algorithm: Algorithm
    public_key: dict[str, Any]
    sealed_private_key: str | None
    created_at: datetime
    active_from: datetime
    retired_at: datetime | None = None
    compromised_at: datetime | None = None
    reason: str | None = None

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm} {self.id} of {self.workspace_id})"

    @property
    def can_sign(self) -> bool:
        """Whether it may be signed with, now or once its time has come."""
        return self.retired_at is None and self.compromised_at is None


class JwtKey(msgspec.Struct, frozen=True):
    """The public part of an RS256 key, whose it is, and a DID that its owner signed under, if there is one."""

    id: str
    public_key: dict[str, Any]
    slug: str
    did: str | None
