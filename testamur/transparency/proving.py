"""Proofs out of the log, for who trusts neither this server nor its database but knows the key and some tree head."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import get_args

from testamur.db import Transaction
from testamur.errors import Invalid
from testamur.openbadges import merkle
from testamur.openbadges.merkle import GetNode
from testamur.openbadges.transparency import SIGNINGS, EntryKind, LogProof, entry_bytes
from testamur.transparency.model import LogHead
from testamur.transparency.queries import find_entry, find_head, read_nodes

KINDS: tuple[EntryKind, ...] = get_args(EntryKind)


def inclusion_proof(
    tx: Transaction,
    subject: str | None = None,
    *,
    digest: str | None = None,
    kinds: Sequence[EntryKind] = SIGNINGS,
) -> LogProof | None:
    """That the newest entry of these kinds about the subject, or about the document with that digest, is in the log.

    `subject` is what entries say (`credential_subject`). With both given it is the entry about that document of the
    subject. None if there is none, which is also so for about a second after something was done.
    """
    found = find_entry(tx, kinds, subject=subject, digest=digest)
    # Looked up after the entry, so that it is of a tree that holds it.
    head = find_head(tx)
    if found is None or head is None:
        return None
    index, entry = found
    path = _path(tx, partial(merkle.inclusion_path, index=index, size=head.size))
    return LogProof(entry=entry_bytes(entry).decode(), index=index, path=path, checkpoint=head.checkpoint)


def consistency_proof(tx: Transaction, old: int, new: int, head: LogHead) -> list[str]:
    """The path, in base64, that the log with `new` entries begins with the `old` ones; `head` is a newer one or of them.

    Raises Invalid for sizes that the log did not have, or in the wrong order.
    """
    if not 0 <= old <= new <= head.size:
        raise Invalid(f"The log has {head.size} entries: old must not be larger than new, nor new than that")
    return _path(tx, partial(merkle.consistency_path, old=old, new=new))


def _path(tx: Transaction, work: Callable[[GetNode], list[bytes]]) -> list[str]:
    """What is worked out from nodes: first to learn which are asked for, then with all of them, read at once."""
    wanted: list[tuple[int, int]] = []

    def note(level: int, index: int) -> bytes:
        wanted.append((level, index))
        return b""

    work(note)
    nodes = read_nodes(tx, wanted)
    return [b64encode(part).decode() for part in work(lambda level, index: nodes[level, index])]
