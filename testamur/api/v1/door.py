"""Everything under /v1 as one ASGI app: gate, then the operation, then the body, then the answer.

The order is the contract's: a wrong token is told before a wrong path, a wrong path before a wrong body.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from testamur.api.v1 import attributes, credentials, designs, groups, interactions, workspaces
from testamur.api.v1.gate import Gate
from testamur.api.v1.operations import Call, Operation
from testamur.clock import now
from testamur.errors import NotFound, TooLarge
from testamur.web.errors import API_PREFIX
from testamur.web.platform import Platform
from testamur.web.rate_limit import RateLimit
from testamur.web.threads import run_query

BODY_BYTES_MAX = 1024 * 1024
OPERATIONS: list[Operation] = [
    *groups.OPERATIONS,
    *designs.OPERATIONS,
    *credentials.OPERATIONS,
    *interactions.OPERATIONS,
    *attributes.OPERATIONS,
    *workspaces.OPERATIONS,
]

_encoder = msgspec.json.Encoder()


class ApiV1:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._gate = Gate(platform.database, RateLimit(platform.settings.rate_limit))
        paths: dict[str, dict[str, Operation]] = {}
        for operation in OPERATIONS:
            paths.setdefault(API_PREFIX + operation.path, {})[operation.method] = operation
        self._routes = [(compile_path(path)[0], methods) for path, methods in paths.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        at = now()
        database = self._platform.database
        token, workspace = await run_query(database, lambda: self._gate.admit(request.headers, at))
        scope.setdefault("state", {})["workspace_id"] = workspace.id
        operation, path = self._find(request.method, scope["path"])
        content = await _read_body(request)
        call = Call(self._platform, workspace, token, path, request.query_params, content, at)
        answer = await run_query(database, lambda: operation.run(call))
        body = b"" if answer is None else _encoder.encode(answer)
        media_type = None if answer is None else "application/json"
        response = Response(body, operation.status, {"Cache-Control": "no-store"}, media_type)
        await response(scope, receive, send)

    def _find(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        for pattern, methods in self._routes:
            found = pattern.match(path)
            if found and method in methods:
                return methods[method], found.groupdict()
        raise NotFound


async def _read_body(request: Request) -> bytes:
    """Raises TooLarge as soon as it is known to be, without reading the rest."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > BODY_BYTES_MAX:
        raise TooLarge
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge
    return bytes(body)
