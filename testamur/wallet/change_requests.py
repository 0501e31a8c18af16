"""Asking the issuer for a correction: a form below the credential's page, and what the link in the mail leads to."""

from collections.abc import Callable, Mapping
from datetime import date

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from testamur.change_requests.asking import ask_for_change, can_be_asked, confirm, find_by_link
from testamur.change_requests.links import ask_url, confirm_url
from testamur.change_requests.model import ChangeRequest, RequestKind
from testamur.clock import now
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential
from testamur.credentials.pins import find_pin
from testamur.credentials.queries import get_credential, get_public_credential
from testamur.db import Transaction
from testamur.errors import Conflict, Invalid, NotFound, path_text
from testamur.rendering.values import as_text
from testamur.wallet.public_ids import to_public_id
from testamur.web.forms import read_form
from testamur.web.html import page
from testamur.web.platform import Platform
from testamur.web.rate_limit import RateLimit, counted_client
from testamur.web.threads import Result, run_query
from testamur.web.translating import locale_in_use, marked
from testamur.workspaces.queries import get_workspace

# A recipient is protected from mails that strangers cause, the mail server from a client that causes many.
CREDENTIAL_RATE = "5/day"
CLIENT_RATE = "30/hour"
# 2,000 characters take up to twelve bytes each in a form.
FORM_BYTES_MAX = 32_000
KINDS: dict[RequestKind, str] = {
    "name": marked("My name"),
    "email": marked("My email address"),
    "date": marked("The issue date"),
    "other": marked("Something else"),
}
_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class ShownSubject(msgspec.Struct, frozen=True, kw_only=True):
    """The credential that a correction is about. Its address is shown to nobody here."""

    name: str
    recipient_name: str
    issue_date: str
    issuer_name: str
    support_email: str | None
    page_url: str
    ask_url: str
    can_be_asked: bool


class ShownRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, to whoever has the link."""

    subject: ShownSubject
    about: str
    stated: str
    proposed: str
    message: str
    state: str
    answer: str | None


class ChangeRequests:
    """The pages, and how often a correction may be asked for."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._base_url = platform.settings.base_url
        self._per_credential = RateLimit(CREDENTIAL_RATE, platform.settings.valkey_url)
        self._per_client = RateLimit(CLIENT_RATE, platform.settings.valkey_url)

    def routes(self) -> list[Route]:
        return [
            Route("/credentials/{public_id}/correction", self.form),
            Route("/credentials/{public_id}/correction", self.ask, methods=["POST"]),
            Route("/corrections/confirm", self.show),
            Route("/corrections/confirm", self.confirm, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        public_id = _public_id(request)
        subject = await self._read(lambda tx: self._subject(tx, get_public_credential(tx, public_id)))
        return _form_page(request, subject)

    async def ask(self, request: Request) -> Response:
        public_id = _public_id(request)
        given = await read_form(request, self._base_url, bytes_max=FORM_BYTES_MAX)
        subject = await self._read(lambda tx: self._subject(tx, get_public_credential(tx, public_id)))

        def work(tx: Transaction) -> None:
            credential = get_public_credential(tx, public_id)
            ask_for_change(
                tx,
                credential,
                kind=given.get("kind", ""),
                proposed=given.get("proposed", ""),
                message=given.get("message", ""),
                at=now(),
            )

        # What is wrong with a form can be put right, and uses up nothing.
        try:
            self._per_client.take(f"correction/client/{counted_client(request)}")
            await self._write(work, before_commit=lambda: self._per_credential.take(f"correction/{public_id}"))
        except Invalid as refusal:
            faults = {path_text(problem.path): problem.message for problem in refusal.problems}
            return _form_page(request, subject, given=given, faults=faults, status=400)
        except Conflict as refusal:
            return _form_page(request, subject, given=given, faults={"": refusal.message}, status=409)
        self._platform.wake_worker()
        return _page(request, "correction_sent.html", {"subject": subject})

    async def show(self, request: Request) -> Response:
        """Only the button makes a request real: programs that look into mails open links, and press nothing."""
        token = request.query_params.get("token", "")
        shown = await self._read(lambda tx: self._shown(tx, find_by_link(tx, token, at=now())))
        if shown is None:
            return _page(request, "correction_stale.html", {}, status=410)
        return _page(request, "correction.html", {"request": shown, "token": token, "refusal": ""})

    async def confirm(self, request: Request) -> Response:
        token = (await read_form(request, self._base_url)).get("token", "")
        try:
            found = await self._write(lambda tx: confirm(tx, token, at=now()))
        except Conflict as refusal:
            shown = await self._read(lambda tx: self._shown(tx, find_by_link(tx, token, at=now())))
            context = {"request": shown, "token": token, "refusal": refusal.message}
            return _page(request, "correction.html", context, status=409)
        if found is None:
            return _page(request, "correction_stale.html", {}, status=410)
        return RedirectResponse(confirm_url("", token), 303, _HEADERS)

    def _subject(self, tx: Transaction, credential: Credential) -> ShownSubject:
        workspace = get_workspace(tx, credential.workspace_id)
        template = get_credential_template(tx, workspace.id, credential.credential_template_id)
        # As on its page, a credential is called what its picture says.
        pin = find_pin(tx, workspace.id, credential.id)
        url = page_url(self._base_url, credential.public_id)
        return ShownSubject(
            name=template.name if pin is None else as_text(pin.values["group.name"]),
            recipient_name=credential.recipient.name,
            issue_date=as_text(credential.issue_date, locale_in_use().language),
            issuer_name=workspace.name if pin is None else as_text(pin.values["issuer.name"]),
            support_email=workspace.support_email,
            page_url=url,
            ask_url=ask_url(url),
            can_be_asked=can_be_asked(credential),
        )

    def _shown(self, tx: Transaction, found: ChangeRequest | None) -> ShownRequest | None:
        if found is None:
            return None
        is_day = found.kind == "date"
        return ShownRequest(
            subject=self._subject(tx, get_credential(tx, found.workspace_id, found.credential_id)),
            about=KINDS[found.kind],
            stated=_day_text(found.stated) if is_day else found.stated,
            proposed=_day_text(found.proposed) if is_day else found.proposed,
            message=found.message,
            state=found.state,
            answer=found.answer,
        )

    async def _read(self, work: Callable[[Transaction], Result]) -> Result:
        def run() -> Result:
            with self._platform.database.read() as tx:
                return work(tx)

        return await run_query(self._platform.database, run)

    async def _write(
        self, work: Callable[[Transaction], Result], *, before_commit: Callable[[], None] = lambda: None
    ) -> Result:
        def run() -> Result:
            with self._platform.database.write() as tx:
                done = work(tx)
                before_commit()
                return done

        return await run_query(self._platform.database, run)


def _public_id(request: Request) -> str:
    public_id = to_public_id(request.path_params["public_id"])
    if public_id is None:
        raise NotFound
    return public_id


def _day_text(day: str) -> str:
    return as_text(date.fromisoformat(day), locale_in_use().language)


def _form_page(
    request: Request,
    subject: ShownSubject,
    *,
    given: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    context = {
        "subject": subject,
        "kinds": KINDS,
        "given": {"kind": "name", "proposed": "", "message": "", **(given or {})},
        "is_refused": bool(faults),
        "faults": {"": "", "kind": "", "proposed": "", "message": "", **(faults or {})},
    }
    return _page(request, "ask_for_correction.html", context, status=status)


def _page(request: Request, name: str, context: Mapping[str, object], *, status: int = 200) -> Response:
    response = page(request, name, context, status=status)
    response.headers.update(_HEADERS)
    return response


def routes(platform: Platform) -> list[Route]:
    return ChangeRequests(platform).routes()
