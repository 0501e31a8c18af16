"""A receiver of webhooks: `python -m benchmarks.receiver PORT MILLISECONDS`; GET tells how many came."""

import sys

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


def main() -> None:
    port, seconds = int(sys.argv[1]), int(sys.argv[2]) / 1000
    count = 0

    async def hook(request: Request) -> Response:
        nonlocal count
        if request.method == "GET":
            return PlainTextResponse(str(count))
        await request.body()
        await anyio.sleep(seconds)
        count += 1
        return Response(status_code=204)

    app = Starlette(routes=[Route("/", hook, methods=["GET", "POST"])])
    uvicorn.run(app, port=port, log_level="error", backlog=2048)


if __name__ == "__main__":
    main()
