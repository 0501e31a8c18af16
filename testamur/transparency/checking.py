"""Looking through the whole log: whether what the tables hold is what the tree heads were signed over.

Who can write to the database and holds the master key could put another log in the place of this one. It would not begin
with what earlier heads say that it begins with, so heads that are kept elsewhere tell.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from testamur.db import Transaction
from testamur.openbadges import merkle
from testamur.openbadges.merkle import Node
from testamur.openbadges.transparency import Entry, InvalidLogProof, TreeHead, entry_bytes, read_head
from testamur.transparency.model import LogCheck, LogHead, LogKey
from testamur.transparency.queries import entries_between, find_head, heads_between, list_log_keys, read_nodes

_ENTRIES_AT_ONCE = 1_000


class _Fault(Exception):
    """What is wrong with the log."""


class _Tree:
    """The tree over the entries so far, by the few nodes that it grows from."""

    def __init__(self) -> None:
        self.size = 0
        self.time = ""
        self._nodes: dict[tuple[int, int], bytes] = {}

    def root(self) -> bytes:
        return merkle.root(self._node, self.size)

    def grow(self, leaves: Sequence[bytes]) -> list[Node]:
        """The nodes that are new."""
        made = merkle.append(self._node, self.size, leaves)
        self._nodes |= {(node.level, node.index): node.hash for node in made}
        self.size += len(leaves)
        self._nodes = {place: self._nodes[place] for place in merkle.frontier(self.size)}
        return made

    def _node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]


def check_log(tx: Transaction, kept: Iterable[str] = (), *, advance: Callable[[int], None]) -> LogCheck:
    """Work out the tree anew from its entries, and compare it with all nodes and heads there are.

    `kept` are checkpoints of earlier times, which the log must agree with. `advance` is told of entries as they are
    looked at. The first fault ends it.
    """
    keys = {key.origin: key for key in list_log_keys(tx)}
    tree, heads = _Tree(), 0
    try:
        given = [_read_head(checkpoint, keys) for checkpoint in kept]
        while entries := entries_between(tx, tree.size, tree.size + _ENTRIES_AT_ONCE):
            leaves = _leaves(tx, tree, entries)
            start, end = tree.size, tree.size + len(entries)
            signed = heads_between(tx, start, end)
            roots = [(head.size, head.root, "is not the root of the entries") for head in _checked(signed, keys)]
            roots += [
                (head.size, head.root, "that you gave is not that of this log: its entries were changed since")
                for head in given
                if start < head.size <= end
            ]
            made: list[Node] = []
            for size, root, told in sorted(roots):
                made += tree.grow(leaves[tree.size - start : size - start])
                if tree.root() != root:
                    raise _Fault(f"The tree head of {size} entries {told}")
            made += tree.grow(leaves[tree.size - start :])
            _compare_nodes(tx, made)
            heads += len(signed)
            advance(len(entries))
        _check_end(tx, tree.size, given)
    except (_Fault, InvalidLogProof) as fault:
        return LogCheck(size=tree.size, root=tree.root(), heads=heads, fault=str(fault))
    return LogCheck(size=tree.size, root=tree.root(), heads=heads)


def _leaves(tx: Transaction, tree: _Tree, entries: Sequence[tuple[int, Entry]]) -> list[bytes]:
    stored = read_nodes(tx, [(0, index) for index, _ in entries])
    leaves = []
    for expected, (index, entry) in enumerate(entries, tree.size):
        if index != expected:
            raise _Fault(f"Entry {expected} is missing")
        try:
            leaves.append(merkle.leaf_hash(entry_bytes(entry)))
        except InvalidLogProof:
            raise _Fault(f"Entry {index} is none that the log could hold") from None
        if leaves[-1] != stored.get((0, index)):
            raise _Fault(f"Entry {index} is not what was entered")
        if entry.time < tree.time:
            raise _Fault(f"Entry {index} is dated before the one ahead of it")
        tree.time = entry.time
    return leaves


def _compare_nodes(tx: Transaction, made: Sequence[Node]) -> None:
    stored = read_nodes(tx, [(node.level, node.index) for node in made])
    for node in made:
        if stored.get((node.level, node.index)) != node.hash:
            raise _Fault(f"The node {node.index} of level {node.level} is not that of the entries below it")


def _checked(heads: Sequence[LogHead], keys: Mapping[str, LogKey]) -> Sequence[LogHead]:
    """Heads whose checkpoints say the same and are signed. Raises InvalidLogProof."""
    for head in heads:
        read = _read_head(head.checkpoint, keys)
        if (read.size, read.root) != (head.size, head.root):
            raise _Fault(f"The tree head of {head.size} entries has the checkpoint of another")
    return heads


def _read_head(checkpoint: str, keys: Mapping[str, LogKey]) -> TreeHead:
    """Raises InvalidLogProof."""
    origin = checkpoint.partition("\n")[0]
    if origin not in keys:
        raise InvalidLogProof(f"The log has no key for checkpoints of {origin[:100]!r}")
    return read_head(checkpoint, origin, keys[origin].public)


def _check_end(tx: Transaction, size: int, given: Sequence[TreeHead]) -> None:
    newest = find_head(tx)
    signed = 0 if newest is None else newest.size
    if signed != size:
        raise _Fault(f"The newest tree head is of {signed} entries, but there are {size}")
    largest = max((head.size for head in given), default=0)
    if largest > size:
        raise _Fault(f"A checkpoint that you gave is of {largest} entries, but there are only {size}")
