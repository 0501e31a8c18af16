"""The canonical form of a JSON-LD document (RDFC-1.0), which is what a signature covers; and what may not be signed.

PyLD reads the JSON-LD, with the bundled contexts only; Oxigraph makes the canonical form, since PyLD's own leaves control
characters as they are.
"""

import math
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

import msgspec
from pyld.context_resolver import ContextResolver
from pyld.iri_resolver import resolve
from pyld.jsonld import JsonLdError, JsonLdProcessor
from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, DefaultGraph, Literal, NamedNode, Quad, RdfFormat
from pyoxigraph import serialize as serialize_quads

from testamur.errors import path_text
from testamur.openbadges.contexts import PINNED, UnknownContext, load_context

Path = tuple[str | int, ...]

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 2_000
# PyLD compares each value of a list with all others.
_MAX_LIST = 250
_MAX_DEPTH = 40
_MAX_CONTEXTS = 64
_MAX_INLINE_CONTEXT_BYTES = 10_000
_MAX_SECONDS = 5
# RDFC-1.0 tries all orders of blank nodes that it cannot tell apart: seven that all point to each other take a second.
_MAX_GROUP_OF_TWINS, _MAX_TWINS = 6, 60
SAFE_INTEGERS = 2**53
_SMALLEST_FRACTION = 1e-6

# Where PyLD puts what is relative, so that it is seen.
_BASE = "http://relative.invalid/"
_KEYWORDS = {"@context", "@id", "@type", "@value", "@language"}
_UNSTABLE_TERMS = {"endorsementJwt", "jti"}
_NO_IRI = re.compile(r'[\s<>"{}|\\^`\x00-\x20]')
_SURROGATE = re.compile("[\ud800-\udfff]")
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_ODD_ASTRAL = re.compile(
    f"[{''.join(chr(plane * 0x10000 + last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))}]"
)
ASTRAL = re.compile("[\U00010000-\U0010ffff]")
SPECIAL = re.compile(r'["\\\x00-\x1f\x7f]')
_ESCAPES = str.maketrans(
    {
        **{code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)},
        **{ord(character): f"\\{name}" for character, name in zip('"\\\b\t\n\f\r', '"\\btnfr', strict=True)},
    }
)


class Unsignable(ValueError):
    """The document has no canonical form, or none that all verifiers agree on.

    `path` leads to what is wrong (`("credentialSubject", "result", 0)`), `reason` says it to who awards credentials.
    """

    def __init__(self, path: Path, reason: str) -> None:
        where = path_text(path)
        super().__init__(f"{where}: {reason}" if where else reason)
        self.path = path
        self.reason = reason


def canonical_form(document: Mapping[str, Any], *, minting: bool = True) -> str:
    """The canonical N-Quads of a JSON document, one a line, each with its line end.

    Who mints is kept from what some verifiers would read in another way; who verifies takes all that can be read in only
    one way by the book. Raises Unsignable.
    """
    inspect_document(document, minting=minting)
    lines = _canonical_lines(document, minting=minting)
    if not lines:
        raise Unsignable((), "The document states nothing that a signature would cover")
    if minting and not orders_agree(lines):
        raise _disputed_order(document, lines)
    return "\n".join([*lines, ""])


def inspect_document(document: Mapping[str, Any], *, minting: bool = True) -> None:
    """What can be said against a document without reading it as JSON-LD: its size, its letters, its contexts.

    Raises Unsignable.
    """
    _Inspection(minting=minting).inspect(document)


def find_unprintable(text: str) -> re.Match[str] | None:
    """What implementations write in different ways or cannot write at all: control characters other than tab and line
    ends, halves of surrogate pairs, and noncharacters.
    """
    return _ODD.search(text) or (_ODD_ASTRAL.search(text) if ASTRAL.search(text) else None)


def escaped(text: str) -> str:
    """As a literal of canonical N-Quads has it (RDFC-1.0, section 5)."""
    return text.translate(_ESCAPES) if SPECIAL.search(text) else text


def orders_agree(lines: list[str]) -> bool:
    """Whether lines in the order of their code points are in that of their UTF-16 units, by which some verifiers sort."""
    return lines == sorted(lines, key=_utf16)


