"""All credentials that a table shows, page by page: each page is a transaction of its own, for sending is slow."""

from collections.abc import Generator, Iterable, Iterator
from datetime import datetime

from testamur.attributes.queries import list_attributes
from testamur.clock import today
from testamur.credential_templates.queries import find_credential_templates
from testamur.credentials.browsing import Browse, next_matching
from testamur.credentials.exporting import Cells, ExportFile, ExportFormat, cells_of, header_of
from testamur.credentials.queries import find_credentials
from testamur.db.paging import Cursor
from testamur.web.platform import Platform
from testamur.workspaces.model import Workspace

_PAGE = 500


def pages_of_ids(platform: Platform, workspace: Workspace, browse: Browse, *, at: datetime) -> Iterator[list[str]]:
    """The ids of what matches, as it is while it is read; what is made after `at` is not waited for."""
    day = today(workspace.time_zone, at)
    cursor: Cursor | None = None
    while True:
        with platform.database.read() as tx:
            batch = next_matching(tx, workspace.id, browse, today=day, until=at, cursor=cursor, limit=_PAGE)
        if batch.rows:
            yield [row.id for row in batch.rows]
        cursor = batch.next
        if cursor is None:
            return


def open_export(
    platform: Platform, workspace: Workspace, format_: ExportFormat, pages: Iterable[list[str]], *, at: datetime
) -> ExportFile:
    """A file of these credentials, to be closed. What is deleted meanwhile is not in it."""
    return ExportFile(format_, _rows(platform, workspace, pages, at))


def _rows(platform: Platform, workspace: Workspace, pages: Iterable[list[str]], at: datetime) -> Generator[Cells]:
    day, base_url = today(workspace.time_zone, at), platform.settings.base_url
    with platform.database.read() as tx:
        tags = [attribute.tag for attribute in list_attributes(tx, workspace.id)]
    yield header_of(tags)
    for ids in pages:
        with platform.database.read() as tx:
            found = find_credentials(tx, workspace.id, ids)
            templates = find_credential_templates(
                tx, workspace.id, {item.credential_template_id for item in found.values()}
            )
        for id_ in ids:
            if id_ in found:
                item = found[id_]
                yield cells_of(item, templates.get(item.credential_template_id), tags, base_url, day)
