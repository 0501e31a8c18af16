"""Verification of badges, ours and anybody's: the page where a file is dropped or an address pasted, and its JSON.

Nothing is fetched because somebody opened a link: `GET` only verifies credentials of this server, whose documents it has
itself. Each step is told with its reason; a badge that cannot be read is an answer like any other.
"""

from collections.abc import Callable
from datetime import UTC, date
from typing import Any

import anyio
import msgspec
from anyio.to_thread import run_sync
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from testamur.clock import now
from testamur.credentials.badges import get_shown_credential
from testamur.credentials.links import bundle_url, page_url
from testamur.errors import Gone, Invalid, NotFound, TestamurError, TooLarge, Unavailable
from testamur.openbadges.credential_rules import moment
from testamur.openbadges.reports import STEP_MARKS, STEP_TITLES, VERDICT_TITLES, Facts, Report
from testamur.openbadges.verification import verify
from testamur.rendering.values import as_text
from testamur.wallet.own_documents import OwnDocuments
from testamur.wallet.public_ids import to_public_id
from testamur.web.documents import preferred
from testamur.web.errors import STATUS, error_headers
from testamur.web.html import page
from testamur.web.platform import Platform
from testamur.web.rate_limit import RateLimit, counted_client
from testamur.web.translating import DEFAULT_LANGUAGE, locale_in_use, marked
from testamur.web.verifying import FILE_BYTES_MAX, badge_in, fetch_documents

# Most of the time a thread waits for another server.
VERIFICATIONS_MAX = 4
WAITING_MAX = 16
RETRY_AFTER_SECONDS = 5
# By client address: many people may share one.
RATE = "120/minute"
UPLOAD_SECONDS = 60
# What a form has around the file, and how much of one that is too large is still taken: a browser that may not send all
# of it shows no answer.
_FORM_BYTES = 20_000
_DRAINED_BYTES_MAX = 8 * FILE_BYTES_MAX
_TYPES = ("text/html", "application/json")
_FACTS = (
    ("name", marked("Credential")),
    ("recipient", marked("Awarded to")),
    ("issuer_name", marked("Issued by")),
    ("issuer", marked("Identifier of the issuer")),
    ("valid_from", marked("Valid from")),
    ("valid_until", marked("Valid until")),
    ("standard", marked("Standard")),
)


class ToldStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a report under the name that people know it by."""

    name: str
    title: str
    status: str
    mark: str
    reason: str


class ToldFact(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    text: str


class ToldReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A report, and how it is told: what programs read and pages show in their language.

    `shown_facts` are the facts as people read them. `bundle_url` is there if it is a credential of this server.
    """

    verdict: str
    title: str
    explanation: str
    steps: list[ToldStep]
    facts: Facts
    shown_facts: list[ToldFact]
    document: Any = None
    bundle_url: str | None = None


class Verifying:
    def __init__(self, platform: Platform, own: OwnDocuments) -> None:
        self._platform = platform
        self._own = own
        self._limit = RateLimit(RATE, platform.settings.valkey_url)
        self._limiter: anyio.CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/verify", self.form),
            Route("/verify", self.given, methods=["POST"]),
            Route("/credentials/{public_id}/verify", self.own_credential),
        ]

    async def form(self, request: Request) -> Response:
        url = request.query_params.get("url", "")[:2000]
        try:
            is_own = bool(url) and await run_sync(self._own.public_id_of, url) is not None
            told = None
            if is_own:
                self._limit.take(f"verify {counted_client(request)}")
                told = await self._verified(lambda: url, is_own=True, language=locale_in_use().language)
        except TestamurError as error:
            return self._page(request, url=url, error=error)
        return self._page(request, url=url, told=told)

    async def given(self, request: Request) -> Response:
        url = ""
        try:
            self._limit.take(f"verify {counted_client(request)}")
            file, url = await _read_form(request)
            language = DEFAULT_LANGUAGE if _wants_json(request) else locale_in_use().language
            told = await self._verified(lambda: url if file is None else badge_in(file), language=language)
        except TestamurError as error:
            if _wants_json(request):
                raise
            return self._page(request, url=url, error=error)
        if _wants_json(request):
            return _json(told)
        return self._page(request, url=url, told=told)

    async def own_credential(self, request: Request) -> Response:
        self._limit.take(f"verify {counted_client(request)}")
        public_id = to_public_id(request.path_params["public_id"])
        if public_id is None:
            raise NotFound

        def check() -> str:
            with self._platform.database.read() as tx:
                get_shown_credential(tx, public_id)
            return page_url(self._platform.settings.base_url, public_id)

        return _json(await self._verified(check, is_own=True))

    async def _verified(
        self, read: Callable[[], bytes | str], *, is_own: bool = False, language: str = DEFAULT_LANGUAGE
    ) -> ToldReport:
        """The report on what `read` gives, made on one of a few threads. Raises Unavailable if too many wait already.

        Days are written in the language; its sentences are the engine's, which pages translate as they show them.
        """
        # Made on first use, because a limiter belongs to the event loop that runs then.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(VERIFICATIONS_MAX)
        if self._limiter.statistics().tasks_waiting >= WAITING_MAX:
            raise Unavailable(
                "Many badges are being verified right now; try again shortly", retry_after_seconds=RETRY_AFTER_SECONDS
            )
        return await run_sync(lambda: self._report(read(), is_own=is_own, language=language), limiter=self._limiter)

    def _report(self, content: bytes | str, *, is_own: bool, language: str) -> ToldReport:
        outside = fetch_documents(allow_private=self._platform.settings.allow_private_networks)

        def fetch(url: str) -> bytes:
            found = self._own.find(url)
            return outside(url) if found is None else found

        known = _Known(self._own, self._platform.settings.known_issuers)
        found = verify(content, fetch=self._own.fetch if is_own else fetch, at=now(), known_issuers=known)
        return tell(found, bundle_url=self._bundle_url(found), language=language)

    def _bundle_url(self, found: Report) -> str | None:
        """Of a credential of ours, if what was verified is one and not a forgery of one."""
        public_id = self._own.public_id_of(found.facts.id or "")
        if public_id is None or found.steps[0].status != "passed":
            return None
        try:
            with self._platform.database.read() as tx:
                get_shown_credential(tx, public_id)
        except (NotFound, Gone):
            return None
        return bundle_url(self._platform.settings.base_url, public_id)

    def _page(
        self, request: Request, *, url: str, told: ToldReport | None = None, error: TestamurError | None = None
    ) -> Response:
        message = "" if error is None else error.message
        context = {
            "url": url,
            "report": told,
            "error": message,
            "file_bytes_max": FILE_BYTES_MAX,
            "file_mb_max": FILE_BYTES_MAX // 1_000_000,
            "too_large": _too_large().message,
        }
        response = page(request, "verify.html", context, status=200 if error is None else STATUS[type(error)])
        if error is not None:
            response.headers.update(error_headers(error))
        response.headers["Cache-Control"] = "no-store"
        return response