def _utf16(line: str) -> bytes:
    return line.encode("utf-16-be")


class _Inspection:
    """Walks through a document before anything expensive is done with it."""

    def __init__(self, *, minting: bool) -> None:
        self._minting = minting
        self._characters = self._values = self._contexts = self._inline_bytes = 0

    def inspect(self, document: Mapping[str, Any]) -> None:
        if not isinstance(document, dict):
            raise Unsignable((), "This is not a JSON object")
        self._member_values(document, ())

    def _member_values(self, members: dict[Any, Any], path: Path) -> None:
        for name, value in members.items():
            where = (*path, name)
            if not isinstance(name, str):
                raise Unsignable(path, "A member's name is not a text")
            self._text(name, where)
            if name == "@context":
                self._context(value, where)
            else:
                if self._minting:
                    self._name(name, where)
                self._value(value, where)

    def _name(self, name: str, path: Path) -> None:
        if name in _UNSTABLE_TERMS:
            raise Unsignable(path, f"“{name}” is defined in some copies of the Open Badges context only: leave it out")
        if name.startswith("@") and name not in _KEYWORDS:
            raise Unsignable(path, f"“{name}” would not be covered by the signature: leave it out")

    def _value(self, value: Any, path: Path) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise Unsignable((), f"The document holds more than {MAX_VALUES} values")
        if len(path) > _MAX_DEPTH:
            raise Unsignable(path[:4], f"The document is nested more than {_MAX_DEPTH} deep")
        if isinstance(value, str):
            self._text(value, path)
        elif isinstance(value, dict):
            self._member_values(value, path)
        elif isinstance(value, list):
            self._list(value, path)
        elif value is None:
            if self._minting:
                raise Unsignable(path, "An empty value would not be covered by the signature: leave it out")
        else:
            self._number(value, path)

    def _list(self, values: list[Any], path: Path) -> None:
        if len(values) > _MAX_LIST or isinstance(path[-1], int):
            raise Unsignable(path, f"The list has more than {_MAX_LIST} values, or stands in another list")
        if self._minting and not values:
            raise Unsignable(path, "An empty list would not be covered by the signature: leave it out")
        for position, value in enumerate(values):
            self._value(value, (*path, position))

    def _number(self, value: Any, path: Path) -> None:
        if not isinstance(value, int | float):
            raise Unsignable(path, f"{type(value).__name__} is not a kind of value that JSON has")
        if not (abs(value) < SAFE_INTEGERS if isinstance(value, int) else math.isfinite(value)):
            raise Unsignable(path, "The number is too large to be read alike by all verifiers")
        # JavaScript writes such a number without a point, and jsonld.js then takes it for a whole one.
        if self._minting and 0 < abs(value) < _SMALLEST_FRACTION:
            raise Unsignable(path, "The number is too small to be read alike by all verifiers")

    def _text(self, text: str, path: Path) -> None:
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise Unsignable((), f"The document holds more than {MAX_CHARACTERS} characters")
        if found := find_unprintable(text) if self._minting else _SURROGATE.search(text):
            character = f"U+{ord(found[0]):04X}"
            raise Unsignable(
                path, f"The character {character} cannot be printed, and verifiers disagree on it: remove it"
            )

    def _context(self, context: Any, path: Path) -> None:
        self._contexts += 1
        if self._contexts > _MAX_CONTEXTS or len(path) > _MAX_DEPTH:
            raise Unsignable(path[:4], f"The document names more than {_MAX_CONTEXTS} contexts")
        if isinstance(context, str):
            if context not in PINNED:
                raise Unsignable(path, str(UnknownContext(context)))
        elif isinstance(context, list):
            for position, part in enumerate(context):
                self._context(part, (*path, position))
        elif self._minting:
            raise Unsignable(path, "A context must be named by its address, one of those that are known here")
        else:
            self._inline(context, path)

    def _inline(self, context: Any, path: Path) -> None:
        try:
            self._inline_bytes += len(msgspec.json.encode(context))
        except (TypeError, ValueError, RecursionError, UnicodeError):
            raise Unsignable(path, "The context is not JSON") from None
        if self._inline_bytes > _MAX_INLINE_CONTEXT_BYTES:
            raise Unsignable(path, "The contexts written into the document are too large")


