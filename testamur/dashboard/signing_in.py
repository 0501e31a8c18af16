"""Signing in and out."""

from anyio.to_thread import run_sync
from sqlalchemy import select
from starlette.responses import Response

from testamur.accounts.passwords import is_password
from testamur.accounts.sessions import begin_session, end_session
from testamur.accounts.tables import accounts
from testamur.dashboard.screens import for_anybody, for_signed_in
from testamur.dashboard.visits import SignedInVisit, Visit
from testamur.text import account_address
from testamur.web.translating import gettext as _


async def show(visit: Visit) -> Response:
    return visit.page("sign_in_staff.html", {"email": "", "fault": "", "next": visit.query("next")})


async def sign_in(visit: Visit) -> Response:
    form = await visit.form()
    email, password = form.text("email"), form.text("password")
    statement = select(accounts.c.id, accounts.c.password_hash).where(accounts.c.email_key == account_address(email))
    row = await visit.read(lambda tx: tx.execute(statement).one_or_none())
    fits = await run_sync(is_password, password, row.password_hash if row else None)
    if row is None or not fits:
        context = {
            "email": email,
            "fault": _("This email address and password do not belong together"),
            "next": form.text("next"),
        }
        return visit.page("sign_in_staff.html", context, status=422)
    agent = visit.request.headers.get("user-agent", "")
    secret = await visit.write_unrecorded(
        lambda tx: begin_session(tx, row.id, user_agent=agent, client=visit.client, at=visit.at)
    )
    response = visit.go(visit.next_path(form.text("next")))
    visit.keep_session(response, secret)
    return response


async def sign_out(visit: SignedInVisit) -> Response:
    await visit.form()
    await visit.write_unrecorded(lambda tx: end_session(tx, visit.account.id, visit.session.id))
    response = visit.go("/sign-in", _("You are signed out"))
    visit.drop_session(response)
    return response


SCREENS = (
    for_anybody("GET", "/sign-in", show),
    for_anybody("POST", "/sign-in", sign_in),
    for_signed_in("POST", "/sign-out", sign_out),
)