class _Known:
    """Issuers of whom is known who they are: those of this server, and those that its operator names."""

    def __init__(self, own: OwnDocuments, named: tuple[str, ...]) -> None:
        self._own = own
        self._named = named

    def __contains__(self, issuer: object) -> bool:
        return issuer in self._named or issuer in self._own


def tell(found: Report, *, bundle_url: str | None = None, language: str = DEFAULT_LANGUAGE) -> ToldReport:
    """A report in the words of the page."""
    title, explanation = VERDICT_TITLES[found.verdict]
    return ToldReport(
        verdict=found.verdict,
        title=title,
        explanation=explanation,
        steps=[
            ToldStep(
                name=step.name,
                title=STEP_TITLES[step.name],
                status=step.status,
                mark=STEP_MARKS[step.status],
                reason=step.reason,
            )
            for step in found.steps
        ],
        facts=found.facts,
        shown_facts=[
            ToldFact(title=title, text=_day_or_text(name, text, language))
            for name, title in _FACTS
            if (text := getattr(found.facts, name))
        ],
        document=found.document,
        bundle_url=bundle_url,
    )


def _day_or_text(name: str, text: str, language: str) -> str:
    at = moment(text) if name in {"valid_from", "valid_until"} else None
    if at is None:
        return text
    day: date = at.astimezone(UTC).date()
    return as_text(day, language)


async def _read_form(request: Request) -> tuple[bytes | None, str]:
    """The file, None if there is none, and the address. Raises Invalid and TooLarge."""
    try:
        with anyio.fail_after(UPLOAD_SECONDS):
            async with _form(request) as form:
                file, url = form.get("file"), form.get("url")
                content = await file.read() if isinstance(file, UploadFile) else b""
    except (HTTPException, ClientDisconnect):
        raise Invalid("The form cannot be read; try again") from None
    except TimeoutError:
        raise Invalid(f"The upload took longer than {UPLOAD_SECONDS} seconds; try again") from None
    if len(content) > FILE_BYTES_MAX:
        raise _too_large()
    text = url.strip() if isinstance(url, str) else ""
    if not content and not text:
        raise Invalid("Choose a file, or give the address of a badge")
    return content or None, text


def _form(request: Request) -> Any:
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > FILE_BYTES_MAX + _FORM_BYTES:
            while message.get("more_body") and received < _DRAINED_BYTES_MAX:
                message = await request.receive()
                received += len(message.get("body", b""))
            raise _too_large()
        return message

    return Request(request.scope, receive).form(max_files=1, max_fields=10, max_part_size=FILE_BYTES_MAX)


def _too_large() -> TooLarge:
    return TooLarge(f"The file is larger than {FILE_BYTES_MAX // 1_000_000} MB, which no badge needs to be")


def _wants_json(request: Request) -> bool:
    return preferred(request.headers.get("accept", ""), _TYPES) == "application/json"


def _json(told: ToldReport) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(msgspec.json.encode(told), headers=headers, media_type="application/json")
