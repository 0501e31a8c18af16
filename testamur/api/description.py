"""The API described: /openapi.json for programs, /docs for people; and the JSON Schema of what a design is."""

from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.api.openapi import describe_api
from testamur.api.reference import reference_context
from testamur.api.v1.door import OPERATIONS
from testamur.rendering.document import json_schema
from testamur.web.html import page
from testamur.web.platform import Platform
from testamur.web.translating import DEFAULT_LANGUAGE, use_locale


def routes(platform: Platform) -> list[Route]:
    base_url = platform.settings.base_url
    # Tools in a browser on another host may read the descriptions; they hold no secret.
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}

    async def openapi(_request: Request) -> Response:
        return Response(_openapi(base_url), headers=headers, media_type="application/json")

    async def design_document(_request: Request) -> Response:
        return Response(_design_schema(), headers=headers, media_type="application/schema+json")

    async def docs(request: Request) -> Response:
        # The description of the API is in English, and so is all of its page.
        use_locale(DEFAULT_LANGUAGE)
        return page(request, "reference.html", _reference(base_url))

    return [
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route("/schemas/design-document-1.json", design_document),
    ]


# Made when first asked for, since few ask and a server shall start quickly; nothing of it changes while it runs.


@cache
def _described(base_url: str) -> dict[str, Any]:
    return describe_api(OPERATIONS, base_url)


@cache
def _openapi(base_url: str) -> bytes:
    return _as_text(_described(base_url))


@cache
def _reference(base_url: str) -> dict[str, Any]:
    return reference_context(_described(base_url))


@cache
def _design_schema() -> bytes:
    return _as_text(json_schema())


def _as_text(document: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2)
