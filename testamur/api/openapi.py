"""The OpenAPI 3.1 description of the API, made from the operations and the wire types that serve it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from testamur import __version__
from testamur.api.v1.gate import VERSION, VERSION_HEADER
from testamur.api.v1.operations import FileAnswer, Operation, StreamAnswer
from testamur.wire.v1.errors import Error

_DESCRIPTION = """Testamur issues digital credentials. This API speaks the public certifier.io protocol: a client \
written for it works by changing its base URL. Testamur is independent of the vendor of that service."""

_SECTIONS = [
    {
        "title": "Authentication",
        "body": "Every request carries an access token of the workspace it acts for: Authorization: Bearer tst_... "
        "A token is shown once, when it is made with testamur token create. A missing, unknown or revoked token is 401.",
    },
    {
        "title": "Versioning",
        "body": f"Every request names the version of the API: {VERSION_HEADER}: {VERSION}. It is the only one there is.",
    },
    {
        "title": "Errors",
        "body": "Every error is an object with a stable code for programs and a message for people. A validation_error "
        "also lists details: the way to each wrong member, and what is wrong with it.",
    },
    {
        "title": "Pagination",
        "body": "Lists come newest first, in pages. Pass pagination.next as the cursor of the next request until it is "
        "null; limit is 1 to 100, by default 20. Rows added meanwhile are neither skipped nor repeated.",
    },
    {
        "title": "Rate limits",
        "body": "A workspace may make as many requests as the server's TESTAMUR_RATE_LIMIT allows. Beyond it the answer "
        "is 429 with the seconds to wait in Retry-After. RateLimit and RateLimit-Policy tell what is left.",
    },
    {
        "title": "Repeating a request",
        "body": "A POST may carry an Idempotency-Key of its own. The same request under the same key, within 24 hours, is "
        "answered again instead of done again (Idempotent-Replayed tells so); another request under it is 422, and one "
        "that is still being worked on is 409.",
    },
    {
        "title": "Extensions",
        "body": "Operations marked as extensions are Testamur's own and not part of the certifier.io protocol; they change "
        "nothing of it. Errors come as application/problem+json to who accepts that.",
    },
]

_ERRORS = {
    400: ("The request is malformed", ("missing_version", "invalid_version", "invalid_json", "validation_error")),
    401: ("There is no valid access token", ("unauthorized",)),
    402: ("The workspace's plan does not include this", ("payment_required",)),
    404: ("Something that the request names does not exist", ("not_found",)),
    409: ("The state of the object does not allow this", ("conflict",)),
    413: ("The request body is too large", ("payload_too_large",)),
    422: ("The Idempotency-Key was used for another request", ("unprocessable",)),
    429: ("Too many requests", ("rate_limited",)),
    500: ("Something broke on Testamur's end", ("internal_server_error",)),
    503: ("The server is too busy for this", ("service_unavailable",)),
}
_FILES = (FileAnswer, StreamAnswer)
_ERRORS_OF_EVERY_OPERATION = (400, 401, 429, 500)


def describe_api(operations: Iterable[Operation], server_url: str) -> dict[str, Any]:
    """The whole document. `server_url` is where /v1 is served, without /v1."""
    listed = list(operations)
    types = [kind for operation in listed for kind in (operation.body, operation.answer) if kind not in (None, *_FILES)]
    schemas, components = msgspec.json.schema_components([*types, Error], ref_template="#/components/schemas/{name}")
    by_type = dict(zip(map(str, [*types, Error]), schemas, strict=True))
    for kind in types:
        _adapt(components, kind)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault("/v1" + operation.path, {})[operation.method.lower()] = _operation(operation, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Testamur API",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "x-sections": _SECTIONS,
            "x-testamur-version": __version__,
        },
        "servers": [{"url": server_url}],
        "security": [{"BearerAuth": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in listed)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"BearerAuth": {"type": "http", "scheme": "bearer"}},
            "parameters": {
                "Version": {
                    "name": VERSION_HEADER,
                    "in": "header",
                    "required": True,
                    "description": "Version of the API.",
                    "schema": {"type": "string", "enum": [VERSION]},
                },
                "IdempotencyKey": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": False,
                    "description": "Extension: the same key and request again, within 24 hours, gets the same answer again.",
                    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                },
            },
        },
    }


def _operation(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": list(_parameters(operation)),
        "responses": dict(_responses(operation, schemas)),
    }
    note = "An extension of Testamur, not part of the certifier.io protocol." if operation.is_extension else ""
    if operation.description or note:
        described["description"] = " ".join(filter(None, (operation.description, note)))
    if operation.is_extension:
        described["x-testamur-extension"] = True
    if operation.upload is not None:
        described["requestBody"] = {"required": True, "content": {operation.upload: {}}}
    if operation.body is not None:
        content = {"application/json": {"schema": schemas[str(operation.body)]}}
        described["requestBody"] = {"required": operation.is_body_required, "content": content}
    return described


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    yield {"$ref": "#/components/parameters/Version"}
    if operation.method == "POST" and operation.answer is not StreamAnswer:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    if "{id}" in operation.path:
        yield {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    if "{name}" in operation.path:
        yield {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    if "{number}" in operation.path:
        yield {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    for parameter in operation.parameters:
        yield {
            "name": parameter.name,
            "in": "query",
            "required": parameter.is_required,
            "description": parameter.description,
            "schema": {"type": "string", "enum": list(parameter.choices)} if parameter.choices else {"type": "string"},
        }
    if operation.is_list:
        yield {
            "name": "cursor",
            "in": "query",
            "description": "pagination.next or pagination.prev of another page.",
            "schema": {"type": "string"},
        }
        yield {
            "name": "limit",
            "in": "query",
            "description": "How many items to return at most.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        }


def _responses(operation: Operation, schemas: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    done: dict[str, Any] = {"description": "Done" if operation.answer is None else "The answer"}
    if operation.answer is FileAnswer:
        done["content"] = {operation.file_type: {"schema": {"type": "string"}}}
    elif operation.answer is StreamAnswer:
        done["content"] = {"application/zip": {}}
    elif operation.answer is not None:
        done["content"] = {"application/json": {"schema": schemas[str(operation.answer)]}}
    yield str(operation.status), done
    extra = [*operation.errors]
    if operation.body is not None or operation.upload is not None:
        extra.append(413)
    if operation.method == "POST" and operation.answer is not StreamAnswer:
        extra += [409, 422]
    for status in sorted({*_ERRORS_OF_EVERY_OPERATION, *extra}):
        description, codes = _ERRORS[status]
        response: dict[str, Any] = {
            "description": f"{description} ({', '.join(codes)})",
            "content": {"application/json": {"schema": schemas[str(Error)]}},
        }
        if status in {429, 503}:
            response["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
            }
        yield str(status), response


def _adapt(components: dict[str, Any], kind: Any) -> None:
    """Take out of a schema what is accepted but not offered, and require what one of two shapes needs."""
    schema = components.get(getattr(kind, "__name__", ""))
    if schema is None:
        return
    for name in getattr(kind, "unlisted", ()):
        schema["properties"].pop(name, None)
    required = getattr(kind, "listed_as_required", ())
    if required:
        schema["required"] = list(required)
