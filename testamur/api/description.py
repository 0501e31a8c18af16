"""The API described: /openapi.json for programs, /docs for people; and the JSON Schema of what a design is."""

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


def routes(platform: Platform) -> list[Route]:
    document = describe_api(OPERATIONS, platform.settings.base_url)
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=2)
    context = reference_context(document)
    schema = msgspec.json.format(msgspec.json.encode(json_schema()), indent=2)
    # Tools in a browser on another host may read the descriptions; they hold no secret.
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}

    async def openapi(_request: Request) -> Response:
        return Response(encoded, headers=headers, media_type="application/json")

    async def design_document(_request: Request) -> Response:
        return Response(schema, headers=headers, media_type="application/schema+json")

    async def docs(request: Request) -> Response:
        return page(request, "reference.html", context)

    return [
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route("/schemas/design-document-1.json", design_document),
    ]
