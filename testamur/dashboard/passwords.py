"""A new password for who has forgotten theirs, and a new address: what the links in mails lead to."""

from starlette.responses import Response

from testamur.accounts.editing import (
    ask_for_password,
    find_address_link,
    find_password_link,
    use_address_link,
    use_password_link,
)
from testamur.accounts.passwords import checked_password, hash_password
from testamur.dashboard.screens import for_anybody
from testamur.dashboard.signing_in import wait_text
from testamur.dashboard.visits import Visit, faults_of
from testamur.errors import Conflict, Invalid, RateLimited
from testamur.web.translating import gettext as _


async def new_hash(visit: Visit, password: str, known: tuple[str, ...], repeated: str | None = None) -> str:
    """The hash of a password that somebody chose. Raises Invalid if it is a bad one, or was typed in two ways."""

    def work() -> str:
        checked = checked_password(password, known=known)
        if repeated is not None and repeated != password:
            raise Invalid(_("Is not the same password"), ("repeated",))
        return hash_password(checked)

    return await visit.platform.sign_in_guard.hash(work)


async def show_forgotten(visit: Visit) -> Response:
    return _forgotten_page(visit, visit.query("email"))


async def submit_forgotten(visit: Visit) -> Response:
    """Says the same, and does the same, whether or not there is an account of the address."""
    email = (await visit.form()).text("email")
    try:
        visit.platform.sign_in_guard.count_mail(email, visit.client)
        await visit.write_unrecorded(lambda tx: ask_for_password(tx, email, at=visit.at))
    except Invalid as fault:
        return _forgotten_page(visit, email, faults_of(fault), status=422)
    except RateLimited as refusal:
        return _forgotten_page(visit, email, {"email": wait_text(refusal)}, status=429)
    visit.platform.wake_worker()
    return visit.page("accounts/link_sent.html", {"email": email})


async def show_new(visit: Visit) -> Response:
    """Only the button uses the link up: programs that look into mails open links, and press nothing."""
    return await _new_page(visit, visit.query("token"), {})


async def submit_new(visit: Visit) -> Response:
    form = await visit.form()
    token, password = form.text("token"), form.text("password")
    account = await visit.read(lambda tx: find_password_link(tx, token, at=visit.at))
    if account is None:
        return await _new_page(visit, token, {})
    try:
        hashed = await new_hash(visit, password, (account.email, account.name), form.text("repeated"))
    except Invalid as fault:
        return await _new_page(visit, token, faults_of(fault))
    used = await visit.write_unrecorded(lambda tx: use_password_link(tx, token, hashed, at=visit.at))
    if used is None:
        return await _new_page(visit, token, {})
    response = visit.go("/sign-in", _("Your password is changed. Sign in with the new one."))
    visit.drop_session(response)
    return response


async def show_address(visit: Visit) -> Response:
    token = visit.query("token")
    address = await visit.read(lambda tx: find_address_link(tx, token, at=visit.at))
    context = {"token": token, "address": address}
    return visit.page("accounts/new_address.html", context, status=200 if address else 410)


async def submit_address(visit: Visit) -> Response:
    token = (await visit.form()).text("token")
    try:
        changed = await visit.write_unrecorded(lambda tx: use_address_link(tx, token, at=visit.at))
    except Conflict as failure:
        return visit.go("/account", failure.message, kind="bad")
    if changed is None:
        return visit.page("accounts/new_address.html", {"token": token, "address": None}, status=410)
    visit.platform.wake_worker()
    return visit.go("/account", _("You sign in with %(email)s from now on.") % {"email": changed.account.email})


def _forgotten_page(visit: Visit, email: str, faults: dict[str, str] | None = None, *, status: int = 200) -> Response:
    return visit.page("accounts/forgotten.html", {"email": email, "faults": faults or {}}, status=status)


async def _new_page(visit: Visit, token: str, faults: dict[str, str]) -> Response:
    account = await visit.read(lambda tx: find_password_link(tx, token, at=visit.at))
    status = 410 if account is None else 422 if faults else 200
    context = {"token": token, "account": account, "faults": faults}
    return visit.page("accounts/new_password.html", context, status=status)


SCREENS = (
    for_anybody("GET", "/forgotten-password", show_forgotten),
    for_anybody("POST", "/forgotten-password", submit_forgotten),
    for_anybody("GET", "/new-password", show_new),
    for_anybody("POST", "/new-password", submit_new),
    for_anybody("GET", "/new-address", show_address),
    for_anybody("POST", "/new-address", submit_address),
)
