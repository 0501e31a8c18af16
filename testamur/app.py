"""The composition root: settings, database and storage become one ASGI app of all doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from testamur.api import description
from testamur.api.v1.door import ApiV1
from testamur.config import read_settings
from testamur.dashboard import routes as dashboard
from testamur.logs import configure_logs
from testamur.wallet import (
    brands,
    bundles,
    change_requests,
    credential_page,
    interactions,
    issuers,
    recipient_page,
    transparency,
)
from testamur.wallet.badges import Badges
from testamur.wallet.files import Files
from testamur.wallet.own_documents import OwnDocuments
from testamur.wallet.status_lists import StatusLists
from testamur.wallet.verifying import Verifying
from testamur.web import health
from testamur.web.errors import ErrorAnswers, is_api
from testamur.web.html import static_files, use_language_of
from testamur.web.platform import Platform, open_platform
from testamur.web.request_log import RequestLog
from testamur.web.starting import settle


def create_app(platform: Platform) -> ASGIApp:
    """Everything that the server answers, for an ASGI server."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        platform.close()

    files = Files(platform)
    badges = Badges(platform, files)
    status_lists = StatusLists(platform)
    own_documents = OwnDocuments(platform, badges, status_lists)
    pages = Starlette(
        routes=[
            *dashboard.routes(platform),
            *health.routes(platform),
            *description.routes(platform),
            *interactions.routes(platform),
            *badges.routes(),
            *credential_page.routes(platform, badges),
            *change_requests.routes(platform),
            *issuers.routes(platform),
            *brands.routes(platform),
            *files.routes(),
            *status_lists.routes(),
            *Verifying(platform, own_documents).routes(),
            *bundles.routes(platform, badges, own_documents),
            *transparency.routes(platform),
            *recipient_page.routes(platform),
            static_files(),
        ],
        lifespan=lifespan,
    )
    return RequestLog(ErrorAnswers(_Doors(ApiV1(platform), pages)))


def create_app_from_environment() -> ASGIApp:
    """What a server process starts with when several serve at once."""
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    app = create_app(open_platform(settings))
    settle()
    return app


class _Doors:
    """The API keeps its own order of checks, so its requests must not meet another router first."""

    def __init__(self, api: ASGIApp, pages: Starlette) -> None:
        self._api = api
        # Starlette would answer failures itself; outside the API, too, that is done in one place.
        self._pages = pages
        self._router = pages.router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_api(scope["path"]):
            await self._api(scope, receive, send)
        elif scope["type"] == "http":
            use_language_of(Request(scope))
            scope["app"] = self._pages  # Without it the router answers a wrong path itself instead of raising.
            await self._router(scope, receive, send)
        else:
            await self._pages(scope, receive, send)
