"""The transparency log as monitors and verifiers read it: its key, its head, its entries, and proofs."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.db import Transaction
from testamur.errors import Invalid, NotFound
from testamur.openbadges.transparency import EntryKind, entry_bytes
from testamur.transparency.model import LogHead, LogKey
from testamur.transparency.proving import KINDS, consistency_proof, inclusion_proof
from testamur.transparency.queries import entries_between, find_head, find_head_of_size, list_log_keys
from testamur.web.documents import document, preferred
from testamur.web.platform import Platform
from testamur.web.threads import Result, run_query

ENTRIES_MAX = 1_000
KEY_SECONDS = 300
# Entries that are there never change.
ENTRIES_SECONDS = 24 * 60 * 60
_TEXT, _JSON = "text/plain", "application/json"
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_SUBJECT = re.compile(r"[!-~]{1,200}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def routes(platform: Platform) -> list[Route]:
    async def read(work: Callable[[Transaction], Result]) -> Result:
        def run() -> Result:
            with platform.database.read() as tx:
                return work(tx)

        return await run_query(platform.database, run)

    async def key(request: Request) -> Response:
        keys = await read(list_log_keys)
        media_type = preferred(request.headers.get("accept", ""), (_TEXT, _JSON))
        content = _keys_text(keys) if media_type == _TEXT else msgspec.json.encode({"keys": list(map(_key, keys))})
        return document(request, content, media_type, seconds=KEY_SECONDS if keys else 0, is_negotiated=True)

    async def checkpoint(request: Request) -> Response:
        head = await read(_head)
        return document(request, head.checkpoint.encode(), _TEXT)

    async def entries(request: Request) -> Response:
        start, end = _number(request, "start", 0), _number(request, "end", None)
        content, is_whole = await read(lambda tx: _entries(tx, start, end))
        return document(request, msgspec.json.encode(content), _JSON, seconds=ENTRIES_SECONDS if is_whole else 0)

    async def inclusion(request: Request) -> Response:
        subject, digest, kinds = _wanted(request)
        proof = await read(lambda tx: inclusion_proof(tx, subject, digest=digest, kinds=kinds))
        if proof is None:
            raise NotFound("The log has no such entry; what was done just now is in it after a few seconds")
        return document(request, msgspec.json.encode(proof), _JSON)

    async def consistency(request: Request) -> Response:
        old, new = _number(request, "old", None), _number(request, "new", None)
        content = await read(lambda tx: _consistency(tx, old, new))
        return document(request, msgspec.json.encode(content), _JSON)

    return [
        Route("/log/key", key),
        Route("/log/checkpoint", checkpoint),
        Route("/log/entries", entries),
        Route("/log/proof/inclusion", inclusion),
        Route("/log/proof/consistency", consistency),
    ]


def _keys_text(keys: list[LogKey]) -> bytes:
    return "".join(f"{key.verifier_key}\n" for key in keys).encode()


def _key(key: LogKey) -> dict[str, Any]:
    return {
        "origin": key.origin,
        "verifierKey": key.verifier_key,
        "publicKeyMultibase": key.multikey,
        "publicKeyJwk": key.public_key,
    }


def _head(tx: Transaction) -> LogHead:
    """Raises NotFound."""
    found = find_head(tx)
    if found is None:
        raise NotFound("The log has no entries yet")
    return found


def _entries(tx: Transaction, start: int, end: int | None) -> tuple[dict[str, Any], bool]:
    """Entries from one index to before another, and whether these are all that were asked for.

    Raises Invalid, or NotFound for a start that the log does not reach.
    """
    size = _head(tx).size
    if end is not None and end <= start:
        raise Invalid("must be larger than start: it is the index after the last entry", ("end",))
    if start >= size:
        raise NotFound(f"The log has {size} entries, the last of which is {size - 1}")
    until = min(start + ENTRIES_MAX, size if end is None else min(end, size))
    found = [entry_bytes(entry).decode() for _, entry in entries_between(tx, start, until)]
    return {"size": size, "start": start, "entries": found}, until in {end, start + ENTRIES_MAX}


def _wanted(request: Request) -> tuple[str | None, str | None, list[EntryKind]]:
    """Subject, digest and kinds of an entry. Raises Invalid."""
    subject = _text(request, "subject", _SUBJECT, "what entries say, such as the SHA-256 of a public id")
    digest = _text(request, "digest", _DIGEST, "a SHA-256 in hexadecimal")
    if subject is None and digest is None:
        raise Invalid("Say which entry: subject=, digest= or both")
    kind = request.query_params.get("kind")
    kinds = [each for each in KINDS if kind in {None, each}]
    if not kinds:
        raise Invalid(f"must be one of {', '.join(KINDS)}", ("kind",))
    return subject, digest, kinds


def _consistency(tx: Transaction, old: int | None, new: int | None) -> dict[str, Any]:
    """Raises Invalid, NotFound."""
    if old is None:
        raise Invalid("is missing: how many entries the log had before", ("old",))
    head = _head(tx)
    size = head.size if new is None else new
    path = consistency_proof(tx, old, size, head)
    signed = find_head_of_size(tx, size)
    return {"old": old, "new": size, "path": path, "checkpoint": None if signed is None else signed.checkpoint}


def _number(request: Request, name: str, default: Any) -> Any:
    """Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise Invalid("must be a number of entries, 0 or more", (name,))
    return int(text)


def _text(request: Request, name: str, pattern: re.Pattern[str], what: str) -> str | None:
    """Raises Invalid."""
    text = request.query_params.get(name)
    if text is not None and not pattern.fullmatch(text):
        raise Invalid(f"must be {what}", (name,))
    return text
