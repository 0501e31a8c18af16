"""A recipient's own page: all credentials of an address, after signing in by a link in a mail."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime
from hashlib import sha256

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from testamur.clock import now, today
from testamur.credential_templates.queries import find_credential_templates
from testamur.credentials.links import recipient_url, rendering_url
from testamur.credentials.model import Credential
from testamur.credentials.pins import find_pins
from testamur.credentials.renderings import Rendering, find_recorded, record_renderings, renderings_of
from testamur.db import Transaction
from testamur.errors import Invalid
from testamur.recipient_accounts.queries import count_credentials_of_address, list_credentials_of_address
from testamur.recipient_accounts.signing_in import (
    SESSION_VALID,
    ask_for_link,
    find_link,
    find_session,
    sign_in,
    sign_out,
)
from testamur.rendering.document import DesignType
from testamur.rendering.values import as_text
from testamur.text import clean_email
from testamur.wallet.credential_page import ShownDate
from testamur.web.forms import read_form
from testamur.web.html import page
from testamur.web.platform import Platform
from testamur.web.rate_limit import RateLimit, counted_client
from testamur.web.threads import Result, run_query
from testamur.web.translating import locale_in_use
from testamur.wire.v1.paging import read_cursor, to_page
from testamur.workspaces.queries import get_workspace

CREDENTIALS_SHOWN = 12
PICTURE_WIDTH_PX = 400
# An address is protected from mails that its owner did not ask for, the mail server from a client that asks for many.
ADDRESS_RATE = "5/hour"
CLIENT_RATE = "30/hour"
_LIST = "my-credentials"
_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class ShownAward(msgspec.Struct, frozen=True, kw_only=True):
    """A credential in the list."""

    name: str
    recipient_name: str
    issuer_name: str
    issue_date: ShownDate
    expiry_date: ShownDate | None
    # In force, or the word for why it is not.
    standing: str
    page_url: str
    picture_url: str
    picture_type: DesignType


class ShownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of an address says; the cursors are None where there is no such page."""

    address: str
    count: int
    awards: list[ShownAward]
    newer: str | None
    older: str | None


class RecipientPage:
    """The pages, and how often a link may be asked for."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._per_address = RateLimit(ADDRESS_RATE, platform.settings.valkey_url)
        self._per_client = RateLimit(CLIENT_RATE, platform.settings.valkey_url)
        self._is_secure = platform.settings.base_url.lower().startswith("https://")
        # Under this prefix browsers take the cookie from nobody but this host itself, by https.
        self._cookie = "__Host-recipient" if self._is_secure else "recipient"

    def routes(self) -> list[Route]:
        return [
            Route("/my", self.start),
            Route("/my", self.ask, methods=["POST"]),
            Route("/my/sign-in", self.show_link),
            Route("/my/sign-in", self.use_link, methods=["POST"]),
            Route("/my/sign-out", self.leave, methods=["POST"]),
            Route("/my/credentials", self.credentials),
        ]

    async def start(self, request: Request) -> Response:
        if await self._address(request) is not None:
            return _redirect("/my/credentials")
        return _ask_page(request)

    async def ask(self, request: Request) -> Response:
        """Says the same, and does the same, whether or not there are credentials of the address."""
        email = (await read_form(request, self._platform.settings.base_url)).get("email", "")
        try:
            address = clean_email(email)
        except Invalid as fault:
            return _ask_page(request, email=email, fault=fault.message, status=400)
        self._per_client.take(f"sign-in/client/{counted_client(request)}")
        self._per_address.take(f"sign-in/address/{sha256(address.casefold().encode()).hexdigest()}")
        await self._write(lambda tx: ask_for_link(tx, address, at=now()))
        self._platform.wake_worker()
        return _page(request, "link_sent.html", {"address": address})

    async def show_link(self, request: Request) -> Response:
        """Only the button uses the link up: programs that look into mails open links, and press nothing."""
        token = request.query_params.get("token", "")
        address = await self._read(lambda tx: find_link(tx, token, at=now()))
        if address is None:
            return _stale_link_page(request)
        return _page(request, "sign_in.html", {"address": address, "token": token})

    async def use_link(self, request: Request) -> Response:
        token = (await read_form(request, self._platform.settings.base_url)).get("token", "")
        secret = await self._write(lambda tx: sign_in(tx, token, at=now()))
        if secret is None:
            return _stale_link_page(request)
        response = _redirect("/my/credentials")
        response.set_cookie(
            self._cookie,
            secret,
            max_age=int(SESSION_VALID.total_seconds()),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return response

    async def leave(self, request: Request) -> Response:
        await read_form(request, self._platform.settings.base_url)
        secret = request.cookies.get(self._cookie, "")
        await self._write(lambda tx: sign_out(tx, secret))
        response = _redirect("/my")
        response.delete_cookie(self._cookie, path="/", secure=self._is_secure, httponly=True, samesite="lax")
        return response

    async def credentials(self, request: Request) -> Response:
        address = await self._address(request)
        if address is None:
            return _redirect("/my")
        cursor = request.query_params.get("cursor")
        shown = await run_query(
            self._platform.database, lambda: show_account(self._platform, address, cursor, at=now())
        )
        return _page(request, "my_credentials.html", {"account": shown})

    async def _address(self, request: Request) -> str | None:
        secret = request.cookies.get(self._cookie)
        return None if secret is None else await self._read(lambda tx: find_session(tx, secret, at=now()))

    async def _read(self, work: Callable[[Transaction], Result]) -> Result:
        def run() -> Result:
            with self._platform.database.read() as tx:
                return work(tx)

        return await run_query(self._platform.database, run)

    async def _write(self, work: Callable[[Transaction], Result]) -> Result:
        def run() -> Result:
            with self._platform.database.write() as tx:
                return work(tx)

        return await run_query(self._platform.database, run)


def show_account(platform: Platform, address: str, cursor_text: str | None, *, at: datetime) -> ShownAccount:
    """One page of an address's credentials. Raises Invalid for a cursor that is none."""
    cursor = read_cursor(cursor_text, _LIST, date)
    base_url = platform.settings.base_url
    with platform.database.read() as tx:
        found = list_credentials_of_address(tx, address, cursor, CREDENTIALS_SHOWN)
        by_workspace: dict[str, list[Credential]] = defaultdict(list)
        for credential in found.items:
            by_workspace[credential.workspace_id].append(credential)
        awards: dict[str, ShownAward] = {}
        unrecorded: list[Rendering] = []
        for workspace_id, theirs in by_workspace.items():
            made, left = _of_workspace(tx, workspace_id, theirs, base_url, at)
            awards |= made
            unrecorded += left
        count = count_credentials_of_address(tx, address)
    if unrecorded:
        with platform.database.write() as tx:
            record_renderings(tx, unrecorded)
    listed = to_page(found, _LIST, lambda credential: awards[credential.id])
    return ShownAccount(
        address=address,
        count=count,
        awards=listed.data,
        newer=listed.pagination.prev,
        older=listed.pagination.next,
    )


