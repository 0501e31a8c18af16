"""Signing in: by a password, with a code after it if the account has a second factor, or by a passkey; and out."""

import msgspec
from starlette.datastructures import URL
from starlette.responses import Response

from testamur.accounts.passkeys import RelyingParty, begin_passkey_sign_in, relying_party, sign_in_by_passkey
from testamur.accounts.sessions import end_session
from testamur.accounts.signing_in import (
    SECOND_STEP_VALID,
    Begun,
    find_password,
    find_second_step,
    sign_in,
    take_second_step,
)
from testamur.dashboard.screens import for_anybody, for_signed_in
from testamur.dashboard.visits import SignedInVisit, Visit
from testamur.errors import RateLimited
from testamur.web.translating import gettext as _
from testamur.web.translating import ngettext


class PasskeysHere(msgspec.Struct, frozen=True):
    """Whether the page that is shown may ask for passkeys; if not, where the same page may, or None: nowhere here."""

    works: bool
    elsewhere: str | None = None


def party_of(visit: Visit) -> RelyingParty | None:
    return relying_party(visit.platform.settings.base_url)


def passkeys_here(visit: Visit) -> PasskeysHere:
    """Browsers have passkeys under the name of a site, which a bare IP address is not."""
    party = party_of(visit)
    if party is None:
        return PasskeysHere(works=False)
    host = party.origin.partition("://")[2]
    if visit.request.headers.get("host", "").lower() == host:
        return PasskeysHere(works=True)
    return PasskeysHere(works=False, elsewhere=f"{party.origin}{visit.request.url.path}")


