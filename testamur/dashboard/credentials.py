"""The table of all credentials: filters, search, sorting, and files of what it shows."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec
from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.clock import today
from testamur.credential_templates.queries import find_credential_templates, find_template_names
from testamur.credentials.browsing import (
    STATUSES,
    TEXT_LENGTH_MAX,
    Browse,
    BrowseOrder,
    SortedBy,
    browse_credentials,
)
from testamur.credentials.downloading import Wanted
from testamur.credentials.exporting import MEDIA_TYPES
from testamur.credentials.file_names import NAME_PATTERN
from testamur.dashboard.credential_words import DELIVERY_NAMES, STATUS_NAMES, WORDS
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import WorkspaceVisit
from testamur.db import Transaction
from testamur.errors import Invalid, NotFound, TestamurError
from testamur.ids import normalize_id
from testamur.interactions.queries import find_viewed
from testamur.web.downloads import open_download
from testamur.web.exports import open_export, pages_of_ids
from testamur.web.files import FileStream, attachment
from testamur.web.translating import gettext as _

ROWS = 50
TICKED_MAX = 200
# More than that nobody finds anything in.
_TEMPLATES_MAX = 200
_SORTS: Mapping[str, SortedBy] = {"created": "created", "issued": "issued", "name": "name"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the table asks for. What cannot be meant is left out, as old addresses may be kept."""

    browse: Browse
    order: BrowseOrder
    at: tuple[Literal["next", "prev"], str] | None = None

    @property
    def filters(self) -> dict[str, str]:
        """The query parameters of the filters."""
        browse = self.browse
        given = {
            "q": browse.text,
            "status": browse.status or "",
            "template": browse.template_id or "",
            "from": browse.first.isoformat() if browse.first else "",
            "to": browse.last.isoformat() if browse.last else "",
        }
        return {name: value for name, value in given.items() if value}

    @property
    def sort(self) -> str:
        return ("-" if self.order.descending else "") + self.order.field

    def parameters(self, **changed: str | None) -> dict[str, str | None]:
        """The query parameters of the same table, with some changed."""
        kept: dict[str, str | None] = {**self.filters, "sort": None if self.sort == "-created" else self.sort}
        return {**kept, **changed}


def read_browse(get: Any) -> Browse:
    """The filters that query parameters or fields of a form ask for."""
    text = " ".join(get("q").split())[:TEXT_LENGTH_MAX]
    # What cannot be stored cannot be found either, and PostgreSQL refuses it.
    text = "".join(char for char in text if char.isprintable())
    status = get("status")
    return Browse(
        text=text,
        status=status if status in STATUSES else None,
        template_id=normalize_id(get("template")),
        first=_day(get("from")),
        last=_day(get("to")),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _shown(visit: WorkspaceVisit) -> Shown:
    sort = visit.query("sort", "-created")
    field = _SORTS.get(sort.removeprefix("-"))
    order = BrowseOrder() if field is None else BrowseOrder(field, sort.startswith("-"))
    after, before = normalize_id(visit.query("after")), normalize_id(visit.query("before"))
    at: tuple[Literal["next", "prev"], str] | None = None
    if after is not None:
        at = ("next", after)
    elif before is not None:
        at = ("prev", before)
    return Shown(browse=read_browse(visit.query), order=order, at=at)


async def show_credentials(visit: WorkspaceVisit) -> Response:
    shown = _shown(visit)
    day = today(visit.workspace.time_zone, visit.at)

    def read(tx: Transaction) -> dict[str, Any]:
        listing = browse_credentials(
            tx, visit.workspace_id, shown.browse, shown.order, today=day, at=shown.at, limit=ROWS
        )
        rows = listing.page.items
        names = find_template_names(tx, visit.workspace_id, _TEMPLATES_MAX)
        missing = {row.credential_template_id for row in rows} | {shown.browse.template_id or ""}
        missing -= {id_ for id_, _name in names}
        more = find_credential_templates(tx, visit.workspace_id, missing - {""})
        options = names + [(id_, more[id_].name) for id_ in [shown.browse.template_id or ""] if id_ in more]
        return {
            "listing": listing,
            "templates": {**dict(names), **{id_: template.name for id_, template in more.items()}},
            "options": options,
            "viewed": find_viewed(tx, visit.workspace_id, [row.id for row in rows]),
        }

    found = await visit.read(read)
    context = {
        **found,
        **WORDS,
        "shown": shown,
        "today": day,
        "statuses": STATUSES,
        "status_names": {status: _(name) for status, name in STATUS_NAMES.items()},
        "delivery_names": {state: _(name) for state, name in DELIVERY_NAMES.items()},
        "day_of": lambda at: today(visit.workspace.time_zone, at),
    }
    return visit.page("credentials/table.html" if visit.is_htmx else "credentials/list.html", context)


async def export_credentials(visit: WorkspaceVisit) -> Response:
    """A file of the ticked rows, or of all that match."""
    format_ = next((name for name in MEDIA_TYPES if name == visit.query("format")), None)
    if format_ is None:
        raise NotFound
    content = await run_sync(
        lambda: open_export(visit.platform, visit.workspace, format_, iter(_pages(visit)), at=visit.at)
    )
    headers = {"Cache-Control": "no-store", "Content-Disposition": attachment(f"credentials.{format_}")}
    return FileStream(content, 200, headers, MEDIA_TYPES[format_])


async def download_credentials(visit: WorkspaceVisit) -> Response:
    """The certificates of the ticked rows, or of all that match, as one ZIP."""
    wanted = Wanted(format="pdf", pattern=NAME_PATTERN)
    try:
        content = await run_sync(
            lambda: open_download(visit.platform, visit.workspace, wanted, iter(_pages(visit)), at=visit.at)
        )
    except Invalid:
        return visit.go(visit.url("/credentials"), _("There is no credential to download."), kind="bad")
    except TestamurError as refusal:
        return visit.go(visit.url("/credentials"), refusal.message, kind="bad")
    headers = {"Cache-Control": "no-store", "Content-Disposition": attachment("credentials.zip")}
    return FileStream(content, 200, headers, "application/zip")


def _pages(visit: WorkspaceVisit) -> Any:
    ticked = ticked_ids(visit)
    if ticked is not None:
        return [ticked]
    return pages_of_ids(visit.platform, visit.workspace, read_browse(visit.query), at=visit.at)


def ticked_ids(visit: WorkspaceVisit) -> list[str] | None:
    """None if all that match are meant."""
    if visit.query("all") or "id" not in visit.request.query_params:
        return None
    given = visit.request.query_params.getlist("id")[:TICKED_MAX]
    return list(dict.fromkeys(id_ for id_ in map(normalize_id, given) if id_ is not None))


SCREENS = (
    in_workspace("GET", "/credentials", show_credentials, "view"),
    in_workspace("GET", "/credentials/export", export_credentials, "view"),
    in_workspace("GET", "/credentials/download", download_credentials, "view"),
)
