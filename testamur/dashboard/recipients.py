"""Recipients: who has credentials of the workspace, and forgetting somebody."""

from typing import Any

import msgspec
from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.clock import today
from testamur.credential_templates.queries import find_credential_templates
from testamur.credentials.erasing import credentials_of_address, erase_recipient
from testamur.credentials.people import (
    COUNTED_MAX,
    FOUND_MAX,
    ListedRecipient,
    get_listed_recipient,
    list_credentials_of_recipient,
    list_recipients,
    search_recipients,
)
from testamur.credentials.renderings import delete_files
from testamur.dashboard.parameters import id_in_path
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import WorkspaceVisit
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.web.translating import gettext as _
from testamur.web.translating import marked, ngettext
from testamur.wire.v1.paging import WirePage, read_cursor, to_page

ROWS = 25
SEARCH_LENGTH_MAX = 254
STATUSES = {
    "draft": marked("Draft"),
    "scheduled": marked("Scheduled"),
    "issued": marked("Issued"),
    "expired": marked("Expired"),
    "revoked": marked("Revoked"),
}
STATUS_KINDS = {"issued": "good", "scheduled": "info", "expired": "warn", "revoked": "bad"}


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """A credential of a recipient, as it is listed."""

    id: str
    template_name: str
    recipient_name: str
    status: str
    issue_date: object


async def show_list(visit: WorkspaceVisit) -> Response:
    """With `q`, those who are found; htmx asks for the table alone while somebody types."""
    wanted = visit.query("q").strip()[:SEARCH_LENGTH_MAX]
    if wanted:
        found = await visit.read(lambda tx: search_recipients(tx, visit.workspace_id, wanted))
        context: dict[str, Any] = {"rows": found, "pages": None, "is_cut": len(found) >= FOUND_MAX}
    else:
        list_name = f"recipients:{visit.workspace_id}"
        cursor = read_cursor(visit.query("cursor") or None, list_name, str)
        page = await visit.read(lambda tx: list_recipients(tx, visit.workspace_id, cursor, ROWS))
        shown = to_page(page, list_name, lambda item: item)
        context = {"rows": shown.data, "pages": shown.pagination, "is_cut": False}
    name = "recipients/rows.html" if visit.is_htmx else "recipients/list.html"
    return visit.page(name, {**context, "q": wanted, "counted_max": COUNTED_MAX, "found_max": FOUND_MAX})


async def show(visit: WorkspaceVisit) -> Response:
    recipient_id = id_in_path(visit)
    list_name = f"recipient:{visit.workspace_id}:{recipient_id}"
    cursor = read_cursor(visit.query("cursor") or None, list_name)

    def read(tx: Transaction) -> tuple[ListedRecipient, WirePage[Award]]:
        recipient = get_listed_recipient(tx, visit.workspace_id, recipient_id)
        page = list_credentials_of_recipient(tx, visit.workspace_id, recipient_id, cursor, ROWS)
        ids = {item.credential_template_id for item in page.items}
        templates = find_credential_templates(tx, visit.workspace_id, ids)
        day = today(visit.workspace.time_zone, visit.at)
        return recipient, to_page(
            page,
            list_name,
            lambda item: Award(
                id=item.id,
                template_name=templates[item.credential_template_id].name,
                recipient_name=item.recipient.name,
                status="revoked" if item.revoked_at else item.status_on(day),
                issue_date=item.issue_date,
            ),
        )

    recipient, shown = await visit.read(read)
    context = {
        "recipient": recipient,
        "rows": shown.data,
        "pages": shown.pagination,
        "counted_max": COUNTED_MAX,
        "statuses": {status: _(name) for status, name in STATUSES.items()},
        "kinds": STATUS_KINDS,
    }
    return visit.page("recipients/one.html", context)


async def ask_before_erasing(visit: WorkspaceVisit) -> Response:
    recipient_id = id_in_path(visit)

    def read(tx: Transaction) -> tuple[ListedRecipient, int]:
        recipient, email = _with_address(tx, visit, recipient_id)
        return recipient, len(credentials_of_address(tx, visit.workspace_id, email))

    recipient, count = await visit.read(read)
    return visit.page("recipients/erase.html", {"recipient": recipient, "count": count})


async def erase(visit: WorkspaceVisit) -> Response:
    await visit.form()
    recipient_id = id_in_path(visit)

    def read(tx: Transaction) -> tuple[str, list[str]]:
        _recipient, email = _with_address(tx, visit, recipient_id)
        return email, credentials_of_address(tx, visit.workspace_id, email)

    email, ids = await visit.read(read)

    def delete_all_files() -> None:
        # Before the rows: while they cannot be removed the credentials stay, so that the form can be sent again.
        for credential_id in ids:
            delete_files(visit.platform.storage, visit.workspace_id, credential_id)

    await run_sync(delete_all_files)
    # Whose they were is what is being forgotten, so the log is told of nobody.
    count = await visit.write(
        lambda tx: erase_recipient(tx, visit.workspace_id, email, at=visit.at), action="recipient.erased"
    )
    notice = ngettext(
        "The recipient and %(count)s credential were erased.",
        "The recipient and %(count)s credentials were erased.",
        count,
    )
    return visit.go(visit.url("/recipients"), notice % {"count": count})


def _with_address(tx: Transaction, visit: WorkspaceVisit, recipient_id: str) -> tuple[ListedRecipient, str]:
    recipient = get_listed_recipient(tx, visit.workspace_id, recipient_id)
    if recipient.email is None:
        raise NotFound
    return recipient, recipient.email


SCREENS = (
    in_workspace("GET", "/recipients", show_list, "view"),
    in_workspace("GET", "/recipients/{id}", show, "view"),
    in_workspace("GET", "/recipients/{id}/erase", ask_before_erasing, "issue_credentials"),
    in_workspace("POST", "/recipients/{id}/erase", erase, "issue_credentials"),
)