def read_answer(text: str) -> dict[str, object]:
    """What a browser gives for a passkey; what is no such thing is an empty one, which nothing accepts."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError:
        return {}


def json_answer(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers={"Cache-Control": "no-store"})


def wait_text(refusal: RateLimited) -> str:
    minutes = -(-refusal.retry_after_seconds // 60)
    text = ngettext(
        "Too many attempts failed. Wait %(minutes)d minute, then try again.",
        "Too many attempts failed. Wait %(minutes)d minutes, then try again.",
        minutes,
    )
    return text % {"minutes": minutes}


async def show(visit: Visit) -> Response:
    wanted = visit.query("next")
    if await visit.signed_in() is not None:
        return visit.go(visit.next_path(wanted))
    return _sign_in_page(visit, wanted)


async def submit(visit: Visit) -> Response:
    form = await visit.form()
    email, password, wanted = form.text("email"), form.text("password"), form.text("next")
    guard = visit.platform.sign_in_guard
    try:
        guard.check(email, visit.client)
        on_file = await visit.read(lambda tx: find_password(tx, email))
        if not await guard.hash(lambda: on_file.is_right(password)):
            guard.count_failure(email, visit.client)
            fault = _("This email address and password do not belong together")
            return _sign_in_page(visit, wanted, email=email, fault=fault, status=422)
    except RateLimited as refusal:
        return _waiting(_sign_in_page(visit, wanted, email=email, fault=wait_text(refusal), status=429), refusal)
    new_hash = await guard.hash(lambda: on_file.new_hash(password))
    begun = await visit.write_unrecorded(
        lambda tx: sign_in(
            tx, on_file, new_hash=new_hash, user_agent=visit.user_agent, client=visit.client, at=visit.at
        )
    )
    if begun is None:
        fault = _("The password was changed just now")
        return _sign_in_page(visit, wanted, email=email, fault=fault, status=422)
    return await _begun(visit, begun, wanted)


async def ask_for_passkey(visit: Visit) -> Response:
    """What a passkey shall sign, for a script."""
    await visit.form()
    visit.platform.sign_in_guard.count_challenge(visit.client)
    party = party_of(visit)
    if party is None:
        return json_answer({})
    return json_answer(await visit.write_unrecorded(lambda tx: begin_passkey_sign_in(tx, party, at=visit.at)))


async def submit_passkey(visit: Visit) -> Response:
    form = await visit.form()
    wanted, party = form.text("next"), party_of(visit)
    answer = read_answer(form.text("answer"))
    begun = None
    if party is not None:
        begun = await visit.write_unrecorded(
            lambda tx: sign_in_by_passkey(
                tx, party, answer, user_agent=visit.user_agent, client=visit.client, at=visit.at
            )
        )
    if begun is None:
        return _sign_in_page(visit, wanted, fault=_("This passkey is not known here, or took too long"), status=422)
    return await _begun(visit, begun, wanted)


async def show_code(visit: Visit) -> Response:
    secret = visit.request.cookies.get(_step_cookie(visit), "")
    if await visit.read(lambda tx: find_second_step(tx, secret, at=visit.at)) is None:
        return _begin_anew(visit)
    return _code_page(visit, visit.query("next"))


async def submit_code(visit: Visit) -> Response:
    form = await visit.form()
    code, wanted = form.text("code"), form.text("next")
    secret = visit.request.cookies.get(_step_cookie(visit), "")
    guard = visit.platform.sign_in_guard
    account = await visit.read(lambda tx: find_second_step(tx, secret, at=visit.at))
    if account is None:
        return _begin_anew(visit)
    try:
        guard.check(account.email, visit.client)
        session = await visit.write_unrecorded(
            lambda tx: take_second_step(
                tx,
                secret,
                code,
                master_key=visit.platform.master_key,
                user_agent=visit.user_agent,
                client=visit.client,
                at=visit.at,
            )
        )
        if session is None:
            guard.count_failure(account.email, visit.client)
            if await visit.read(lambda tx: find_second_step(tx, secret, at=visit.at)) is None:
                return _begin_anew(visit)
            fault = _("This is not the code that the app shows now, nor a recovery code that is left")
            return _code_page(visit, wanted, fault=fault, status=422)
    except RateLimited as refusal:
        return _waiting(_code_page(visit, wanted, fault=wait_text(refusal), status=429), refusal)
    response = await _begun(visit, Begun(session, needs_code=False), wanted)
    _drop_step(visit, response)
    return response


async def sign_out(visit: SignedInVisit) -> Response:
    await visit.form()
    await visit.write_unrecorded(lambda tx: end_session(tx, visit.account.id, visit.session.id))
    response = visit.go("/sign-in", _("You are signed out"))
    visit.drop_session(response)
    return response


async def _begun(visit: Visit, begun: Begun, wanted: str) -> Response:
    """On to where somebody wanted to go, or to the page that asks for a code."""
    wanted = visit.next_path(wanted)
    if begun.needs_code:
        url = URL("/sign-in/code")
        response = visit.go(str(url if wanted == "/" else url.include_query_params(next=wanted)))
        response.set_cookie(
            _step_cookie(visit),
            begun.secret,
            max_age=int(SECOND_STEP_VALID.total_seconds()),
            path="/",
            secure=visit.is_secure,
            httponly=True,
            samesite="strict",
        )
        return response
    before = await visit.signed_in()
    if before is not None:
        # Nobody sees this session any more, as the browser gets another one.
        await visit.write_unrecorded(lambda tx: end_session(tx, before.account.id, before.session.id))
    response = visit.go(wanted)
    visit.keep_session(response, begun.secret)
    return response


def _begin_anew(visit: Visit) -> Response:
    response = visit.go("/sign-in", _("Please begin anew with your password"), kind="bad")
    _drop_step(visit, response)
    return response


def _drop_step(visit: Visit, response: Response) -> None:
    response.delete_cookie(_step_cookie(visit), path="/", secure=visit.is_secure, httponly=True, samesite="strict")


def _step_cookie(visit: Visit) -> str:
    return "__Host-second-step" if visit.is_secure else "second-step"


def _waiting(response: Response, refusal: RateLimited) -> Response:
    response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def _sign_in_page(visit: Visit, wanted: str, *, email: str = "", fault: str = "", status: int = 200) -> Response:
    context = {"email": email, "fault": fault, "next": wanted, "passkeys": passkeys_here(visit)}
    return visit.page("accounts/sign_in.html", context, status=status)


def _code_page(visit: Visit, wanted: str, *, fault: str = "", status: int = 200) -> Response:
    return visit.page("accounts/code.html", {"next": wanted, "faults": {"code": fault} if fault else {}}, status=status)


SCREENS = (
    for_anybody("GET", "/sign-in", show),
    for_anybody("POST", "/sign-in", submit),
    for_anybody("POST", "/sign-in/passkey-request", ask_for_passkey),
    for_anybody("POST", "/sign-in/passkey", submit_passkey),
    for_anybody("GET", "/sign-in/code", show_code),
    for_anybody("POST", "/sign-in/code", submit_code),
    for_signed_in("POST", "/sign-out", sign_out),
)
