"""Downloads of many credentials, as the API and the command give them: reading page by page, drawing, one ZIP."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from testamur.clock import today
from testamur.credentials.downloading import (
    CREDENTIALS_PER_PAGE,
    Archive,
    Entry,
    Wanted,
    entries_of,
    find_named,
)
from testamur.credentials.links import rendering_key
from testamur.credentials.model import Status
from testamur.credentials.renderings import Format, Variant, render
from testamur.credentials.searching import And, DateIs, Filter, Order, StatusIs, search_credentials
from testamur.db.paging import Cursor
from testamur.errors import Invalid, Unavailable
from testamur.web.platform import DOWNLOADS_MAX, Platform
from testamur.workspaces.model import Workspace

RETRY_AFTER_SECONDS = 30

Selection = Filter | list[str] | Iterator[list[str]]


def selection_of(filter_: Filter, statuses: Sequence[Status], at: datetime) -> Filter:
    """What passes the filter in one of these statuses; what is made after `at` is not waited for."""
    return And((filter_, StatusIs(tuple(statuses)), DateIs("created_at", "lte", at)))


def open_download(
    platform: Platform, workspace: Workspace, wanted: Wanted, selection: Selection, *, at: datetime
) -> Archive:
    """The archive of all that passes a filter, or of these ids, which were checked, or of those of these pages.

    Close it: it takes one of a few places. Raises Invalid if there is nothing in it, Unavailable if no place is free.
    """
    pages = _pages(platform, workspace, wanted, selection, at)
    first = next(pages, [])
    if not first:
        raise Invalid("There is no such credential to download; drafts are only taken if status says so")
    if not platform.download_slots.acquire(blocking=False):
        raise Unavailable(
            f"{DOWNLOADS_MAX} downloads are being sent already; try again shortly",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
    return Archive(
        chain.from_iterable(chain([first], pages)),
        lambda entry: _draw(platform, entry, wanted.format),
        platform.renderers.pool.map,
        ending=wanted.format,
        base_url=platform.settings.base_url,
        close=platform.download_slots.release,
    )


def _pages(
    platform: Platform, workspace: Workspace, wanted: Wanted, selection: Selection, at: datetime
) -> Iterator[list[Entry]]:
    """Each page is a short transaction of its own: none is open while files are drawn or wait for a slow client."""
    day, base_url = today(workspace.time_zone, at), platform.settings.base_url
    if isinstance(selection, list):
        selection = iter([selection])
    if isinstance(selection, Iterator):
        for given in selection:
            for start in range(0, len(given), CREDENTIALS_PER_PAGE):
                ids = given[start : start + CREDENTIALS_PER_PAGE]
                with platform.database.read() as tx:
                    named = find_named(tx, workspace.id, ids, today=day)
                    entries = entries_of(tx, workspace, [named[id_] for id_ in ids if id_ in named], wanted, base_url)
                yield entries + [
                    Entry(credential_id=id_, fault="It was deleted meanwhile") for id_ in ids if id_ not in named
                ]
        return
    cursor: Cursor | None = None
    while True:
        with platform.database.read() as tx:
            page = search_credentials(
                tx,
                workspace.id,
                selection,
                order=Order(descending=False),
                today=day,
                cursor=cursor,
                limit=CREDENTIALS_PER_PAGE,
            )
            entries = entries_of(tx, workspace, page.items, wanted, base_url)
        yield entries
        cursor = page.next
        if cursor is None:
            return


def _draw(platform: Platform, entry: Entry, format_: Format) -> bytes:
    """The file of an entry: what is stored already, or made now and not stored, for it would hardly be wanted again."""
    rendering = entry.rendering
    assert rendering is not None
    variant = Variant(format_)
    if entry.is_recorded:
        key = rendering_key(
            workspace_id=rendering.workspace_id,
            credential_id=rendering.credential_id,
            design_id=rendering.design_id,
            digest=rendering.digest,
            ending=variant.ending,
        )
        stored = platform.storage.read(key)
        if stored is not None:
            return stored
    with platform.database.read() as tx:
        renderer = platform.renderers.get(tx, rendering.workspace_id, rendering.design_id, rendering.design_version)
    return render(rendering, renderer, variant)
