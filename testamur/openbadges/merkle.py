"""The Merkle tree of a log that only grows (RFC 9162, section 2.1), over nodes that somebody else keeps.

A node is the hash of a complete subtree, under its level and its index there: `(0, 5)` is the sixth leaf, `(2, 1)` the
root over leaves 4 to 7. Complete subtrees never change, so a store only ever adds nodes, at most two for each leaf; all
else is computed from a few of them. `get_node(level, index)` reads one.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

GetNode = Callable[[int, int], bytes]

EMPTY_ROOT = sha256(b"").digest()
_HASH_BYTES = 32
_SIZE_MAX = 2**63


class Node(msgspec.Struct, frozen=True):
    level: int
    index: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def append(get_node: GetNode, size: int, leaves: Sequence[bytes]) -> list[Node]:
    """The nodes to store when these leaf hashes follow a tree of `size` leaves.

    As many nodes are read as the old size has bits, at most, however many leaves there are.
    """
    made: dict[tuple[int, int], bytes] = {}
    for number, leaf in enumerate(leaves, size):
        level, index, found = 0, number, leaf
        made[level, index] = found
        while index & 1:  # A right child completes the subtree above it.
            left = made.get((level, index - 1)) or get_node(level, index - 1)
            level, index, found = level + 1, index >> 1, node_hash(left, found)
            made[level, index] = found
    return [Node(level, index, found) for (level, index), found in made.items()]


def frontier(size: int) -> list[tuple[int, int]]:
    """The largest complete subtrees that a tree of that size consists of, as level and index: all that it grows from."""
    return [(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1]


def root(get_node: GetNode, size: int) -> bytes:
    """The root hash over the first `size` leaves (section 2.1.1)."""
    return _range_hash(get_node, 0, size) if size else EMPTY_ROOT


def inclusion_path(get_node: GetNode, index: int, size: int) -> list[bytes]:
    """What proves that the leaf is in the tree of that size (section 2.1.3.1). Raises ValueError for no such leaf."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(get_node, middle, end))
            end = middle
        else:
            path.append(_range_hash(get_node, start, middle))
            start = middle
    return path[::-1]


def consistency_path(get_node: GetNode, old: int, new: int) -> list[bytes]:
    """What proves that the tree of the new size only adds to that of the old (section 2.1.4.1). Raises ValueError."""
    if not 0 <= old <= new:
        raise ValueError(f"A tree of {new} leaves does not follow one of {old}")
    if old in {0, new}:
        return []
    path = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(get_node, middle, end))
            end = middle
        else:
            path.append(_range_hash(get_node, start, middle))
            start = middle
    if start:  # The old tree itself is known to who verifies; a part of it is not.
        path.append(_range_hash(get_node, start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root_hash: bytes) -> bool:
    """Whether the path leads from the leaf hash to the root (section 2.1.3.2). Whatever is given, it raises nothing."""
    if not 0 <= index < size <= _SIZE_MAX or any(len(part) != _HASH_BYTES for part in path):
        return False
    at, last, found = index, size - 1, leaf
    for part in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(part, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, part)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root_hash


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the path leads from the one root to the other (section 2.1.4.2). Whatever is given, it raises nothing."""
    if not 0 <= old <= new <= _SIZE_MAX or any(len(part) != _HASH_BYTES for part in path):
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    # A complete old tree is a node of the new one, and left out of the path.
    first, *rest = [old_root, *path] if old & (old - 1) == 0 else [*path] or [b""]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    found_old = found_new = first
    for part in rest:
        if last == 0:
            return False
        if at & 1 or at == last:
            found_old, found_new = node_hash(part, found_old), node_hash(part, found_new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found_new = node_hash(found_new, part)
        at, last = at >> 1, last >> 1
    return last == 0 and found_old == old_root and found_new == new_root


def _split(size: int) -> int:
    """The largest power of two below `size`: how many leaves are in the left half."""
    return 1 << (size - 1).bit_length() - 1


def _range_hash(get_node: GetNode, start: int, end: int) -> bytes:
    """The root over these leaves, from complete subtrees: the largest that begins at `start`, then what is left."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(get_node(level, start >> level))
        start += 1 << level
    found = parts.pop()
    while parts:
        found = node_hash(parts.pop(), found)
    return found
