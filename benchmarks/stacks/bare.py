"""The floor: an ASGI function and hand-written SQL, no framework, no layers, one request after the other.

What it leaves out is what a maintained program cannot: routing, an answer for each kind of fault, a second database,
logs. It tells how much of a request is the work itself.
"""

import os
import sqlite3
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from benchmarks.stacks.database import BUSY_SECONDS, DATABASE_VARIABLE, PRAGMAS, VERSION
from testamur.ids import new_id

_TOKEN = (
    "SELECT t.workspace_id, w.name FROM access_tokens t JOIN workspaces w ON w.id = t.workspace_id"
    " WHERE t.secret_hash = ? AND t.revoked_at IS NULL"
)
_DESIGNS = "SELECT id, type FROM designs WHERE workspace_id = ? AND id IN ({})"
_INSERT = (
    "INSERT INTO credential_templates (workspace_id, id, name, learning_event_url, created_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_INSERT_DESIGN = "INSERT INTO credential_template_designs VALUES (?, ?, ?, ?)"


class NewGroup(msgspec.Struct):
    name: str
    designIds: list[str]  # noqa: N815 - the names of the wire.
    learningEventUrl: str | None = None  # noqa: N815


_decoder = msgspec.json.Decoder(NewGroup)
_connection = sqlite3.connect(os.environ[DATABASE_VARIABLE], timeout=BUSY_SECONDS, isolation_level=None)
for _pragma in PRAGMAS:
    _connection.execute(_pragma)


class _Refused(Exception):
    """The status and the code of an answer that is a failure."""


def create_group(headers: dict[bytes, bytes], body: bytes) -> bytes:
    secret = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
    owner = _connection.execute(_TOKEN, (sha256(secret).hexdigest(),)).fetchone()
    if owner is None:
        raise _Refused(401, "unauthorized")
    if headers.get(b"certifier-version") != VERSION.encode():
        raise _Refused(400, "invalid_version")
    try:
        given = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Refused(400, "validation_error") from None
    if not given.name.strip() or len(given.name) > 255 or not given.designIds:
        raise _Refused(400, "validation_error")
    return _insert(owner[0], given)


def _insert(workspace_id: str, given: NewGroup) -> bytes:
    ids = given.designIds
    at = datetime.now(UTC)
    stored = at.strftime("%Y-%m-%d %H:%M:%S.%f")
    group_id = new_id()
    _connection.execute("BEGIN IMMEDIATE")
    try:
        marks = ",".join("?" * len(ids))
        types = dict(_connection.execute(_DESIGNS.format(marks), (workspace_id, *ids)))
        if types.keys() != set(ids):
            raise _Refused(404, "not_found")
        _connection.execute(_INSERT, (workspace_id, group_id, given.name, given.learningEventUrl, stored, stored))
        rows = [(workspace_id, group_id, position, design_id) for position, design_id in enumerate(ids)]
        _connection.executemany(_INSERT_DESIGN, rows)
        _connection.execute("COMMIT")
    except BaseException:
        _connection.execute("ROLLBACK")
        raise
    moment = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
    return msgspec.json.encode(
        {
            "id": group_id,
            "name": given.name,
            "learningEventUrl": given.learningEventUrl,
            "designIds": ids,
            "certificateDesignId": next((id_ for id_ in ids if types[id_] == "certificate"), None),
            "badgeDesignId": next((id_ for id_ in ids if types[id_] == "badge"), None),
            "createdAt": moment,
            "updatedAt": moment,
        }
    )


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    try:
        if (scope["method"], scope["path"]) != ("POST", "/v1/groups"):
            raise _Refused(404, "not_found")
        status, answer = 201, create_group(dict(scope["headers"]), body)
    except _Refused as refused:
        status, code = refused.args
        answer = msgspec.json.encode({"error": {"code": code, "message": code}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
