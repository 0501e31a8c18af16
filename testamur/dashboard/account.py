"""The account of whoever is signed in: profile, address, password, second factor, passkeys, sessions.

Before anything that decides who gets in, whoever signed in a while ago proves again who they are (`/account/confirm`).
"""

from collections.abc import Awaitable, Callable
from functools import wraps

from markupsafe import Markup
from starlette.responses import Response

from testamur.accounts.editing import ask_for_address, set_password, update_account
from testamur.accounts.passkeys import (
    begin_passkey_sign_in,
    begin_registration,
    list_passkeys,
    register_passkey,
    remove_passkey,
    use_passkey,
)
from testamur.accounts.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    count_recovery_codes,
    find_set_up,
    is_code,
    remove_second_factor,
    replace_recovery_codes,
)
from testamur.accounts.sessions import end_session, end_sessions, is_confirmed, list_sessions, renew_session
from testamur.accounts.signing_in import get_password
from testamur.dashboard.browsers import browser_name
from testamur.dashboard.passwords import new_hash
from testamur.dashboard.personal import personal_page
from testamur.dashboard.screens import for_signed_in
from testamur.dashboard.signing_in import json_answer, party_of, passkeys_here, read_answer, wait_text
from testamur.dashboard.visits import SignedInVisit, faults_of
from testamur.db import Transaction
from testamur.errors import Conflict, Invalid, NotFound, RateLimited
from testamur.rendering.elements import QRCode
from testamur.rendering.qr import qr_svg
from testamur.web.translating import LANGUAGES
from testamur.web.translating import gettext as _

_Answer = Callable[[SignedInVisit], Awaitable[Response]]
# Dark on light in both themes, which is what cameras read.
_CODE = QRCode(x=0, y=0, size=50, background="#ffffff", margin=4)


def confirmed(answer: _Answer) -> _Answer:
    """A screen for who proved lately who they are; others are asked first, and find themselves on the account's page."""

    @wraps(answer)
    async def asked_first(visit: SignedInVisit) -> Response:
        if visit.request.method == "POST":
            await visit.form()
        return await answer(visit) if is_confirmed(visit.session, visit.at) else visit.go("/account/confirm")

    return asked_first


def site_of(visit: SignedInVisit) -> str:
    """What the authenticator app calls this server."""
    return visit.platform.settings.base_url.partition("://")[2]


async def show(visit: SignedInVisit) -> Response:
    return await _page(visit)


async def submit_profile(visit: SignedInVisit) -> Response:
    form = await visit.form()
    language, theme = form.text("language"), form.text("theme")
    try:
        if language and language not in LANGUAGES:
            raise Invalid(_("Must be one of the languages in the list"), ("language",))
        await visit.write_unrecorded(
            lambda tx: update_account(
                tx,
                visit.account.id,
                name=form.text("name"),
                language=language or None,
                theme=theme or None,
                at=visit.at,
            )
        )
    except Invalid as fault:
        return await _page(visit, {"name": form.text("name")}, faults_of(fault))
    return visit.go("/account", _("Saved."))


@confirmed
async def submit_address(visit: SignedInVisit) -> Response:
    email = (await visit.form()).text("email")
    try:
        visit.platform.sign_in_guard.count_mail(email, visit.client)
        address = await visit.write_unrecorded(lambda tx: ask_for_address(tx, visit.account, email, at=visit.at))
    except Invalid as fault:
        return await _page(visit, {"email": email}, faults_of(fault))
    except RateLimited as refusal:
        return await _page(visit, {"email": email}, {"email": wait_text(refusal)})
    visit.platform.wake_worker()
    return visit.go(
        "/account", _("A mail goes to %(email)s. Open its link to sign in with that address.") % {"email": address}
    )


@confirmed
async def submit_password(visit: SignedInVisit) -> Response:
    form = await visit.form()
    account = visit.account
    try:
        hashed = await new_hash(visit, form.text("password"), (account.email, account.name), form.text("repeated"))
    except Invalid as fault:
        return await _page(visit, {}, faults_of(fault))

    def work(tx: Transaction) -> str:
        set_password(tx, account.id, hashed, but_session=visit.session.id, at=visit.at)
        return renew_session(tx, visit.session, at=visit.at)

    return await _renewed(visit, work, _("Your password is changed. All other browsers are signed out."))


@confirmed
async def begin_factor(visit: SignedInVisit) -> Response:
    try:
        await visit.write_unrecorded(
            lambda tx: begin_second_factor(
                tx, visit.account, site=site_of(visit), master_key=visit.platform.master_key, at=visit.at
            )
        )
    except Conflict as refusal:
        return visit.go("/account", refusal.message, kind="bad")
    return visit.go("/account/second-factor")


@confirmed
async def show_factor(visit: SignedInVisit) -> Response:
    return await _factor_page(visit, {})


