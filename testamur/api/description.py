"""The API described: /openapi.json for programs, /docs for people."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.api.openapi import describe_api
from testamur.api.reference import reference_context
from testamur.api.v1.door import OPERATIONS
from testamur.web.html import page
from testamur.web.platform import Platform


def routes(platform: Platform) -> list[Route]:
    document = describe_api(OPERATIONS, platform.settings.base_url)
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=2)
    context = reference_context(document)

    async def openapi(_request: Request) -> Response:
        # Tools in a browser on another host may read the description; it holds no secret.
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
        return Response(encoded, headers=headers, media_type="application/json")

    async def docs(request: Request) -> Response:
        return page(request, "reference.html", context)

    return [Route("/openapi.json", openapi), Route("/docs", docs)]
