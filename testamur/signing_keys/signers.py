"""What signs for a workspace, made ready once: the keys need not be decrypted for each credential."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.openbadges.data_integrity import ProofKey, Signer
from testamur.openbadges.jwt_credentials import to_jwt
from testamur.signing_keys.creating import active_key, private_key
from testamur.workspaces.issuer_identities import issuer_did
from testamur.workspaces.model import Workspace

_KEPT = 1000
# Clocks differ: a verifier whose clock is late must not find a signature of the future.
CLOCK_SKEW = timedelta(minutes=1)


class IssuerSigner(msgspec.Struct, frozen=True):
    """An issuer, by the DID that it signs under, and what signs for it."""

    did: str
    key_id: str
    signer: Signer

    def sign(self, document: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        """The document with its proof, dated a little back. Raises Unsignable."""
        return self.signer.sign(document, created=at - CLOCK_SKEW)


class Signers:
    """The signers of all workspaces of a server at that address. Threads may share it."""

    def __init__(self, base_url: str, master_key: MasterKey) -> None:
        self.base_url = base_url
        self.master_key = master_key
        self._made: dict[str, Signer] = {}

    def of(self, tx: Transaction, workspace: Workspace, *, did: str | None = None, at: datetime) -> IssuerSigner:
        """What signs for the workspace now; its first key is made if it has none. Needs a transaction that writes.

        `did` is one that the workspace signed under before, for what was begun under it; else it is the one of now.

        Which key that is, is looked up each time, so that one that was compromised a moment ago is not used any more.
        Raises WrongMasterKey if it cannot be decrypted.
        """
        did = did or issuer_did(tx, workspace, self.base_url, at=at)
        key = active_key(tx, workspace, "Ed25519", master_key=self.master_key, at=at)
        method = f"{did}#{key.id}"
        signer = self._made.get(method)
        if signer is None:
            private = private_key(key, self.master_key)
            assert isinstance(private, Ed25519PrivateKey)
            signer = Signer(ProofKey(verification_method=method, private_key=private))
            if len(self._made) >= _KEPT:
                self._made.clear()
            self._made[method] = signer
        return IssuerSigner(did, key.id, signer)

    def sign_jwt(
        self, tx: Transaction, workspace: Workspace, document: Mapping[str, Any], *, did: str, at: datetime
    ) -> str:
        """The document as a JWT (RS256) under the DID that it names as its issuer. Needs a transaction that writes.

        Raises Unsignable.
        """
        key = active_key(tx, workspace, "RS256", master_key=self.master_key, at=at)
        private = private_key(key, self.master_key)
        assert isinstance(private, RSAPrivateKey)
        return to_jwt(document, private, kid=f"{did}#{key.id}", algorithm="RS256")
