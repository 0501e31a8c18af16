from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from testamur.db import Transaction
from testamur.openbadges.transparency import Entry, EntryKind
from testamur.transparency.model import LogHead, LogKey, LogStatus
from testamur.transparency.tables import log_entries, log_heads, log_keys, log_nodes, log_pending

_HEADS = select(*(log_heads.c[name] for name in LogHead.__struct_fields__))
_NEWEST_HEAD = _HEADS.order_by(log_heads.c.size.desc()).limit(1)
_HEAD_OF_SIZE = _HEADS.where(log_heads.c.size == bindparam("of_size"))
_HEADS_BETWEEN = _HEADS.where(log_heads.c.size > bindparam("after"), log_heads.c.size <= bindparam("until")).order_by(
    log_heads.c.size
)
_KEYS = select(*(log_keys.c[name] for name in LogKey.__struct_fields__)).order_by(
    log_keys.c.created_at.desc(), log_keys.c.origin
)
_ENTRIES = (
    select(log_entries)
    .where(log_entries.c.index >= bindparam("start"), log_entries.c.index < bindparam("end"))
    .order_by(log_entries.c.index)
)
_PENDING = select(func.coalesce(func.sum(log_pending.c.entry_count), 0), func.min(log_pending.c.recorded_at))
_ANY_PENDING = select(log_pending.c.id).limit(1)
_NEWEST = (
    select(log_entries)
    .where(log_entries.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(log_entries.c.index.desc())
    .limit(1)
)
_NEWEST_OF_SUBJECT = _NEWEST.where(log_entries.c.subject == bindparam("of_subject"))
_NEWEST_OF_DIGEST = _NEWEST.where(log_entries.c.digest == bindparam("of_digest"))
_NEWEST_OF_BOTH = _NEWEST_OF_SUBJECT.where(log_entries.c.digest == bindparam("of_digest"))
_NODES = select(log_nodes).where(log_nodes.c.position.in_(bindparam("positions", expanding=True)))


def find_head(tx: Transaction) -> LogHead | None:
    """The newest head; None before anything was entered."""
    row = tx.execute(_NEWEST_HEAD).one_or_none()
    return None if row is None else LogHead(**row._mapping)  # noqa: SLF001


def find_head_of_size(tx: Transaction, size: int) -> LogHead | None:
    """The head that was signed when the log had so many entries, if one was."""
    row = tx.execute(_HEAD_OF_SIZE, {"of_size": size}).one_or_none()
    return None if row is None else LogHead(**row._mapping)  # noqa: SLF001


def heads_between(tx: Transaction, after: int, until: int) -> list[LogHead]:
    """The heads of more than `after` entries and at most `until`, smallest first."""
    return [LogHead(**row._mapping) for row in tx.execute(_HEADS_BETWEEN, {"after": after, "until": until})]  # noqa: SLF001


def list_log_keys(tx: Transaction) -> list[LogKey]:
    """The keys that heads are or were signed with, one for each address of the server, newest first."""
    return [LogKey(**row._mapping) for row in tx.execute(_KEYS)]  # noqa: SLF001


def entries_between(tx: Transaction, start: int, end: int) -> list[tuple[int, Entry]]:
    """The entries from one index to before another, with the index that each has."""
    return [_entry(row) for row in tx.execute(_ENTRIES, {"start": start, "end": end})]


def find_entry(
    tx: Transaction, kinds: Sequence[EntryKind], *, subject: str | None = None, digest: str | None = None
) -> tuple[int, Entry] | None:
    """The newest entry of these kinds about a subject, or about a document; with both, about that document of it."""
    statement = _NEWEST_OF_DIGEST if subject is None else _NEWEST_OF_SUBJECT if digest is None else _NEWEST_OF_BOTH
    row = tx.execute(statement, {"of_subject": subject, "of_digest": digest, "kinds": kinds}).one_or_none()
    return None if row is None else _entry(row)


def read_nodes(tx: Transaction, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The nodes at these levels and indexes, as far as there are any; some thousands at once at most."""
    by_position = {position(level, index): (level, index) for level, index in places}
    rows = tx.execute(_NODES, {"positions": list(by_position)}) if places else ()
    return {by_position[at]: found for at, found in rows}


def position(level: int, index: int) -> int:
    """Leaves have even positions, and each other node has that in the middle of the leaves below it."""
    return ((2 * index + 1) << level) - 1


def is_anything_pending(tx: Transaction) -> bool:
    return tx.execute(_ANY_PENDING).one_or_none() is not None


def log_status(tx: Transaction) -> LogStatus:
    pending, since = tx.execute(_PENDING).one()
    return LogStatus(head=find_head(tx), pending=int(pending), pending_since=since, keys=list_log_keys(tx))


def _entry(row: Sequence[Any]) -> tuple[int, Entry]:
    index, kind, time, subject, digest = row
    return index, Entry(kind=kind, time=time, subject=subject, digest=digest)