@confirmed
async def submit_factor(visit: SignedInVisit) -> Response:
    code = (await visit.form()).text("code")

    def work(tx: Transaction) -> tuple[list[str], str]:
        codes = confirm_second_factor(tx, visit.account.id, code, master_key=visit.platform.master_key, at=visit.at)
        # Browsers that were signed in by the password alone are so no longer.
        end_sessions(tx, visit.account.id, but=visit.session.id)
        return codes, renew_session(tx, visit.session, at=visit.at)

    try:
        visit.platform.sign_in_guard.check(visit.account.email, visit.client)
        codes, secret = await visit.write_unrecorded(work)
    except Invalid as fault:
        visit.platform.sign_in_guard.count_failure(visit.account.email, visit.client)
        return await _factor_page(visit, faults_of(fault))
    except RateLimited as refusal:
        return await _factor_page(visit, {"code": wait_text(refusal)})
    except Conflict as refusal:
        return visit.go("/account", refusal.message, kind="bad")
    response = await personal_page(visit, "accounts/recovery_codes.html", {"codes": codes, "is_new": True})
    visit.keep_session(response, secret)
    return response


@confirmed
async def remove_factor(visit: SignedInVisit) -> Response:
    await visit.write_unrecorded(lambda tx: remove_second_factor(tx, visit.account.id, at=visit.at))
    return visit.go("/account", _("No code is asked for any more."))


@confirmed
async def replace_codes(visit: SignedInVisit) -> Response:
    try:
        codes = await visit.write_unrecorded(lambda tx: replace_recovery_codes(tx, visit.account))
    except Conflict as refusal:
        return visit.go("/account", refusal.message, kind="bad")
    return await personal_page(visit, "accounts/recovery_codes.html", {"codes": codes, "is_new": False})


@confirmed
async def ask_for_new_passkey(visit: SignedInVisit) -> Response:
    """What a new passkey shall sign, for a script."""
    party = party_of(visit)
    if party is None:
        return json_answer({})
    visit.platform.sign_in_guard.count_challenge(visit.client)
    return json_answer(
        await visit.write_unrecorded(lambda tx: begin_registration(tx, party, visit.account, at=visit.at))
    )


@confirmed
async def submit_new_passkey(visit: SignedInVisit) -> Response:
    form = await visit.form()
    party, answer = party_of(visit), read_answer(form.text("answer"))
    name = form.text("passkey_name").strip() or browser_name(visit.user_agent)
    if party is None:
        return visit.go("/account")
    try:
        await visit.write_unrecorded(
            lambda tx: register_passkey(tx, party, visit.account.id, answer, name=name, at=visit.at)
        )
    except (Invalid, Conflict) as refusal:
        fault = faults_of(refusal).get("name") if isinstance(refusal, Invalid) else None
        return visit.go("/account", fault or refusal.message, kind="bad")
    return visit.go("/account", _("The passkey is made. You can sign in with it from now on."))


@confirmed
async def submit_passkey_removal(visit: SignedInVisit) -> Response:
    try:
        await visit.write_unrecorded(lambda tx: remove_passkey(tx, visit.account, visit.parameter("id")))
    except (Conflict, NotFound) as refusal:
        return visit.go("/account", refusal.message, kind="bad")
    return visit.go("/account", _("The passkey is removed. You may delete it on your device, too."))


async def submit_session_end(visit: SignedInVisit) -> Response:
    await visit.form()
    try:
        await visit.write_unrecorded(lambda tx: end_session(tx, visit.account.id, visit.parameter("id")))
    except NotFound as refusal:
        return visit.go("/account", refusal.message, kind="bad")
    return visit.go("/account", _("That browser is signed out."))


async def submit_sessions_end(visit: SignedInVisit) -> Response:
    await visit.form()
    await visit.write_unrecorded(lambda tx: end_sessions(tx, visit.account.id, but=visit.session.id))
    return visit.go("/account", _("All other browsers are signed out."))


async def show_confirm(visit: SignedInVisit) -> Response:
    if is_confirmed(visit.session, visit.at):
        return visit.go("/account")
    return await _confirm_page(visit, {})


async def submit_confirm(visit: SignedInVisit) -> Response:
    """A password, and a code if the account has a second factor."""
    form = await visit.form()
    account, guard = visit.account, visit.platform.sign_in_guard

    def work(tx: Transaction) -> str | None:
        is_enough = not account.has_second_factor or is_code(
            tx, account.id, form.text("code"), master_key=visit.platform.master_key, at=visit.at
        )
        return renew_session(tx, visit.session, at=visit.at) if is_enough else None

    try:
        guard.check(account.email, visit.client)
        on_file = await visit.read(lambda tx: get_password(tx, account.id))
        password = form.text("password")
        if not await guard.hash(lambda: on_file.is_right(password)):
            guard.count_failure(account.email, visit.client)
            return await _confirm_page(visit, {"password": _("This is not your password")})
        secret = await visit.write_unrecorded(work)
        if secret is None:
            guard.count_failure(account.email, visit.client)
            fault = _("This is not the code that the app shows now, nor a recovery code that is left")
            return await _confirm_page(visit, {"code": fault})
    except RateLimited as refusal:
        return await _confirm_page(visit, {"password": wait_text(refusal)})
    response = visit.go("/account")
    visit.keep_session(response, secret)
    return response


