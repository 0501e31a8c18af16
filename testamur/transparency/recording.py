from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert

from testamur.db import Transaction
from testamur.openbadges.transparency import EntryKind
from testamur.transparency.tables import log_pending

_INSERT = insert(log_pending)


def record(tx: Transaction, kind: EntryKind, items: Iterable[tuple[str, str]], *, at: datetime) -> None:
    """Have this entered in the log: what was done to which subjects, each with the digest of its document.

    It comes with the transaction or not at all. All that one transaction does at once should be one call: it is one row.
    """
    pairs = list(items)
    if pairs:
        tx.execute(_INSERT, {"kind": kind, "entries": pairs, "entry_count": len(pairs), "recorded_at": at})
