from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur import __version__
from testamur.web.html import page
from testamur.web.platform import Platform
from testamur.web.welcome import first_request


def routes(platform: Platform) -> list[Route]:
    base_url = platform.settings.base_url
    context = {
        "version": __version__,
        "api_url": f"{base_url}/v1",
        "docs_url": f"{base_url}/docs",
        "curl": first_request(base_url, token="tst_…", design_ids=["01fp…", "01hz…"]),  # noqa: S106 - a placeholder.
    }

    async def home(request: Request) -> Response:
        return page(request, "home.html", context)

    return [Route("/", home)]
