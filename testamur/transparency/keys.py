"""The key that the server signs tree heads with."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sqlalchemy import bindparam, insert, select

from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.openbadges.public_keys import to_jwk
from testamur.openbadges.transparency import document_digest
from testamur.transparency.model import LogKey
from testamur.transparency.recording import record
from testamur.transparency.tables import log_keys

_INSERT = insert(log_keys)
_OF_ORIGIN = select(*(log_keys.c[name] for name in LogKey.__struct_fields__)).where(
    log_keys.c.origin == bindparam("of_origin")
)


def log_origin(base_url: str) -> str:
    """What the log of a server at that address is called (c2sp.org/tlog-checkpoint): the address without its scheme."""
    return f"{base_url.partition('://')[2]}/log"


def find_log_key(tx: Transaction, origin: str) -> LogKey | None:
    row = tx.execute(_OF_ORIGIN, {"of_origin": origin}).one_or_none()
    return None if row is None else LogKey(**row._mapping)  # noqa: SLF001


def make_log_key(tx: Transaction, origin: str, *, master_key: MasterKey, at: datetime) -> LogKey:
    """A first key for a log of that origin, which the log enters like any other key. Only who appends may make it."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = LogKey(
        origin=origin,
        public_key=to_jwk(private.public_key()),
        sealed_private_key=master_key.encrypt(pem, _purpose(origin)),
        created_at=at,
    )
    tx.execute(_INSERT, {name: getattr(key, name) for name in key.__struct_fields__})
    record(tx, "key", [(key.multikey, document_digest(key.public_key))], at=at)
    return key


def log_private_key(key: LogKey, master_key: MasterKey) -> Ed25519PrivateKey:
    """Raises WrongMasterKey."""
    pem = master_key.decrypt(key.sealed_private_key, _purpose(key.origin))
    private = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    return private


def _purpose(origin: str) -> str:
    return f"log key {origin}"
