"""The table of screens: which function answers which path, and who may ask for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from testamur.accounts.model import Membership
from testamur.accounts.queries import find_membership
from testamur.accounts.roles import Permission
from testamur.accounts.sessions import SignedIn, find_session, is_use_worth_recording, record_use
from testamur.dashboard.visits import SignedInVisit, Visit, WorkspaceVisit
from testamur.errors import Forbidden, NotFound
from testamur.web.platform import Platform
from testamur.web.translating import locale_in_use, use_locale

Method = Literal["GET", "POST"]
# `anybody`, `signed_in`, or the permission that a member of the workspace needs.
Asker = Literal["anybody", "signed_in"] | Permission


@dataclass(frozen=True, slots=True)
class Screen:
    """One path and method. Of a workspace's screens, `path` stands behind `/w/SLUG`."""

    method: Method
    path: str
    answer: Callable[[Any], Awaitable[Response]]
    asker: Asker

    @property
    def is_of_workspace(self) -> bool:
        return self.asker not in {"anybody", "signed_in"}

    @property
    def full_path(self) -> str:
        return f"/w/{{workspace}}{self.path}" if self.is_of_workspace else self.path


def for_anybody(method: Method, path: str, answer: Callable[[Visit], Awaitable[Response]]) -> Screen:
    """A page that needs no signing in."""
    return Screen(method, path, answer, "anybody")


def for_signed_in(method: Method, path: str, answer: Callable[[SignedInVisit], Awaitable[Response]]) -> Screen:
    """A page about an account."""
    return Screen(method, path, answer, "signed_in")


def in_workspace(
    method: Method, path: str, answer: Callable[[WorkspaceVisit], Awaitable[Response]], permission: Permission
) -> Screen:
    """A page of a workspace, for members whose role has the permission."""
    return Screen(method, path, answer, permission)


def route(platform: Platform, screen: Screen) -> Route:
    """The screen as a route that lets in only who may ask, in their language."""

    async def answer(request: Request) -> Response:
        visit = Visit(platform, request)
        if screen.asker == "anybody":
            return await _answer(screen, visit)
        secret = request.cookies.get(visit.session_cookie, "")
        slug = request.path_params.get("workspace", "")
        signed_in, member = await visit.read(lambda tx: _who(tx, secret, slug, visit))
        if signed_in is None:
            return _to_sign_in(visit)
        account, session = signed_in.account, signed_in.session
        if is_use_worth_recording(session, visit.at):
            await visit.write_unrecorded(lambda tx: record_use(tx, session.id, at=visit.at))
        if account.language:
            use_locale(account.language)
        if screen.asker == "signed_in":
            return await _answer(screen, SignedInVisit(platform, request, account, session))
        # Whether there is no such workspace or it is somebody else's is not told.
        if member is None:
            raise NotFound
        use_locale(locale_in_use().language, member.workspace.time_zone)
        request.scope.setdefault("state", {})["workspace_id"] = member.workspace.id
        of_member = WorkspaceVisit(platform, request, account, session, member)
        if slug != member.workspace.slug and screen.method == "GET":
            return RedirectResponse(_with_slug(request.url, slug, member.workspace.slug), 308)
        try:
            member.require(screen.asker)
        except Forbidden as refusal:
            return of_member.page("forbidden.html", {"message": refusal.message}, status=403)
        return await _answer(screen, of_member)

    return Route(screen.full_path, _closing(answer), methods=[screen.method], name=screen.answer.__name__)


def _closing(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The same, letting go of files that came with a form."""

    async def answer_and_close(request: Request) -> Response:
        try:
            return await answer(request)
        finally:
            await request.close()

    return answer_and_close


async def _answer(screen: Screen, visit: Visit) -> Response:
    try:
        return await screen.answer(visit)
    finally:
        await visit.close()


def _who(tx: Any, secret: str, slug: str, visit: Visit) -> tuple[SignedIn | None, Membership | None]:
    signed_in = find_session(tx, secret, at=visit.at) if secret else None
    member = find_membership(tx, signed_in.account.id, slug) if signed_in and slug else None
    return signed_in, member


def _to_sign_in(visit: Visit) -> Response:
    url = visit.request.url
    is_page = visit.request.method == "GET" and not visit.is_htmx
    wanted = visit.next_path(url.path + (f"?{url.query}" if url.query else "")) if is_page else "/"
    where = URL("/sign-in") if wanted == "/" else URL("/sign-in").include_query_params(next=wanted)
    return visit.go(str(where))


def _with_slug(url: URL, old: str, new: str) -> str:
    """The same page under the slug that the workspace has now."""
    path = f"/w/{new}" + url.path.removeprefix(f"/w/{old}")
    return path + (f"?{url.query}" if url.query else "")
