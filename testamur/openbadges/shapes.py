"""The canonical form of documents that differ in their texts only, many times as fast as by the whole algorithm.

Documents of one *shape* (same members, types and contexts, lists of the same length) have the same quads but for the
texts. So the first of a shape goes through the whole algorithm with a marker in place of each text, and what comes out is
a template for all others. Where a text could change more than its own place (it is a term of a context, a relative
address, two blank nodes come out alike), the whole algorithm decides: the result is always the same, byte for byte.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from operator import itemgetter
from threading import Lock
from typing import Any

import msgspec

from testamur.openbadges import linked_data
from testamur.openbadges.contexts import PINNED
from testamur.openbadges.linked_data import (
    ASTRAL,
    MAX_CHARACTERS,
    SAFE_INTEGERS,
    SPECIAL,
    Path,
    Unsignable,
    escaped,
    find_unprintable,
    orders_agree,
)

_MAX_SHAPES = 256
_MAX_TEXTS, _MAX_CHARACTERS = 500, MAX_CHARACTERS // 2
_MAX_KEY, _MAX_KEY_CHARACTERS = 4_000, 20_000
_MAX_DEPTH = 20

# Members whose text is, or may be, a term of a context: their values make the shape.
_TERMS = {"type", "proofPurpose"}
_OPEN, _CLOSE, _LIST, _END, _TEXT = range(5)

_MARKER = re.compile(r"(urn:x-slot:\d+:z|_:c14n\d+)")
_RESERVED = re.compile("urn:x-slot:|_:c14n|[\U00010000-\U0010ffff]")
# A text of this type is not taken as it stands.
_CONVERTED = re.compile(r'"\^\^<[^>]*#(?:JSON|double|HTML|XMLLiteral)>')
# Addresses that no context and no base can change, as long as no text holds U+0000; those beyond ASCII are left to the whole algorithm.
_PATH = r"[A-Za-z0-9._~!$&'()*+,;=:@/?-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)*"
_ADDRESS = (
    rf"(?:https?://[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?(?:[/?]{_PATH})?|(?:urn:[a-z0-9]+|did:[a-z0-9]+|mailto|data):{_PATH})"
    rf"(?:#{_PATH})?"
)
_ADDRESSES = re.compile(rf"(?:{_ADDRESS}(?:\x00{_ADDRESS})*)?", re.ASCII)


class _Shape(msgspec.Struct, frozen=True):
    """The template: `constants` and then the texts of a document are the pieces that the getters put in their order."""

    constants: tuple[str, ...]
    lines: Callable[[list[str]], tuple[str, ...]]
    # Per blank node the quads that RDFC-1.0 hashes for it, as lines, and how many of them are different in the template.
    blank_nodes: Callable[[list[str]], tuple[str, ...]]
    different: tuple[int, ...]
    addresses: Callable[[list[str]], tuple[str, ...]]

    def canonical_form(self, texts: list[str], *, minting: bool) -> str | None:
        """None if only the whole algorithm can tell."""
        together = " ".join(texts)
        if len(together) > _MAX_CHARACTERS or find_unprintable(together):
            return None
        if not _ADDRESSES.fullmatch("\0".join(self.addresses(texts))):
            return None
        if SPECIAL.search(together):
            texts = [escaped(text) for text in texts]
        pieces = [*texts, *self.constants]
        if self.different:
            labels = self._labels(pieces)
            if labels is None:
                return None
            pieces += labels
        lines = sorted(set("".join(self.lines(pieces)).split("\n")))
        if minting and ASTRAL.search(together) and not orders_agree(lines):
            return None
        return "\n".join([*lines, ""])

    def _labels(self, pieces: list[str]) -> list[str] | None:
        """RDFC-1.0, section 4.4.3, for blank nodes whose quads all differ."""
        hashes = []
        described = "".join(self.blank_nodes(pieces)).split("\n\n")
        for text, different in zip(described, self.different, strict=True):
            lines = text.split("\n")
            # Two quads that have become the same would count once.
            if len(set(lines)) != different:
                return None
            lines.sort()
            hashes.append(sha256("\n".join([*lines, ""]).encode()).hexdigest())
        ranks = {digest: f"_:c14n{rank}" for rank, digest in enumerate(sorted(hashes))}
        return [ranks[digest] for digest in hashes] if len(ranks) == len(hashes) else None


_lock = Lock()
_shapes: OrderedDict[tuple[object, ...], _Shape | None] = OrderedDict()


def canonical_form(document: Mapping[str, Any], *, minting: bool = True) -> str:
    """What `linked_data.canonical_form` gives, for documents of which another of the same shape was here before, fast.

    Raises Unsignable.
    """
    key: list[object] = [minting]
    texts: list[str] = []
    if isinstance(document, dict) and _read(document, key, texts, 0):
        shape = _shape(tuple(key), document, minting=minting)
        found = shape.canonical_form(texts, minting=minting) if shape else None
        if found is not None:
            return found
    return linked_data.canonical_form(document, minting=minting)


def _read(members: dict[str, Any], key: list[object], texts: list[str], depth: int) -> bool:
    """Takes a document apart into its shape and its texts. False for what has no shape that is worth keeping."""
    if depth > _MAX_DEPTH or len(texts) > _MAX_TEXTS or len(key) > _MAX_KEY:
        return False
    key.append(_OPEN)
    for name, value in members.items():
        if type(name) is not str:
            return False
        key.append(name)
        if name in _TERMS or name[:1] == "@":
            parts = value if type(value) is list else [value]
            if not all(type(part) is str for part in parts):
                return False
            if name[:1] == "@" and (name != "@context" or not PINNED.keys() >= set(parts)):
                return False
            key.append(tuple(parts))
        elif type(value) is str:
            key.append(_TEXT)
            texts.append(value)
        elif not _read_value(value, key, texts, depth):
            return False
    key.append(_CLOSE)
    return True


def _read_value(value: Any, key: list[object], texts: list[str], depth: int) -> bool:
    kind = type(value)
    if kind is str:
        key.append(_TEXT)
        texts.append(value)
    elif kind is dict:
        return _read(value, key, texts, depth + 1)
    elif kind is list:
        key.append(_LIST)
        for element in value:
            if depth > _MAX_DEPTH or not _read_value(element, key, texts, depth + 1):
                return False
        key.append(_END)
    elif kind is bool or kind is float or (kind is int and abs(value) < SAFE_INTEGERS):
        # Not the value itself, since 1, 1.0 and True are the same key.
        key.append((kind, repr(value)))
    else:
        return False
    return True


def _shape(key: tuple[object, ...], document: dict[str, Any], *, minting: bool) -> _Shape | None:
    with _lock:
        if key in _shapes:
            _shapes.move_to_end(key)
            return _shapes[key]
    words = [part for item in key for part in (item if isinstance(item, tuple) else (item,)) if isinstance(part, str)]
    if sum(map(len, words)) > _MAX_KEY_CHARACTERS or any(map(_RESERVED.search, words)):
        return None
    try:
        shape = _compiled(document, minting=minting)
    except Unsignable:
        # It is better said about the document as it is than as it was marked.
        linked_data.canonical_form(document, minting=minting)
        if minting:
            raise
        shape = None
    with _lock:
        _shapes[key] = shape
        while len(_shapes) > _MAX_SHAPES:
            _shapes.popitem(last=False)
    return shape


def _compiled(document: dict[str, Any], *, minting: bool) -> _Shape | None:
    paths: list[Path] = []
    marked = _marked(document, (), paths)
    lines = linked_data.canonical_form(marked, minting=minting).split("\n")[:-1]
    parts = [_MARKER.split(line) for line in lines]
    addresses = set()
    signed = set()
    for line in parts:
        for at in range(1, len(line), 2):
            if line[at].startswith("_:"):
                continue
            slot = _slot(line[at])
            before, after = line[at - 1][-1:], line[at + 1]
            signed.add(slot)
            if before == "<" and after[:1] == ">":
                addresses.add(slot)
            elif before != '"' or after[:1] != '"' or _CONVERTED.match(after):
                return None
    if unsigned := set(range(len(paths))) - signed:
        if minting:
            raise Unsignable(paths[min(unsigned)], "No signature would cover this: leave it out")
        return None
    return _template(parts, len(paths), sorted(addresses))


def _template(parts: list[list[str]], count: int, addresses: list[int]) -> _Shape:
    labels = sorted({part for line in parts for part in line[1::2] if part.startswith("_:")})
    constants: dict[str, int] = {}

    def constant(text: str) -> int:
        return constants.setdefault(text, count + len(constants))

    def placed(line: list[str], named: Mapping[str, int]) -> list[int]:
        """The positions of the line's pieces among texts, constants and labels."""
        pieces = [part for part in line if part]
        return [
            _slot(part) if part.startswith("urn:x-slot:") else named[part] if part in named else constant(part)
            for part in pieces
        ]

    blank_nodes: list[int] = []
    different = []
    for label in labels:
        named = {other: constant("_:a" if other == label else "_:z") for other in labels}
        hidden = [placed(line, named) for line in parts if label in line[1::2]]
        different.append(len({tuple(line) for line in hidden}))
        blank_nodes += [constant("\n\n")] if blank_nodes else []
        blank_nodes += _joined(hidden, constant("\n"))
    # Labels come after the constants, of which there are more until all lines are placed.
    lines = _joined(
        [placed(line, {label: -1 - at for at, label in enumerate(labels)}) for line in parts], constant("\n")
    )
    lines = [at if at >= 0 else count + len(constants) - 1 - at for at in lines]
    return _Shape(tuple(constants), _getter(lines), _getter(blank_nodes), tuple(different), _getter(addresses))


def _joined(lines: list[list[int]], between: int) -> list[int]:
    return [at for number, line in enumerate(lines) for at in ([between] if number else []) + line]


def _getter(positions: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda pieces: tuple(pieces[at] for at in positions)


def _slot(marker: str) -> int:
    return int(marker.split(":")[2])


def _marked(value: Any, path: Path, paths: list[Path]) -> Any:
    """The document with a marker for each text, in the order in which `_read` takes them."""
    if isinstance(value, dict):
        return {
            name: inner if name in _TERMS or name == "@context" else _marked(inner, (*path, name), paths)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_marked(inner, (*path, position), paths) for position, inner in enumerate(value)]
    if isinstance(value, str):
        paths.append(path)
        return f"urn:x-slot:{len(paths) - 1}:z"
    return value
