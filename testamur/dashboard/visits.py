"""A visit: one request to the dashboard, with who makes it and in which workspace, and the ways to answer it."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from anyio.to_thread import run_sync
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from testamur.accounts.model import Account, Membership, Session
from testamur.accounts.roles import Permission
from testamur.accounts.sessions import LASTS, SignedIn, find_session
from testamur.audit.model import Actor
from testamur.audit.recording import record_action
from testamur.clock import now
from testamur.db import Transaction
from testamur.errors import Invalid, Problem, TooLarge, path_text
from testamur.web.forms import check_origin
from testamur.web.html import page
from testamur.web.platform import Platform
from testamur.web.threads import run_query
from testamur.web.translating import told
from testamur.workspaces.model import Workspace

Result = TypeVar("Result")

FORM_BYTES_MAX = 512 * 1024
UPLOAD_BYTES_MAX = 64 * 1024 * 1024
_FIELDS_MAX = 2000
_NOTICE_SECONDS = 60
# Where a visitor may be sent after signing in: to pages of this dashboard, never to another site.
_NEXT = re.compile(r"/(?:w/[a-z0-9-]+|account|workspaces|invitation)(?:/[\w/.-]*)?(?:\?[\w=&%.+:-]*)?", re.ASCII)


class Undo(msgspec.Struct, frozen=True):
    """A button beside a notice that takes back what was done: where it sends which fields."""

    path: str
    fields: Mapping[str, str] = {}


class Notice(msgspec.Struct, frozen=True):
    """What the next page says of what was just done. `kind` is `good` or `bad`."""

    text: str
    kind: str = "good"
    undo: Undo | None = None


class Form:
    """The fields of a form as they were sent."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str) -> str:
        """Of a field that is there twice, the last; an empty text if there is none."""
        value = self._data.getlist(name)[-1:] or [""]
        return value[0] if isinstance(value[0], str) else ""

    def texts(self, name: str) -> list[str]:
        return [value for value in self._data.getlist(name) if isinstance(value, str)]

    def has(self, name: str) -> bool:
        """Whether a box is ticked, or which of several buttons was pressed."""
        return name in self._data

    def file(self, name: str) -> UploadFile | None:
        """What was uploaded; None if no file was chosen."""
        value = self._data.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def names(self) -> list[str]:
        return list(self._data)

    def values(self) -> dict[str, str]:
        """The last text of each field, to show a refused form again."""
        return {name: self.text(name) for name in self._data}


def faults_of(failure: Invalid) -> dict[str, str]:
    """What is wrong by the name of the field: `recipient.name`. What belongs to no field is under the empty name."""
    return {path_text(problem.path): told(problem.message) for problem in reversed(failure.problems)}


