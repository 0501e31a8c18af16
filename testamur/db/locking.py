"""Locks by a name that is a number, for what is done by one process at a time."""

from sqlalchemy import BigInteger, bindparam, func, select

from testamur.db.engine import Transaction

_LOCK = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger)))

# Of the same database, no two may be alike.
MIGRATING = 7_314_260_411
APPENDING_TO_LOG = 7_314_260_412


def take_lock(tx: Transaction, number: int) -> None:
    """Wait until nobody else has this lock, and keep it until the transaction ends.

    On SQLite the transaction, which must be one that writes, is such a lock itself.
    """
    if tx.dialect.name != "sqlite":
        tx.execute(_LOCK, {"number": number})
