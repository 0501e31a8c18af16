"""Whether the master key is the one that this database was used with: asked at every start, before anything is sealed."""

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import select

from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.encryption import MasterKey
from testamur.signing_keys.tables import master_key_checks as table

_PURPOSE = "master key check"
_TEXT = "testamur"
_SEALED = select(table.c.sealed)
_RECORD = insert_if_new(table)

# Decrypts something that was sealed earlier, if there is any. Raises WrongMasterKey.
Trial = Callable[[Transaction, MasterKey], None]


def is_recorded(tx: Transaction) -> bool:
    return tx.execute(_SEALED).scalar_one_or_none() is not None


def check_master_key(tx: Transaction, master_key: MasterKey) -> None:
    """Raises WrongMasterKey. There must be something recorded."""
    master_key.decrypt(tx.execute(_SEALED).scalar_one(), _PURPOSE)


def record_master_key(tx: Transaction, master_key: MasterKey, trials: Iterable[Trial], *, at: datetime) -> None:
    """From now on this is the master key of the database, unless another process was first; then it must be the same.

    A database of earlier times has nothing recorded and may hold secrets, on which the key is tried. Raises
    WrongMasterKey.
    """
    for trial in trials:
        trial(tx, master_key)
    tx.execute(_RECORD, {"id": 1, "sealed": master_key.encrypt(_TEXT, _PURPOSE), "created_at": at})
    check_master_key(tx, master_key)