class Visit:
    """A request of anybody. Pages for people who are not signed in use no more than this."""

    def __init__(self, platform: Platform, request: Request) -> None:
        self.platform = platform
        self.request = request
        self.at: datetime = now()
        self._notice: Notice | None = None
        self._form: FormData | None = None

    @property
    def is_secure(self) -> bool:
        return self.platform.settings.base_url.lower().startswith("https://")

    @property
    def client(self) -> str:
        """The address that the request came from."""
        return self.request.client.host if self.request.client else ""

    @property
    def is_htmx(self) -> bool:
        """Whether a part of a page is asked for, and not a page."""
        return "hx-request" in self.request.headers and "hx-boosted" not in self.request.headers

    def parameter(self, name: str) -> str:
        """A part of the path: `/credentials/{id}`."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        def run() -> Result:
            with self.platform.database.read() as tx:
                return work(tx)

        return await run_query(self.platform.database, run)

    async def write_unrecorded(self, work: Callable[[Transaction], Result]) -> Result:
        """A transaction about an account, which no workspace's audit log is about."""

        def run() -> Result:
            with self.platform.database.write() as tx:
                return work(tx)

        return await run_query(self.platform.database, run)

    async def signed_in(self) -> SignedIn | None:
        """Who sends the request, on a page that needs no signing in."""
        secret = self.request.cookies.get(self.session_cookie, "")
        return await self.read(lambda tx: find_session(tx, secret, at=self.at)) if secret else None

    async def form(self, *, with_files: bool = False, files_max: int = 1) -> Form:
        """What was sent. A field for a file counts as one even if none was chosen.

        Raises Forbidden if it was not from a page of this server, TooLarge, Invalid.
        """
        check_origin(self.request, self.platform.settings.base_url)
        size = self.request.headers.get("content-length", "")
        if size.isdigit() and int(size) > (UPLOAD_BYTES_MAX if with_files else FORM_BYTES_MAX):
            raise TooLarge
        received = 0

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > (UPLOAD_BYTES_MAX if with_files else FORM_BYTES_MAX):
                raise TooLarge
            return message

        receive = self.request.receive
        self.request._receive = counted  # noqa: SLF001 - starlette bounds parts, but not the whole.
        from starlette.exceptions import HTTPException  # noqa: PLC0415

        try:
            data = await self.request.form(
                max_files=files_max if with_files else 0, max_fields=_FIELDS_MAX, max_part_size=FORM_BYTES_MAX
            )
        except HTTPException:
            raise Invalid("The form cannot be read; open its page again and send it from there") from None
        self._form = data
        return Form(data)

    async def close(self) -> None:
        """Let go of what was uploaded."""
        if self._form is not None:
            await self._form.close()

    def context(self) -> dict[str, Any]:
        """What every template may use."""
        return {"visit": self, "notice": self.taken_notice(), "theme": self.theme}

    @property
    def theme(self) -> str | None:
        """`light` or `dark` if somebody chose, and not the browser."""
        chosen = self.request.cookies.get("theme")
        return chosen if chosen in {"light", "dark"} else None

    def page(self, name: str, context: Mapping[str, Any] | None = None, *, status: int = 200) -> Response:
        """A page, which nobody keeps: it may show what only this visitor may see."""
        response = page(self.request, name, {**self.context(), **(context or {})}, status=status)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        if self._notice is not None:
            response.delete_cookie("notice", path="/", secure=self.is_secure, httponly=True, samesite="lax")
        return response

    def go(self, path: str, notice: str = "", *, kind: str = "good", undo: Undo | None = None) -> Response:
        """On to another page, which says what was done, or why it was not. htmx, too, goes there as a browser does."""
        response: Response
        if self.is_htmx:
            response = Response(status_code=204, headers={"HX-Redirect": path})
        else:
            response = RedirectResponse(path, 303)
        response.headers["Cache-Control"] = "no-store"
        if notice:
            content = urlsafe_b64encode(msgspec.json.encode(Notice(told(notice), kind, undo))).decode()
            response.set_cookie(
                "notice",
                content,
                max_age=_NOTICE_SECONDS,
                path="/",
                secure=self.is_secure,
                httponly=True,
                samesite="lax",
            )
        return response

    def taken_notice(self) -> Notice | None:
        """What the page before wants said; said once."""
        cookie = self.request.cookies.get("notice", "")
        if not cookie or self.is_htmx:
            return None
        try:
            self._notice = msgspec.json.decode(urlsafe_b64decode(cookie), type=Notice)
        except (ValueError, msgspec.MsgspecError):
            self._notice = Notice("")
        if self._notice.undo is not None and not _NEXT.fullmatch(self._notice.undo.path):
            self._notice = msgspec.structs.replace(self._notice, undo=None)
        return self._notice if self._notice.text else None

    @property
    def session_cookie(self) -> str:
        """Under the prefix browsers take the cookie from nobody but this host itself, by https."""
        return "__Host-session" if self.is_secure else "session"

    @property
    def user_agent(self) -> str:
        """What the browser says that it is."""
        return self.request.headers.get("user-agent", "")

    def keep_session(self, response: Response, secret: str) -> None:
        """Sign this browser in."""
        response.set_cookie(
            self.session_cookie,
            secret,
            max_age=int(LASTS.total_seconds()),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    def drop_session(self, response: Response) -> None:
        response.delete_cookie(self.session_cookie, path="/", secure=self.is_secure, httponly=True, samesite="lax")

    def next_path(self, wanted: str) -> str:
        """Where to go on after signing in: what was asked for, if it is a page of this dashboard."""
        return wanted if _NEXT.fullmatch(wanted) and "//" not in wanted and ".." not in wanted else "/"


class SignedInVisit(Visit):
    """A request of somebody who is signed in, about no workspace."""

    def __init__(self, platform: Platform, request: Request, account: Account, session: Session) -> None:
        super().__init__(platform, request)
        self.account = account
        self.session = session

    @property
    def theme(self) -> str | None:
        return self.account.theme or super().theme


class WorkspaceVisit(SignedInVisit):
    """A request of a member about their workspace."""

    def __init__(
        self, platform: Platform, request: Request, account: Account, session: Session, member: Membership
    ) -> None:
        super().__init__(platform, request, account, session)
        self.member = member

    @property
    def workspace(self) -> Workspace:
        return self.member.workspace

    @property
    def workspace_id(self) -> str:
        return self.member.workspace.id

    @property
    def base_url(self) -> str:
        return self.platform.settings.base_url

    @property
    def actor(self) -> Actor:
        return Actor("account", self.account.id, self.account.email)

    def may(self, permission: Permission) -> bool:
        return self.member.may(permission)

    def url(self, path: str = "", **query: str | int | None) -> str:
        """The address of a page of this workspace; a query parameter that is None or empty is left out."""
        given = {name: value for name, value in query.items() if value not in {None, ""}}
        return f"/w/{self.workspace.slug}{path}" + (f"?{urlencode(given)}" if given else "")

    def is_at(self, path: str) -> bool:
        """Whether the page is this one or below it."""
        here, there = self.request.url.path, self.url(path)
        return here == there or (path != "" and here.startswith(there + "/"))

    async def write(
        self,
        work: Callable[[Transaction], Result],
        *,
        action: str,
        subject: str | Callable[[Result], str | None] | None = None,
        details: Mapping[str, Any] | None = None,
        is_long: bool = False,
    ) -> Result:
        """A transaction that changes something, and tells the audit log what. Wakes the worker.

        A long one (some hundred things) leaves the event loop on every database.

        `action` is such as `credential_template.created`; `subject` is the id of what it is about, or finds it in what
        `work` returned. `details` hold no personal data of recipients.
        """

        def run() -> Result:
            with self.platform.database.write() as tx:
                done = work(tx)
                record_action(
                    tx,
                    self.workspace_id,
                    self.actor,
                    action,
                    subject=subject(done) if callable(subject) else subject,
                    details=details,
                    client=self.client,
                    at=self.at,
                )
                return done

        done = await (run_sync(run) if is_long else run_query(self.platform.database, run))
        self.platform.wake_worker()
        return done


def problem_texts(failure: Invalid) -> list[str]:
    """Each fault with its place, for a list above a form."""
    return [str(Problem(problem.path, told(problem.message))) for problem in failure.problems]
