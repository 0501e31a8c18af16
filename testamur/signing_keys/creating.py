from datetime import datetime
from typing import get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sqlalchemy import bindparam, insert, select

from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.errors import Conflict
from testamur.openbadges.public_keys import jwk_thumbprint, to_jwk, to_multikey
from testamur.openbadges.transparency import document_digest
from testamur.signing_keys.model import Algorithm, SigningKey
from testamur.signing_keys.queries import active_of, signing_keys_of
from testamur.signing_keys.retiring import retire_superseded
from testamur.signing_keys.tables import signing_keys as table
from testamur.transparency.recording import record
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import workspaces

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
RSA_BITS = 2048

PrivateKey = Ed25519PrivateKey | RSAPrivateKey

_INSERT = insert(table)
# Rows that refer to the workspace can still be written meanwhile. SQLite has one writer at a time anyway.
_LOCK = select(workspaces.c.id).where(workspaces.c.id == bindparam("id")).with_for_update(key_share=True)


def active_key(
    tx: Transaction, workspace: Workspace, algorithm: Algorithm, *, master_key: MasterKey, at: datetime
) -> SigningKey:
    """The key to sign with at that time. Needs a transaction that writes.

    It is made if the workspace has none so far; a first RS256 key takes about a tenth of a second. Once a key that was
    rotated in is asked for, the one before it is retired.
    """
    signing = signing_keys_of(tx, workspace.id, algorithm)
    if not signing:
        # Of several processes that need the first key at once, one makes it; the others wait here and find it.
        lock_keys(tx, workspace)
        signing = signing_keys_of(tx, workspace.id, algorithm)
    key = active_of(signing, at)
    if key is None:
        return make_key(tx, workspace, algorithm, master_key=master_key, active_from=at, at=at)
    if key != signing[0]:
        retire_superseded(tx, key, at=at)
    return key


def add_keys(tx: Transaction, workspace: Workspace, *, master_key: MasterKey, at: datetime) -> None:
    """Make the keys that the workspace does not have yet, so that they are published before anything is signed."""
    for algorithm in ALGORITHMS:
        active_key(tx, workspace, algorithm, master_key=master_key, at=at)


def make_key(
    tx: Transaction,
    workspace: Workspace,
    algorithm: Algorithm,
    *,
    master_key: MasterKey,
    active_from: datetime,
    at: datetime,
) -> SigningKey:
    """A new key, beside those there are."""
    private, key_id = _new_pair(algorithm)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = SigningKey(
        workspace_id=workspace.id,
        id=key_id,
        algorithm=algorithm,
        public_key=to_jwk(private.public_key()),
        sealed_private_key=master_key.encrypt(pem, _purpose(workspace.id, key_id, algorithm)),
        created_at=at,
        active_from=active_from,
    )
    tx.execute(_INSERT, {name: getattr(key, name) for name in key.__struct_fields__})
    record(tx, "key", [(key.id, document_digest(key.public_key))], at=at)
    return key


def private_key(key: SigningKey, master_key: MasterKey) -> PrivateKey:
    """What signs. Raises Conflict if the key signs no more, WrongMasterKey if it cannot be decrypted."""
    if key.sealed_private_key is None or not key.can_sign:
        raise Conflict(f"The key {key.id} signs no more")
    pem = master_key.decrypt(key.sealed_private_key, _purpose(key.workspace_id, key.id, key.algorithm))
    # It was sealed as it was generated, and nobody can have changed it since: looking for weaknesses of RSA again would
    # take longer than signing.
    private = load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(private, Ed25519PrivateKey | RSAPrivateKey)
    return private


def lock_keys(tx: Transaction, workspace: Workspace) -> None:
    """Keep others from making or changing keys of the workspace until the transaction ends."""
    tx.execute(_LOCK, {"id": workspace.id})


def _new_pair(algorithm: Algorithm) -> tuple[PrivateKey, str]:
    if algorithm == "Ed25519":
        private = Ed25519PrivateKey.generate()
        return private, to_multikey(private.public_key())
    while True:
        rsa = generate_rsa_key(65537, RSA_BITS)
        key_id = jwk_thumbprint(rsa.public_key())
        # On the command line a name that begins with a dash would be an option.
        if not key_id.startswith("-"):
            return rsa, key_id


def _purpose(workspace_id: str, key_id: str, algorithm: Algorithm) -> str:
    """So that a row which is copied to another workspace, or renamed, cannot be decrypted there."""
    return f"signing key {workspace_id} {key_id} {algorithm}"
