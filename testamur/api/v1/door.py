"""Everything under /v1 as one ASGI app: gate, then the operation, then the body, then the answer.

The order is the contract's: a wrong token is told before a wrong path, a wrong path before a wrong body.
"""

from hashlib import sha256

import msgspec
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope, Send

from testamur.api.v1 import (
    attributes,
    checks,
    credentials,
    designs,
    downloads,
    email_templates,
    fonts,
    gallery,
    group_settings,
    groups,
    imports,
    interactions,
    pdf_certificate,
    webhooks,
    workspaces,
)
from testamur.api.v1.gate import Gate
from testamur.api.v1.operations import Call, FileAnswer, Operation, StreamAnswer
from testamur.clock import now
from testamur.errors import Invalid, NotFound, TestamurError, TooLarge
from testamur.idempotency.keys import KEY_LENGTH_MAX, begin, release, settle
from testamur.web.errors import API_PREFIX, STATUS, error_envelope
from testamur.web.files import FileStream, attachment
from testamur.web.platform import Platform
from testamur.web.rate_limit import RateLimit
from testamur.web.threads import run_query

OPERATIONS: list[Operation] = [
    *groups.OPERATIONS,
    *group_settings.OPERATIONS,
    *designs.OPERATIONS,
    *fonts.OPERATIONS,
    *gallery.OPERATIONS,
    *credentials.OPERATIONS,
    *downloads.OPERATIONS,
    *interactions.OPERATIONS,
    *attributes.OPERATIONS,
    *imports.OPERATIONS,
    *checks.OPERATIONS,
    *email_templates.OPERATIONS,
    *webhooks.OPERATIONS,
    *workspaces.OPERATIONS,
    *pdf_certificate.OPERATIONS,
]

_encoder = msgspec.json.Encoder()
_NO_STORE = {"Cache-Control": "no-store"}
_STORED = "stored answer"


class ApiV1:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        limit = RateLimit(platform.settings.rate_limit, platform.settings.valkey_url)
        self._gate = Gate(platform.database, limit)
        self._rate_headers = limit.headers
        paths: dict[str, dict[str, Operation]] = {}
        for operation in OPERATIONS:
            paths.setdefault(API_PREFIX + operation.path, {})[operation.method] = operation
        # A path that is written out goes before one with an id in it.
        ordered = sorted(paths.items(), key=lambda item: "{" in item[0])
        self._routes = [(compile_path(path)[0], methods) for path, methods in ordered]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        at = now()
        database = self._platform.database
        token, workspace = await run_query(database, lambda: self._gate.admit(request.headers, at))
        scope.setdefault("state", {})["workspace_id"] = workspace.id
        send = self._with_rate(send, workspace.id)
        scope["testamur.send"] = send  # Errors are answered with the same fields.
        operation, path = self._find(request.method, scope["path"])
        content = await _read_body(request, operation.body_bytes_max)
        client = request.client.host if request.client else ""
        call = Call(self._platform, workspace, token, path, request.query_params, content, at, operation.action, client)
        keeps_answer = operation.method == "POST" and operation.answer is not StreamAnswer
        key = request.headers.get("idempotency-key") if keeps_answer else None

        def work() -> Response:
            return _answer(operation, operation.run(call)) if key is None else _run_once(call, operation, key, request)

        response = await (run_sync(work) if operation.is_long else run_query(database, work))
        await response(scope, receive, send)

    def _find(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        for pattern, methods in self._routes:
            found = pattern.match(path)
            if found and method in methods:
                return methods[method], found.groupdict()
        raise NotFound

    def _with_rate(self, send: Send, workspace_id: str) -> Send:
        headers = [(name.lower().encode(), value.encode()) for name, value in self._rate_headers(workspace_id).items()]

        async def send_with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        return send_with_rate


def _run_once(call: Call, operation: Operation, key: str, request: Request) -> Response:
    """Do the operation unless it was done under this key before; then give its answer again.

    Answers to faults of the client are kept too, except those that a retry can cure.
    """
    if not key or len(key) > KEY_LENGTH_MAX or not key.isprintable():
        raise Invalid(f"Must be 1 to {KEY_LENGTH_MAX} characters", ("Idempotency-Key",))
    database, workspace_id = call.platform.database, call.workspace.id
    asked = f"{operation.method} {request.url.path}?{request.url.query}\n".encode() + call.content
    with database.write() as tx:
        stored = begin(tx, workspace_id, key, sha256(asked).hexdigest(), at=call.at)
    if stored is not None:
        headers = {**_NO_STORE, "Idempotent-Replayed": "true"}
        content = call.platform.master_key.decrypt(stored.body, _STORED)
        return Response(content, stored.status, headers, "application/json" if content else None)
    try:
        response = _answer(operation, operation.run(call))
    except TestamurError as failure:
        if STATUS[type(failure)] not in {400, 404, 413, 422}:
            with database.write() as tx:
                release(tx, workspace_id, key)
            raise
        response = error_envelope(failure)
    except BaseException:
        with database.write() as tx:
            release(tx, workspace_id, key)
        raise
    with database.write() as tx:
        # An answer may hold a secret that is shown once, and always holds somebody's data.
        sealed = call.platform.master_key.encrypt(bytes(response.body).decode(), _STORED)
        settle(tx, workspace_id, key, status=response.status_code, body=sealed)
    return response


def _answer(operation: Operation, answer: object) -> Response:
    if isinstance(answer, StreamAnswer):
        headers = {**_NO_STORE, "Content-Disposition": attachment(answer.name)}
        return FileStream(answer.content, operation.status, headers, answer.media_type)
    if isinstance(answer, FileAnswer):
        headers = {**_NO_STORE, "Content-Disposition": f'attachment; filename="{answer.name}"'}
        return Response(answer.content, operation.status, headers, answer.media_type)
    body = b"" if answer is None else _encoder.encode(answer)
    return Response(body, operation.status, _NO_STORE, None if answer is None else "application/json")


async def _read_body(request: Request, bytes_max: int) -> bytes:
    """Raises TooLarge as soon as it is known to be, without reading the rest."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > bytes_max:
        raise TooLarge
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise TooLarge
    return bytes(body)