def _of_workspace(
    tx: Transaction, workspace_id: str, credentials: list[Credential], base_url: str, at: datetime
) -> tuple[dict[str, ShownAward], list[Rendering]]:
    """The credentials as they are listed, by id, and which of their pictures have no address that is answered yet."""
    workspace = get_workspace(tx, workspace_id)
    day = today(workspace.time_zone, at)
    ids = [credential.id for credential in credentials]
    templates = find_credential_templates(tx, workspace_id, {item.credential_template_id for item in credentials})
    pins = find_pins(tx, workspace_id, ids)
    known = find_recorded(tx, workspace_id, ids)
    pictures = [of_one[0] for of_one in renderings_of(tx, workspace, credentials, base_url)]
    awards = {}
    for credential, picture in zip(credentials, pictures, strict=True):
        # As the credential's own page, the list says what the picture says.
        pin = pins.get(credential.id)
        template = templates[credential.credential_template_id]
        awards[credential.id] = ShownAward(
            name=template.name if pin is None else as_text(pin.values["group.name"]),
            recipient_name=credential.recipient.name,
            issuer_name=workspace.name if pin is None else as_text(pin.values["issuer.name"]),
            issue_date=_shown_date(credential.issue_date),
            expiry_date=_shown_date(credential.expiry_date) if credential.expiry_date else None,
            standing="revoked" if credential.revoked_at else credential.status_on(day),
            page_url=recipient_url(base_url, credential.public_id),
            picture_url=_picture_url(picture, base_url),
            picture_type=picture.design.type,
        )
    return awards, [item for item in pictures if (item.credential.id, item.design.id, item.digest) not in known]


def _picture_url(picture: Rendering, base_url: str) -> str:
    url = rendering_url(
        base_url,
        workspace_id=picture.credential.workspace_id,
        credential_id=picture.credential.id,
        design_id=picture.design.id,
        digest=picture.digest,
        format_="png",
    )
    return f"{url}?width={PICTURE_WIDTH_PX}"


def _shown_date(day: date) -> ShownDate:
    return ShownDate(day.isoformat(), as_text(day, locale_in_use().language))


def _ask_page(
    request: Request, *, email: str = "", fault: str = "", is_link_stale: bool = False, status: int = 200
) -> Response:
    context = {"email": email, "fault": fault, "is_link_stale": is_link_stale}
    return _page(request, "my.html", context, status=status)


def _stale_link_page(request: Request) -> Response:
    return _ask_page(request, is_link_stale=True, status=410)


def _page(request: Request, name: str, context: dict[str, object], *, status: int = 200) -> Response:
    response = page(request, name, context, status=status)
    response.headers.update(_HEADERS)
    return response


def _redirect(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, _HEADERS)


def routes(platform: Platform) -> list[Route]:
    return RecipientPage(platform).routes()
