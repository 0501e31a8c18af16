"""A log of all that an issuer's server signs and revokes, which nobody can change unseen, and the proofs out of it.

The leaves of the Merkle tree (see `merkle`) are entries that hold nothing personal. The head of the tree is signed as a
checkpoint (c2sp.org/tlog-checkpoint, in a c2sp.org/signed-note), which tools for other logs read too.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, get_args

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from testamur.openbadges.json_documents import UnreadableJSON, canonical, read_object
from testamur.openbadges.merkle import leaf_hash, verify_inclusion

EntryKind = Literal["issue", "revoke", "unrevoke", "resign", "key", "retire", "compromise"]

# What says that a document was signed.
SIGNINGS: tuple[EntryKind, ...] = ("issue", "resign")

_ED25519 = b"\x01"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_SUBJECT = re.compile(r"[!-~]{1,200}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[!-*,-~]{1,500}", re.ASCII)
_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
_NOTE_CHARACTERS_MAX = 20_000


class InvalidLogProof(ValueError):
    """An entry, a tree head or a proof of the log that is none, or that does not hold. The message says why."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a credential, or to a key: it was made (`key`), retired or compromised.

    `subject` is the `credential_subject` of the one, the name of the other. `digest` is the `document_digest` of the
    signed document, of what is revoked or in force again, or of the public key as a JWK without further members, which
    is its thumbprint (RFC 7638) in hexadecimal. `time` is when the log took the entry, never before the one ahead of it.
    """

    kind: EntryKind
    time: str
    subject: str
    digest: str


class TreeHead(msgspec.Struct, frozen=True, kw_only=True):
    """`origin` names the log, as an address without its scheme: `badges.example.org/log`."""

    origin: str
    size: int
    root: bytes


class LogProof(msgspec.Struct, frozen=True, kw_only=True):
    """That an entry is in a log: its bytes, its place, the path to the root, and the signed head as text."""

    entry: str
    index: int
    path: Sequence[str]
    checkpoint: str


def entry_bytes(entry: Entry) -> bytes:
    """What is hashed as a leaf: canonical JSON. Raises InvalidLogProof for what no entry may hold."""
    if (
        entry.kind not in get_args(EntryKind)
        or not _TIME.fullmatch(entry.time)
        or not _SUBJECT.fullmatch(entry.subject)
        or not _DIGEST.fullmatch(entry.digest)
    ):
        raise InvalidLogProof("An entry of the log has a kind, a time in UTC, a subject of letters and a SHA-256")
    return canonical(msgspec.to_builtins(entry))


def read_entry(content: bytes | str) -> Entry:
    """The entry that these bytes are. Raises InvalidLogProof, also for bytes that say the same in another way."""
    try:
        entry = msgspec.convert(read_object(content), Entry)
    except (UnreadableJSON, msgspec.ValidationError):
        raise InvalidLogProof("This is no entry of a log") from None
    if entry_bytes(entry) != (content.encode() if isinstance(content, str) else content):
        raise InvalidLogProof("The entry of the log is not in its canonical form")
    return entry


def credential_subject(public_id: str) -> str:
    """What the log calls a credential: SHA-256, in hexadecimal, of its public id as it stands in its address.

    Whoever has the public id can open the credential's page, so the id itself is not for everybody.
    """
    return sha256(public_id.encode()).hexdigest()


def document_digest(document: Mapping[str, Any] | str) -> str:
    """SHA-256, in hexadecimal, of a signed document as canonical JSON (RFC 8785), or of a JWT as its text."""
    return sha256(document.encode() if isinstance(document, str) else canonical(document)).hexdigest()


def log_key(origin: str, key: Ed25519PublicKey) -> str:
    """The key under which a log signs, as tools for checkpoints take it: `ORIGIN+ID+KEY`."""
    content = _ED25519 + key.public_bytes_raw()
    return f"{origin}+{_key_id(origin, key).hex()}+{b64encode(content).decode()}"


def read_log_key(text: str) -> tuple[str, Ed25519PublicKey]:
    """The name and the key in it. Raises InvalidLogProof."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        content = b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(content[1:])
    except ValueError:
        raise InvalidLogProof("This is no key of a log") from None
    if not _NAME.fullmatch(name) or content[:1] != _ED25519 or _key_id(name, key).hex() != key_id:
        raise InvalidLogProof("This is no key of a log")
    return name, key


def signed_head(head: TreeHead, key: Ed25519PrivateKey) -> str:
    """The checkpoint: three lines, an empty one, and the signature. Raises ValueError for an origin that cannot be."""
    if not _NAME.fullmatch(head.origin):
        raise ValueError(f"{head.origin!r} cannot name a log: it needs letters without spaces and plus signs")
    text = f"{head.origin}\n{head.size}\n{b64encode(head.root).decode()}\n"
    signature = _key_id(head.origin, key.public_key()) + key.sign(text.encode())
    return f"{text}\n\u2014 {head.origin} {b64encode(signature).decode()}\n"


def read_head(checkpoint: str, name: str, key: Ed25519PublicKey) -> TreeHead:
    """What a checkpoint says, if this key signed it under this name. Raises InvalidLogProof.

    The signatures of others that may stand beside (witnesses) are not looked at.
    """
    text, is_note, signatures = checkpoint.rpartition("\n\n")
    if not is_note or len(checkpoint) > _NOTE_CHARACTERS_MAX:
        raise InvalidLogProof("This is no checkpoint of a log")
    text += "\n"
    lines = text.split("\n")
    try:
        root = b64decode(lines[2], validate=True)
    except (ValueError, IndexError):
        root = b""
    if not lines[0] or len(root) != 32 or not _SIZE.fullmatch(lines[1]) or "" in lines[:-1]:
        raise InvalidLogProof("This is no checkpoint of a log")
    if not any(_is_signature(line, text, name, key) for line in signatures.split("\n")):
        raise InvalidLogProof(f"The checkpoint is not signed with the key of {name}")
    return TreeHead(origin=lines[0], size=int(lines[1]), root=root)


def verify_log_proof(proof: LogProof, document: Mapping[str, Any] | str, key: str) -> tuple[Entry, TreeHead]:
    """The entry and the head, if the log with this key holds that the document was signed. Raises InvalidLogProof."""
    name, public_key = read_log_key(key)
    head = read_head(proof.checkpoint, name, public_key)
    if head.origin != name:
        raise InvalidLogProof("The checkpoint is that of another log")
    entry = read_entry(proof.entry)
    if entry.kind not in SIGNINGS or entry.digest != document_digest(document):
        raise InvalidLogProof("The entry in the log is about another document")
    try:
        path = [b64decode(part, validate=True) for part in proof.path]
    except ValueError:
        raise InvalidLogProof("The path to the head of the log cannot be read") from None
    if not verify_inclusion(leaf_hash(proof.entry.encode()), proof.index, head.size, path, head.root):
        raise InvalidLogProof("The entry is not in the log")
    return entry, head


def _is_signature(line: str, text: str, name: str, key: Ed25519PublicKey) -> bool:
    prefix = f"\u2014 {name} "
    try:
        content = b64decode(line.removeprefix(prefix), validate=True)
        if not line.startswith(prefix) or content[:4] != _key_id(name, key):
            return False
        key.verify(content[4:], text.encode())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def _key_id(name: str, key: Ed25519PublicKey) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]
