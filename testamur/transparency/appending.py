"""From what was recorded to the tree: whoever does this has the whole log to themselves meanwhile.

All of a batch is one transaction, so what is cut off has not happened, and is done by the next.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.db.locking import APPENDING_TO_LOG, take_lock
from testamur.encryption import MasterKey
from testamur.errors import Conflict
from testamur.openbadges import merkle
from testamur.openbadges.timestamps import to_timestamp
from testamur.openbadges.transparency import Entry, TreeHead, entry_bytes, signed_head
from testamur.transparency.keys import find_log_key, log_private_key, make_log_key
from testamur.transparency.queries import entries_between, find_head, is_anything_pending, position, read_nodes
from testamur.transparency.tables import log_entries, log_heads, log_nodes, log_pending

# In one transaction, in which others on SQLite cannot write.
ENTRIES_MAX = 1_000

_OLDEST = select(log_pending.c.id, log_pending.c.entry_count).order_by(log_pending.c.id).limit(ENTRIES_MAX)
_TAKE = (
    delete(log_pending)
    .where(log_pending.c.id.in_(bindparam("ids", expanding=True)))
    .returning(log_pending.c.id, log_pending.c.kind, log_pending.c.entries)
)
_INSERT_HEAD = insert(log_heads)


def is_append_due(tx: Transaction, origin: str) -> bool:
    """Whether `append_pending` would do anything."""
    return is_anything_pending(tx) or find_log_key(tx, origin) is None


def append_pending(tx: Transaction, *, origin: str, master_key: MasterKey, at: datetime) -> int:
    """Enter what was recorded, the oldest first, and sign the new head; how many entries, which is 0 when none waits.

    When they are ENTRIES_MAX or more, others may wait for the next transaction. Needs one that writes. Raises WrongMasterKey, and
    Conflict if somebody has meddled with the tables so that nothing can be added.
    """
    take_lock(tx, APPENDING_TO_LOG)
    key = find_log_key(tx, origin) or make_log_key(tx, origin, master_key=master_key, at=at)
    head = find_head(tx)
    old_size = 0 if head is None else head.size
    entries = list(_take(tx, _time(tx, old_size, at)))
    if not entries:
        return 0
    nodes = read_nodes(tx, merkle.frontier(old_size))

    def node(level: int, index: int) -> bytes:
        return nodes[level, index]

    made = merkle.append(node, old_size, [merkle.leaf_hash(entry_bytes(entry)) for entry in entries])
    nodes |= {(each.level, each.index): each.hash for each in made}
    size = old_size + len(entries)
    new = TreeHead(origin=origin, size=size, root=merkle.root(node, size))
    rows = [{"index": index, **msgspec.structs.asdict(entry)} for index, entry in enumerate(entries, old_size)]
    node_rows = [{"position": position(each.level, each.index), "hash": each.hash} for each in made]
    written = insert_many(tx, log_entries, rows) + insert_many(tx, log_nodes, node_rows)
    if written != len(entries) + len(made):
        raise Conflict("The log holds more than its newest head tells; testamur log verify says what is wrong")
    checkpoint = signed_head(new, log_private_key(key, master_key))
    tx.execute(_INSERT_HEAD, {"size": size, "root": new.root, "checkpoint": checkpoint, "created_at": at})
    return len(entries)


def _take(tx: Transaction, time: str) -> Iterator[Entry]:
    """What waits longest, as entries of that time, and no more of it than is done at once."""
    ids: list[int] = []
    count = 0
    for row_id, entry_count in tx.execute(_OLDEST).all():
        ids.append(row_id)
        count += entry_count
        if count >= ENTRIES_MAX:
            break
    for _, kind, pairs in sorted(tx.execute(_TAKE, {"ids": ids}).all()) if ids else ():
        for subject, digest in pairs:
            yield Entry(kind=kind, time=time, subject=subject, digest=digest)


def _time(tx: Transaction, size: int, at: datetime) -> str:
    """Now, or when the entry before was made, if that was by a clock ahead of this one."""
    return max([to_timestamp(at), *(entry.time for _, entry in entries_between(tx, size - 1, size))])
