"""The one place where a failure becomes an answer.

Under `/v1` every failure is the JSON envelope of the API, whatever raised it, and so it is where only programs read;
elsewhere it is a page. A bug is answered without details and logged with the request's id.
"""

from collections.abc import Mapping

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from testamur.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    InvalidJSON,
    InvalidVersion,
    MissingVersion,
    NotFound,
    PaymentRequired,
    RateLimited,
    TestamurError,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unprocessable,
)
from testamur.web.documents import preferred
from testamur.web.html import page
from testamur.web.translating import gettext as _
from testamur.web.translating import marked, told
from testamur.wire.v1.errors import to_error, to_problem

API_PREFIX = "/v1"
# What scripts in pages of any origin may read, errors included.
OPEN_PREFIXES = ("/log/",)

STATUS: Mapping[type[TestamurError], int] = {
    MissingVersion: 400,
    InvalidVersion: 400,
    InvalidJSON: 400,
    Invalid: 400,
    Unauthorized: 401,
    PaymentRequired: 402,
    Forbidden: 403,
    NotFound: 404,
    Gone: 410,
    Conflict: 409,
    TooLarge: 413,
    Unprocessable: 422,
    RateLimited: 429,
    Unavailable: 503,
    TestamurError: 500,
}

_PAGES = {
    400: (marked("This request can't be understood"), marked("Check the address, or go back and try again.")),
    403: (
        marked("This form came from another page"),
        marked("Open this site's own page again and send the form from there."),
    ),
    404: (marked("There is nothing here"), marked("The address may be mistyped, or what stood here was removed.")),
    410: (
        marked("This was withdrawn"),
        marked("Its issuer has taken it away for good. Ask the organisation that issued it."),
    ),
    405: (
        marked("This address can't be used that way"),
        marked("Open it in a browser instead of sending a form to it."),
    ),
    413: (marked("This is too large"), marked("Send a smaller file.")),
    429: (marked("Too many requests"), marked("Please wait a while, then try again.")),
    500: (marked("Something broke on our side"), marked("It was recorded. Please try again in a moment.")),
    503: (marked("Back in a moment"), marked("The server is busy or being looked after. Please try again shortly.")),
}

# Programs that ask for documents of credentials, issuers and lists are not told of failures by a page.
_DOCUMENT_TYPES = (
    "application/json",
    "application/ld+json",
    "application/vc+ld+json",
    "application/vc",
    "application/did+json",
)

_log = structlog.get_logger(__name__)


class ErrorAnswers:
    """ASGI middleware around everything: what is raised inside becomes an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception as error:
            response = error_answer(Request(scope), error)
            if started:
                # Half an answer is on its way; breaking the connection is the only honest end.
                raise
            await response(scope, receive, scope.get("testamur.send", send))


def is_api(path: str) -> bool:
    return path == API_PREFIX or path.startswith(API_PREFIX + "/")


def error_answer(request: Request, error: Exception) -> Response:
    is_open = request.url.path.startswith(OPEN_PREFIXES)
    is_json = is_open or is_api(request.url.path)
    failure = error if isinstance(error, TestamurError) else None
    if failure is None and isinstance(error, HTTPException) and error.status_code < 500:
        failure = NotFound() if is_json else None
        if failure is None:
            return error_page(request, error.status_code, error.headers)
    if failure is None:
        _log.error("request_failed", path=request.url.path, exc_info=error)
        failure = TestamurError()
    if is_json:
        is_problem = "application/problem+json" in request.headers.get("accept", "")
        response = error_problem(failure) if is_problem else error_envelope(failure)
        if is_open:
            response.headers["Access-Control-Allow-Origin"] = "*"
        return response
    if preferred(request.headers.get("accept", ""), ("text/html", *_DOCUMENT_TYPES)) != "text/html":
        return error_problem(failure)
    # What is wrong with an address is worth saying; what else a failure tells is for programs.
    message = told(failure.message) if isinstance(failure, Invalid) else ""
    return error_page(request, STATUS[type(failure)], error_headers(failure), message=message)


def error_envelope(failure: TestamurError) -> Response:
    """The error object of the API."""
    content = msgspec.json.encode(to_error(failure))
    return Response(content, STATUS[type(failure)], error_headers(failure), media_type="application/json")


def error_problem(failure: TestamurError) -> Response:
    """The same as a problem of RFC 9457, for who asks for it."""
    status = STATUS[type(failure)]
    content = msgspec.json.encode(to_problem(failure, status))
    return Response(content, status, error_headers(failure), media_type="application/problem+json")


def error_headers(failure: TestamurError) -> dict[str, str]:
    """What a failure tells in headers: when to come again, and that nobody keeps the answer."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(failure, RateLimited | Unavailable) and failure.retry_after_seconds is not None:
        headers["Retry-After"] = str(failure.retry_after_seconds)
    if isinstance(failure, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def error_page(
    request: Request, status: int, headers: Mapping[str, str] | None = None, *, title: str = "", message: str = ""
) -> Response:
    """A page for a person; without a title and message (in the language of the page), the usual ones of the status."""
    usual = _PAGES.get(status, _PAGES[500] if status >= 500 else _PAGES[400])
    context = {
        "status": status,
        "title": title or _(usual[0]),
        "message": message or _(usual[1]),
        "request_id": getattr(request.state, "request_id", ""),
    }
    response = page(request, "error.html", context, status=status)
    response.headers.update(headers or {})
    response.headers["Cache-Control"] = "no-store"
    return response
