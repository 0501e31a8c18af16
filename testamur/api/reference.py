"""The OpenAPI description as a page for people."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

_METHODS = ("get", "post", "patch", "put", "delete")


class Member(msgspec.Struct, frozen=True):
    """A member of an object, with the way to it and its type in words."""

    name: str
    type: str
    is_required: bool
    description: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Member]
    body: list[Member]
    answer: list[Member]
    responses: list[tuple[str, str]]
    curl: str


def reference_context(document: dict[str, Any]) -> dict[str, Any]:
    """What `reference.html` shows of an OpenAPI 3.1 document made by `openapi.describe_api`."""
    groups: dict[str, list[Endpoint]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                groups.setdefault(operation["tags"][0], []).append(_endpoint(document, path, method, operation))
    return {
        "info": document["info"],
        "server": document["servers"][0]["url"],
        "groups": [{"name": name, "endpoints": endpoints} for name, endpoints in groups.items()],
    }


def _endpoint(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Endpoint:
    responses = operation["responses"]
    done = next(response for status, response in responses.items() if status.startswith("2"))
    parameters = [_resolve(document, parameter) for parameter in operation["parameters"]]
    return Endpoint(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        parameters=[
            Member(
                item["name"], _type(document, item["schema"]), item.get("required", False), item.get("description", "")
            )
            for item in parameters
        ],
        body=list(_members(document, _content(operation.get("requestBody", {})))),
        answer=list(_members(document, _content(done))),
        responses=[(status, response["description"]) for status, response in responses.items()],
        curl=_curl(document, path, method, operation),
    )


def _curl(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    """The request as a command to paste, with the examples that the schema gives."""
    version = document["info"]["version"]
    lines = [
        f'curl -X {method.upper()} "{document["servers"][0]["url"]}{path}"',
        '  -H "Authorization: Bearer $TOKEN"',
        f'  -H "Certifier-Version: {version}"',
    ]
    if "requestBody" in operation:
        example = _example(document, _content(operation["requestBody"]))
        text = json.dumps(example, ensure_ascii=False).replace("'", "'\\''")
        lines += ['  -H "Content-Type: application/json"', f"  -d '{text}'"]
    return " \\\n".join(lines)


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value of a schema: its example, else one made of the examples of what it requires."""
    schema = _resolve(document, schema)
    if "examples" in schema:
        return schema["examples"][0]
    if "anyOf" in schema:
        return _example(document, schema["anyOf"][0])
    properties = schema.get("properties")
    if properties is not None:
        required = schema.get("required", ())
        return {
            name: _example(document, member)
            for name, member in properties.items()
            if name in required or "examples" in _resolve(document, member)
        }
    if schema.get("format") == "date":
        return "2026-11-24"
    return {"array": [], "object": {}, "integer": 1, "number": 1, "boolean": True}.get(schema.get("type", ""), "")


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _members(document: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[Member]:
    """The members of an object and, below each, those of the objects in it."""
    schema = _resolve(document, schema)
    if schema.get("type") == "array":
        yield from _members(document, schema.get("items", {}), f"{prefix}[]." if prefix == "" else prefix)
        return
    for name, member in schema.get("properties", {}).items():
        resolved = _resolve(document, member)
        yield Member(
            prefix + name,
            _type(document, member),
            name in schema.get("required", ()),
            member.get("description", "") or _limits(resolved),
        )
        inner = resolved.get("items", resolved) if resolved.get("type") == "array" else resolved
        suffix = "[]." if resolved.get("type") == "array" else "."
        if _resolve(document, inner).get("properties"):
            yield from _members(document, inner, prefix + name + suffix)


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    schema = _resolve(document, schema)
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(document, choice) for choice in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(document, schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any value"))


def _limits(schema: dict[str, Any]) -> str:
    names = {"minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {}"}
    return ", ".join(text.format(schema[name]) for name, text in names.items() if name in schema)


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    return schema
