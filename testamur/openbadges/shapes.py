"""The canonical form of documents that differ in their texts only, many times as fast as by the whole algorithm.

Documents of one *shape* (same members, types and contexts, lists of the same length) have the same quads but for the
texts. So the first of a shape goes through the whole algorithm with a marker in place of each text, and what comes out is
a template for all others. Where a text could change more than its own place (it is a term of a context, a relative
address, two blank nodes come out alike), the whole algorithm decides: the result is always the same, byte for byte.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
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

# Members whose text is, or may be, a term of a context, or names contexts: their values make the shape.
_TERMS = {"type", "proofPurpose", "@context"}
# In a shape, a member's name that nothing stands behind has a text; in a list, each text is marked.
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


# Of a line: text that stands, the place of a text (from 0), or a blank node (from -1 downwards).
_Piece = str | int


class _Template(msgspec.Struct, frozen=True):
    """`constants` and then the texts of a document are the pieces that the getters put in their order."""

    texts: Callable[[list[str]], tuple[str, ...]]
    constants: tuple[str, ...]
    lines: Callable[[list[str]], tuple[str, ...]]
    # Lines without any of the texts, in order.
    fixed_lines: tuple[str, ...]
    # Per blank node what RDFC-1.0 hashes it to if no text is in that, and how many quads it has that are different.
    nodes: tuple[tuple[str | None, int], ...]
    # The quads of the others, as lines.
    blank_nodes: Callable[[list[str]], tuple[str, ...]]
    addresses: Callable[[list[str]], tuple[str, ...]]
    # Of the texts that were made constant.
    characters: int = 0
    has_astral: bool = False

    def canonical_form(self, all_texts: list[str], *, minting: bool) -> str | None:
        """None if only the whole algorithm can tell."""
        texts = self.texts(all_texts)
        together = " ".join(texts)
        # What is printable holds nothing that must be looked for, and to ask so takes a tenth of the time.
        is_printable = together.isprintable()
        if self.characters + len(together) > _MAX_CHARACTERS or not (is_printable or not find_unprintable(together)):
            return None
        pieces = [*texts, *self.constants]
        if not _ADDRESSES.fullmatch("\0".join(self.addresses(pieces))):
            return None
        if not is_printable or '"' in together or "\\" in together:
            pieces[: len(texts)] = map(escaped, texts)
        if self.nodes:
            labels = self._labels(pieces)
            if labels is None:
                return None
            pieces += labels
        lines = [*self.fixed_lines]
        if opened := "".join(self.lines(pieces)):
            lines += opened.split("\n")
        different = set(lines)
        if len(different) != len(lines):
            lines = [*different]
        lines.sort()
        has_astral = self.has_astral or not (together.isascii() or not ASTRAL.search(together))
        if minting and has_astral and not orders_agree(lines):
            return None
        return "\n".join([*lines, ""])

    def _labels(self, pieces: list[str]) -> list[str] | None:
        """RDFC-1.0, section 4.4.3, for blank nodes whose quads all differ."""
        described = iter("".join(self.blank_nodes(pieces)).split("\n\n"))
        hashes = [known or _hash_of_node(next(described).split("\n"), different) for known, different in self.nodes]
        ranks = {digest: f"_:c14n{rank}" for rank, digest in enumerate(sorted(filter(None, hashes)))}
        return [ranks[digest] for digest in hashes if digest] if len(ranks) == len(hashes) else None


def _hash_of_node(lines: list[str], different: int) -> str | None:
    """None if two quads have become the same, which would count once."""
    if len(set(lines)) != different:
        return None
    lines.sort()
    return sha256("\n".join([*lines, ""]).encode()).hexdigest()


class _Shape(msgspec.Struct, frozen=True):
    """The quads of a shape, which of its texts are addresses, and the template for any texts."""

    quads: list[list[_Piece]]
    count: int
    addresses: frozenset[int]
    template: _Template

    def narrowed(self, documents: list[list[str]]) -> _Template | None:
        """The template for these texts only, in which those that are the same in all documents are constant.

        None if only the whole algorithm can tell.
        """
        if len(documents) == 1:
            return self.template
        fixed: dict[_Piece, str] = {
            place: column[0]
            for place, column in enumerate(zip(*documents, strict=True))
            if column.count(column[0]) == len(column)
        }
        return _template(self.quads, self.count, self.addresses, fixed) if fixed else self.template


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
        found = shape.template.canonical_form(texts, minting=minting) if shape else None
        if found is not None:
            return found
    return linked_data.canonical_form(document, minting=minting)


def canonical_forms(documents: Sequence[Mapping[str, Any]], *, minting: bool = True) -> Iterator[str]:
    """What `canonical_form` gives, of each in turn, for documents made together: texts that are the same in all of a
    shape (the achievement, the issuer) are worked into the quads once.

    Raises Unsignable when it comes to a document that has none.
    """
    shared: _Shared = {}
    batches: dict[tuple[object, ...], _Batch] = {}
    batch: _Batch | None = None
    taken: list[tuple[_Batch, list[str]] | None] = []
    for document in documents:
        key: list[object] = [minting]
        texts: list[str] = []
        if not isinstance(document, dict) or not _read(document, key, texts, 0, shared):
            taken.append(None)
            continue
        # To compare takes a tenth of the time of looking it up, which hashes all of the key.
        if batch is None or batch.key != key:
            batch = batches.setdefault(tuple(key), _Batch(key))
        batch.documents.append(texts)
        taken.append((batch, texts))
    for document, part in zip(documents, taken, strict=True):
        found = None
        if part:
            batch, texts = part
            if not batch.is_ready:
                shape = _shape(tuple(batch.key), document, minting=minting)
                batch.template = shape.narrowed(batch.documents) if shape else None
                batch.is_ready = True
            found = batch.template and batch.template.canonical_form(texts, minting=minting)
        yield found or linked_data.canonical_form(document, minting=minting)


class _Batch(msgspec.Struct):
    """The texts of documents of one shape, and what gives their canonical forms once that was made for them."""

    key: list[object]
    documents: list[list[str]] = []
    template: _Template | None = None
    is_ready: bool = False


# What parts of documents were read as, by their identity: documents made together may have parts in common.
_Shared = dict[int, tuple[list[object], list[str]]]
_SHARED_FROM = 5


def _read(
    members: dict[str, Any], key: list[object], texts: list[str], depth: int, shared: _Shared | None = None
) -> bool:
    """Takes a document apart into its shape and its texts. False for what has no shape that is worth keeping."""
    if depth > _MAX_DEPTH or len(texts) > _MAX_TEXTS or len(key) > _MAX_KEY:
        return False
    key.append(_OPEN)
    for name, value in members.items():
        if type(name) is not str:
            return False
        key.append(name)
        if name in _TERMS:
            parts = (value,) if type(value) is str else tuple(value) if type(value) is list else (None,)
            for part in parts:
                if type(part) is not str:
                    return False
            key.append(parts)
        elif type(value) is str:
            texts.append(value)
        elif not _read_value(value, key, texts, depth, shared):
            return False
    key.append(_CLOSE)
    return True


def _read_value(value: Any, key: list[object], texts: list[str], depth: int, shared: _Shared | None) -> bool:
    kind = type(value)
    if kind is str:
        key.append(_TEXT)
        texts.append(value)
    elif kind is dict:
        if shared is None or len(value) < _SHARED_FROM:
            return _read(value, key, texts, depth + 1, shared)
        found = shared.get(id(value))
        if found is None:
            found = ([], [])
            if not _read(value, *found, depth + 1, shared):
                return False
            shared[id(value)] = found
        key += found[0]
        texts += found[1]
    elif kind is list:
        key.append(_LIST)
        for element in value:
            if depth > _MAX_DEPTH or not _read_value(element, key, texts, depth + 1, shared):
                return False
        key.append(_END)
    elif kind is bool or kind is float or (kind is int and abs(value) < SAFE_INTEGERS):
        # Not the value itself, since 1, 1.0 and True are the same key.
        key.append((kind, repr(value)))
    else:
        return False
    return True


def _shape(key: tuple[object, ...], document: Mapping[str, Any], *, minting: bool) -> _Shape | None:
    with _lock:
        if key in _shapes:
            _shapes.move_to_end(key)
            return _shapes[key]
    words = [part for item in key for part in (item if isinstance(item, tuple) else (item,)) if isinstance(part, str)]
    if sum(map(len, words)) > _MAX_KEY_CHARACTERS or any(map(_RESERVED.search, words)):
        return None
    for at, name in enumerate(key):
        if isinstance(name, str) and name[:1] == "@":
            named = key[at + 1] if name == "@context" else None
            if not isinstance(named, tuple) or not PINNED.keys() >= set(named):
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


def _compiled(document: Mapping[str, Any], *, minting: bool) -> _Shape | None:
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
    labels = sorted({part for line in parts for part in line[1::2] if part.startswith("_:")})
    names = {label: -1 - rank for rank, label in enumerate(labels)}
    quads: list[list[_Piece]] = [
        [part if at % 2 == 0 else names[part] if part in names else _slot(part) for at, part in enumerate(line)]
        for line in parts
    ]
    template = _template(quads, len(paths), addresses, {})
    return _Shape(quads, len(paths), frozenset(addresses), template) if template else None


def _template(
    quads: list[list[_Piece]], count: int, addresses: AbstractSet[int], fixed: Mapping[_Piece, str]
) -> _Template | None:
    """The template in which some of the `count` texts are `fixed`. None if only the whole algorithm can tell of these."""
    together = " ".join(fixed.values())
    if find_unprintable(together) or not _ADDRESSES.fullmatch("\0".join(fixed[at] for at in addresses if at in fixed)):
        return None
    varying = [at for at in range(count) if at not in fixed]
    positions = {slot: position for position, slot in enumerate(varying)}
    constants: dict[str, int] = {}

    def placed(lines: list[list[_Piece]]) -> list[int]:
        """The positions of the pieces of all lines among texts and constants; blank nodes stay as they are."""
        return [
            constants.setdefault(piece, len(varying) + len(constants))
            if isinstance(piece, str)
            else positions.get(piece, piece)
            for piece in _merged(lines)
        ]

    nodes: list[tuple[str | None, int]] = []
    described: list[list[_Piece]] = []
    for label in sorted({piece for line in quads for piece in line if isinstance(piece, int) and piece < 0})[::-1]:
        hidden = [
            ["_:a" if piece == label else "_:z" if isinstance(piece, int) and piece < 0 else piece for piece in line]
            for line in quads
            if label in line
        ]
        different = len({tuple(line) for line in hidden})
        filled = [_merged([_filled(line, fixed)]) for line in hidden]
        known = None
        if all(len(line) == 1 for line in filled):
            known = _hash_of_node([str(piece) for line in filled for piece in line], different)
            if known is None:
                return None
        else:
            described += [[""], *filled] if described else filled
        nodes.append((known, different))
    blank_nodes = placed(described)
    lines = [_merged([_filled(line, fixed)]) for line in quads]
    open_lines = placed([line for line in lines if len(line) > 1])
    # Labels come after the constants.
    last = len(varying) + len(constants) - 1
    return _Template(
        _getter(varying),
        tuple(constants),
        _getter([last - at if at < 0 else at for at in open_lines]),
        tuple(sorted(str(piece) for line in lines for piece in line if len(line) == 1)),
        tuple(nodes),
        _getter(blank_nodes),
        _getter([positions[at] for at in sorted(addresses) if at in positions]),
        len(together),
        bool(ASTRAL.search(together)),
    )


def _filled(line: list[_Piece], fixed: Mapping[_Piece, str]) -> list[_Piece]:
    return [escaped(fixed[piece]) if piece in fixed else piece for piece in line]


def _merged(lines: list[list[_Piece]]) -> list[_Piece]:
    """The pieces of all lines with the line ends between them; texts that stand side by side become one."""
    merged: list[_Piece] = []
    for number, line in enumerate(lines):
        for piece in ["\n", *line] if number else line:
            if isinstance(piece, str) and merged and isinstance(merged[-1], str):
                merged[-1] += piece
            elif piece != "":
                merged.append(piece)
    return merged


def _getter(positions: Sequence[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda pieces: tuple(pieces[at] for at in positions)


def _slot(marker: str) -> int:
    return int(marker.split(":")[2])


def _marked(value: Any, path: Path, paths: list[Path]) -> Any:
    """The document with a marker for each text, in the order in which `_read` takes them."""
    if isinstance(value, dict):
        return {
            name: inner if name in _TERMS else _marked(inner, (*path, name), paths) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_marked(inner, (*path, position), paths) for position, inner in enumerate(value)]
    if isinstance(value, str):
        paths.append(path)
        return f"urn:x-slot:{len(paths) - 1}:z"
    return value