async def ask_for_passkey(visit: SignedInVisit) -> Response:
    """What a passkey shall sign, for a script."""
    await visit.form()
    party = party_of(visit)
    if party is None:
        return json_answer({})
    visit.platform.sign_in_guard.count_challenge(visit.client)
    return json_answer(await visit.write_unrecorded(lambda tx: begin_passkey_sign_in(tx, party, at=visit.at)))


async def submit_confirm_passkey(visit: SignedInVisit) -> Response:
    form = await visit.form()
    party, answer, account = party_of(visit), read_answer(form.text("answer")), visit.account

    def work(tx: Transaction) -> str | None:
        used = use_passkey(tx, party, answer, at=visit.at) if party else None
        if used is None or used.account_id != account.id:
            return None
        is_enough = used.is_person_verified or not account.has_second_factor
        return renew_session(tx, visit.session, at=visit.at) if is_enough else None

    secret = await visit.write_unrecorded(work)
    if secret is None:
        return await _confirm_page(
            visit, {"passkey": _("This passkey is not enough; take another one or your password")}
        )
    response = visit.go("/account")
    visit.keep_session(response, secret)
    return response


async def _renewed(visit: SignedInVisit, work: Callable[[Transaction], str], notice: str) -> Response:
    secret = await visit.write_unrecorded(work)
    response = visit.go("/account", notice)
    visit.keep_session(response, secret)
    return response


async def _page(
    visit: SignedInVisit, values: dict[str, str] | None = None, faults: dict[str, str] | None = None
) -> Response:
    account = visit.account
    sessions, keys, codes_left = await visit.read(
        lambda tx: (
            list_sessions(tx, account.id, at=visit.at),
            list_passkeys(tx, account.id),
            count_recovery_codes(tx, account.id),
        )
    )
    context = {
        "is_confirmed": is_confirmed(visit.session, visit.at),
        "sessions": sessions,
        "browser_name": browser_name,
        "keys": keys,
        "codes_left": codes_left,
        "passkeys": passkeys_here(visit),
        "values": values or {},
        "faults": faults or {},
    }
    return await personal_page(visit, "accounts/account.html", context, status=422 if faults else 200)


async def _factor_page(visit: SignedInVisit, faults: dict[str, str]) -> Response:
    key, site = visit.platform.master_key, site_of(visit)
    set_up = await visit.read(lambda tx: find_set_up(tx, visit.account, site=site, master_key=key))
    if set_up is None:
        return visit.go("/account")
    # The drawing is ours: a path whose only text is the colour.
    picture = Markup(qr_svg(set_up.uri, _CODE))  # noqa: S704
    secret = " ".join(set_up.secret[at : at + 4] for at in range(0, len(set_up.secret), 4))
    context = {"picture": picture, "secret": secret, "faults": faults}
    return await personal_page(visit, "accounts/second_factor.html", context, status=422 if faults else 200)


async def _confirm_page(visit: SignedInVisit, faults: dict[str, str]) -> Response:
    context = {"passkeys": passkeys_here(visit), "faults": faults}
    return visit.page("accounts/confirm.html", context, status=422 if faults else 200)


SCREENS = (
    for_signed_in("GET", "/account", show),
    for_signed_in("POST", "/account", submit_profile),
    for_signed_in("POST", "/account/email", submit_address),
    for_signed_in("POST", "/account/password", submit_password),
    for_signed_in("GET", "/account/second-factor", show_factor),
    for_signed_in("POST", "/account/second-factor", begin_factor),
    for_signed_in("POST", "/account/second-factor/confirm", submit_factor),
    for_signed_in("POST", "/account/second-factor/remove", remove_factor),
    for_signed_in("POST", "/account/recovery-codes", replace_codes),
    for_signed_in("POST", "/account/passkeys/request", ask_for_new_passkey),
    for_signed_in("POST", "/account/passkeys", submit_new_passkey),
    for_signed_in("POST", "/account/passkeys/{id}/remove", submit_passkey_removal),
    for_signed_in("POST", "/account/sessions/{id}/end", submit_session_end),
    for_signed_in("POST", "/account/sessions/end", submit_sessions_end),
    for_signed_in("GET", "/account/confirm", show_confirm),
    for_signed_in("POST", "/account/confirm", submit_confirm),
    for_signed_in("POST", "/account/confirm/passkey-request", ask_for_passkey),
    for_signed_in("POST", "/account/confirm/passkey", submit_confirm_passkey),
)
