"""Corrections that recipients ask for: the list, and one request with what can be done about it."""

from collections.abc import Callable

import msgspec
from starlette.responses import Response

from testamur.change_requests.answering import REASON_LENGTH_MAX, apply_request, decline_request, resolve_request
from testamur.change_requests.asking import stated_of
from testamur.change_requests.model import LISTED_STATES, ChangeRequest, ListedState, RequestKind
from testamur.change_requests.queries import get_request, list_requests
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential
from testamur.credentials.queries import get_credential
from testamur.dashboard.parameters import id_in_path
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.errors import Conflict, Invalid, PaymentRequired
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.wire.v1.paging import read_cursor, to_page
from testamur.workspaces.allowance import plan_of

ROWS = 20
KINDS: dict[RequestKind, str] = {
    "name": marked("Recipient's name"),
    "email": marked("Email address"),
    "date": marked("Issue date"),
    "other": marked("Something else"),
}
STATES: dict[ListedState, str] = {
    "open": marked("Unanswered"),
    "resolved": marked("Resolved"),
    "declined": marked("Declined"),
}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A request with the credential that it is about; `now` is what that says now of what is asked for."""

    request: ChangeRequest
    credential: Credential
    template_name: str
    now: str
    page_url: str


async def show_list(visit: WorkspaceVisit) -> Response:
    wanted = visit.query("state", "open")
    state = next((known for known in LISTED_STATES if known == wanted), LISTED_STATES[0])
    list_name = f"change-requests:{visit.workspace_id}:{state}"
    cursor = read_cursor(visit.query("cursor") or None, list_name)
    page = await visit.read(lambda tx: list_requests(tx, visit.workspace_id, state, cursor, ROWS))
    shown = to_page(page, list_name, lambda item: item)
    context = {
        "rows": shown.data,
        "pages": shown.pagination,
        "state": state,
        "states": {known: _(name) for known, name in STATES.items()},
        "kinds": {kind: _(name) for kind, name in KINDS.items()},
    }
    return visit.page("change_requests/list.html", context)


async def show(visit: WorkspaceVisit) -> Response:
    return await _page(visit, id_in_path(visit))


async def apply(visit: WorkspaceVisit) -> Response:
    """Correct the credential as it is asked for."""

    def work(tx: Transaction) -> ChangeRequest:
        plan = plan_of(visit.workspace, visit.platform.settings.plans)
        signers = visit.platform.signers
        return apply_request(tx, visit.workspace, id_in_path(visit), signers=signers, plan=plan, at=visit.at)

    return await _answer(
        visit, work, "change_request.applied", _("The credential is corrected, and its recipient is told.")
    )


async def resolve(visit: WorkspaceVisit) -> Response:
    """Close a request that was dealt with in another way."""

    def work(tx: Transaction) -> ChangeRequest:
        return resolve_request(tx, visit.workspace_id, id_in_path(visit), at=visit.at)

    return await _answer(visit, work, "change_request.resolved", _("The request is closed, and the recipient is told."))


async def decline(visit: WorkspaceVisit) -> Response:
    reason = (await visit.form()).text("reason")

    def work(tx: Transaction) -> ChangeRequest:
        return decline_request(tx, visit.workspace_id, id_in_path(visit), reason=reason, at=visit.at)

    notice = _("The request is declined, and the recipient is told why.")
    return await _answer(visit, work, "change_request.declined", notice, reason=reason)


async def _answer(
    visit: WorkspaceVisit, work: Callable[[Transaction], ChangeRequest], action: str, notice: str, *, reason: str = ""
) -> Response:
    await visit.form()
    request_id = id_in_path(visit)
    try:
        await visit.write(work, action=action, subject=request_id)
    except Invalid as refusal:
        return await _page(visit, request_id, faults=faults_of(refusal), reason=reason, status=422)
    except (Conflict, PaymentRequired) as refusal:
        return await _page(visit, request_id, faults={"": refusal.message}, reason=reason, status=422)
    return visit.go(visit.url(f"/requests/{request_id}"), notice)


async def _page(
    visit: WorkspaceVisit,
    request_id: str,
    *,
    faults: dict[str, str] | None = None,
    reason: str = "",
    status: int = 200,
) -> Response:
    shown = await visit.read(lambda tx: _read(tx, visit, request_id))
    context = {
        "shown": shown,
        "request": shown.request,
        "kind": _(KINDS[shown.request.kind]),
        "state_name": _(STATES[shown.request.state]) if shown.request.state != "unconfirmed" else "",
        "faults": faults or {},
        "reason": reason,
        "reason_length_max": REASON_LENGTH_MAX,
    }
    return visit.page("change_requests/one.html", context, status=status)


def _read(tx: Transaction, visit: WorkspaceVisit, request_id: str) -> Shown:
    request = get_request(tx, visit.workspace_id, request_id)
    credential = get_credential(tx, visit.workspace_id, request.credential_id)
    template = get_credential_template(tx, visit.workspace_id, credential.credential_template_id)
    return Shown(
        request=request,
        credential=credential,
        template_name=template.name,
        now=stated_of(credential, request.kind),
        page_url=page_url(visit.base_url, credential.public_id),
    )


SCREENS = (
    in_workspace("GET", "/requests", show_list, "view"),
    in_workspace("GET", "/requests/{id}", show, "view"),
    in_workspace("POST", "/requests/{id}/apply", apply, "issue_credentials"),
    in_workspace("POST", "/requests/{id}/resolve", resolve, "issue_credentials"),
    in_workspace("POST", "/requests/{id}/decline", decline, "issue_credentials"),
)