def _canonical_lines(document: Mapping[str, Any], *, minting: bool) -> list[str]:
    quads = list(_quads(document))
    _check_twins(quads, minting=minting)
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    text = serialize_quads(dataset, format=RdfFormat.N_QUADS)
    assert text is not None
    # Not splitlines(): it would part a line at U+2028.
    return sorted(text.decode().split("\n")[:-1])


class _Resolver(ContextResolver):  # type: ignore[misc]
    """Resolving contexts is what can be made expensive from outside, so this is where time is watched."""

    def __init__(self, cache: dict[str, Any]) -> None:
        super().__init__(cache, _context_for_pyld)
        # Of the processor, so that a busy machine refuses nothing.
        self._deadline = time.thread_time() + _MAX_SECONDS

    def resolve(self, *args: Any, **kwargs: Any) -> Any:
        if time.thread_time() > self._deadline:
            raise Unsignable((), "The contexts of the document are too costly to work through")
        return super().resolve(*args, **kwargs)


def _context_for_pyld(url: str, _options: Any) -> dict[str, Any]:
    return {"contextUrl": None, "documentUrl": url, "document": load_context(url), "tag": "static"}


# PyLD's caches know no threads. What a document with contexts of its own brings along is forgotten after it.
_lock = Lock()
_resolved: dict[str, Any] = {}


class _Expansion(JsonLdProcessor):  # type: ignore[misc]
    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(on_property_dropped=self._dropped)
        self._document = document

    def _dropped(self, name: str | None) -> None:
        named = "A word" if name is None else f"The word “{name}”"
        path = next((path for path, _ in _members(self._document) if path[-1] == name), ())
        raise Unsignable(path, f"{named} is not defined by the contexts, so no signature would cover it: leave it out")

    def expand(self, input_: Any, options: Any) -> Any:
        expanded = super().expand(input_, options)
        self._check(expanded)
        return expanded

    def _check(self, value: Any) -> None:
        if isinstance(value, list):
            for element in value:
                self._check(element)
        elif isinstance(value, dict) and "@value" not in value:
            for name, inner in value.items():
                if name in {"@id", "@type"}:
                    for address in inner if isinstance(inner, list) else [inner]:
                        self._check_address(address)
                elif name.startswith("_:"):
                    raise Unsignable((), f"“{name}” stands for a property without a name, which no signature covers")
                else:
                    self._check(inner)

    def _check_address(self, address: Any) -> None:
        if not isinstance(address, str):
            raise Unsignable((), "An id or type is a reserved word, which no signature would cover")
        if address.startswith(_BASE):
            path = next((path for path, text in _members(self._document) if _is_made(address, text)), ())
            raise Unsignable(
                path, "This must be a whole address (such as https://…) or a type that the contexts define"
            )
        if ":" not in address or _NO_IRI.search(address):
            path = next((path for path, text in _members(self._document) if text == address), ())
            raise Unsignable(
                path, "This is not an address: it holds characters that must be written as %20 and the like"
            )


def _is_made(address: str, text: Any) -> bool:
    return isinstance(text, str) and ":" not in text and resolve(text, _BASE) == address


def _members(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value in the document with its path, but for contexts."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "@context":
                yield from _members(inner, (*path, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _members(inner, (*path, position))


def _quads(document: Mapping[str, Any]) -> Iterator[Quad]:
    with _lock:
        cache = _resolved if _has_known_contexts_only(document) else {}
        options = {"base": _BASE, "documentLoader": _context_for_pyld, "contextResolver": _Resolver(cache)}
        graphs = _processed(lambda: _Expansion(document).to_rdf(document, options))
    try:
        for name, triples in graphs.items():
            graph = DefaultGraph() if name == "@default" else _node(name)
            for triple in triples:
                subject, predicate = _node(triple["subject"]["value"]), NamedNode(triple["predicate"]["value"])
                yield Quad(subject, predicate, _object(triple["object"]), graph)
    except (TypeError, ValueError) as error:
        raise Unsignable((), f"An address or a value is not well-formed: {error}") from None


def _has_known_contexts_only(document: Mapping[str, Any]) -> bool:
    contexts = [document.get("@context")]
    contexts += [
        value["@context"] for _, value in _members(document) if isinstance(value, dict) and "@context" in value
    ]
    flat = [part for context in contexts for part in (context if isinstance(context, list) else [context])]
    return all(isinstance(part, str) for part in flat)


def _processed(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Unsignable:
        raise
    # PyLD trusts what it is given: of a document made to harm, anything can come out.
    except Exception as error:  # noqa: BLE001
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, Unsignable):
                raise cause from None
            if isinstance(cause, UnknownContext):
                raise Unsignable(("@context",), str(cause)) from None
            cause, last = cause.__cause__, cause
        detail = last.args[0] if isinstance(last, JsonLdError) else type(last).__name__
        raise Unsignable((), f"The document is not JSON-LD that can be read: {detail}") from None


def _node(value: str) -> NamedNode | BlankNode:
    return BlankNode(value[2:]) if value.startswith("_:") else NamedNode(value)


def _object(term: dict[str, Any]) -> NamedNode | BlankNode | Literal:
    if term["type"] != "literal":
        return _node(term["value"])
    if "language" in term:
        return Literal(term["value"], language=term["language"])
    return Literal(term["value"], datatype=NamedNode(term["datatype"]))


def _check_twins(quads: list[Quad], *, minting: bool) -> None:
    """Refuses what makes RDFC-1.0 try orders without end: blank nodes that are described alike and point to each other.

    Who mints is kept from the first of them, since rdf-canonize gives up after as many steps as there are twins: a list
    in which a value is repeated is enough.
    """
    descriptions: dict[BlankNode, set[tuple[object, ...]]] = defaultdict(set)
    blank_parts = []
    for quad in quads:
        parts = (quad.subject, quad.object, quad.graph_name)
        blank = {part for part in parts if isinstance(part, BlankNode)}
        if blank:
            blank_parts.append(blank)
        for node in blank:
            hidden = tuple(part == node if isinstance(part, BlankNode) else part for part in parts)
            descriptions[node].add((quad.predicate, *hidden))
    alike = defaultdict(list)
    for node, description in descriptions.items():
        alike[frozenset(description)].append(node)
    twins = {node for nodes in alike.values() if len(nodes) > 1 for node in nodes}
    linked = 0
    for group in _groups(twins, [blank & twins for blank in blank_parts]):
        linked += len(group) if len(group) > 1 else 0
        if len(group) > _MAX_GROUP_OF_TWINS or linked > _MAX_TWINS:
            raise Unsignable((), "Too many parts of the document are alike and have no id: give each an id")
        if minting and len({frozenset(descriptions[node]) for node in group}) < len(group):
            reason = (
                "An ordered list (such as allowedValue) holds a value twice, or parts that are alike lead to each other"
            )
            raise Unsignable((), f"{reason}: some verifiers give up on that. Leave out what is repeated")


def _groups(nodes: set[BlankNode], links: list[set[BlankNode]]) -> Iterator[set[BlankNode]]:
    neighbours: dict[BlankNode, set[BlankNode]] = {node: {node} for node in nodes}
    for link in links:
        for node in link:
            neighbours[node] |= link
    left = set(nodes)
    while left:
        group: set[BlankNode] = set()
        waiting = {left.pop()}
        while waiting:
            node = waiting.pop()
            group.add(node)
            waiting |= neighbours[node] - group
        left -= group
        yield group


def _disputed_order(document: Mapping[str, Any], lines: list[str]) -> Unsignable:
    other = sorted(lines, key=_utf16)
    line = next(line for line, elsewhere in zip(lines, other, strict=True) if line != elsewhere)
    texts = ((path, value) for path, value in _members(document) if isinstance(value, str) and len(value) > 0)
    path = next((path for path, text in texts if not text.isascii() and f'"{escaped(text)}"' in line), ())
    reason = "Beside the other values here, verifiers disagree on the order of the emoji or rare letters in this one"
    return Unsignable(path, f"{reason}: leave them out, or change how the value begins")
