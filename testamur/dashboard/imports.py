"""Issuing to many recipients by a spreadsheet: uploaded, matched, checked and mended, issued, told row by row.

Each step is a page with an address of its own, so an import can be left and opened again at any time.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, get_args
from zoneinfo import ZoneInfo

from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.attributes.model import AttributeType
from testamur.attributes.queries import list_attributes
from testamur.clock import today
from testamur.credential_templates.queries import (
    find_credential_templates,
    get_credential_template,
    list_template_names,
)
from testamur.credentials.bulk_issuing import Action, CheckedRow, Duplicates, RowChecker
from testamur.credentials.spreadsheets import FaultyRow, SheetRow, cells_of, read_headings, read_sheet
from testamur.dashboard.issue import TEMPLATES_MAX, Setting, picture_page, read_setting, with_pictures
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Form, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.designs.queries import has_asset
from testamur.errors import Conflict, Invalid, NotFound, PaymentRequired
from testamur.ids import new_id, normalize_id
from testamur.imports.controlling import (
    cancel_import,
    is_unstarted,
    pause_import,
    resume_import,
    start_import,
    start_now,
)
from testamur.imports.mending import list_faulty_rows, mend_rows, mended_rows, store_check, to_found_row
from testamur.imports.model import FoundRow, Import, Preview
from testamur.imports.preparing import file_key, look_through, receive_import
from testamur.imports.queries import get_import, list_imports
from testamur.imports.results import results_as_csv, results_as_workbook, workbook
from testamur.web.files import attachment
from testamur.web.translating import gettext as _
from testamur.web.translating import marked, ngettext, shown_number
from testamur.wire.v1.paging import read_cursor, to_page
from testamur.workspaces.allowance import allowance_left, plan_of

ROWS_SHOWN = 20
FIELDS_SHOWN_MAX = 1500
IMPORTS_SHOWN = 25
WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STATES = {
    "uploaded": (marked("Columns to match"), "warn"),
    "ready": (marked("Waits for you"), "warn"),
    "scheduled": (marked("Scheduled"), "info"),
    "queued": (marked("About to start"), "info"),
    "running": (marked("Running"), "info"),
    "paused": (marked("Paused"), "warn"),
    "cancelled": (marked("Cancelled"), ""),
    "completed": (marked("Completed"), "good"),
    "failed": (marked("Stopped by a fault"), "bad"),
}
COLUMNS = {
    "recipient_name": marked("Recipient's name"),
    "recipient_email": marked("Email address"),
    "issue_date": marked("Issue date"),
    "expiry_date": marked("Expiry date"),
    "external_id": marked("Your own number of the row"),
}
ENCODINGS = ("windows-1252", "windows-1250", "windows-1251", "windows-1256", "iso-8859-2", "shift_jis", "gb18030")
SAMPLE_CELLS: Mapping[AttributeType, str] = {
    "text": "Text",
    "number": "12.5",
    "date": "2026-11-24",
    "image": "https://example.com/picture.png",
}


async def show_upload(visit: WorkspaceVisit) -> Response:
    return await _upload_page(visit, visit.query("template"))


async def upload(visit: WorkspaceVisit) -> Response:
    form = await visit.form(with_files=True)
    template_id, sent = form.text("template"), form.file("file")
    encoding = form.text("encoding") if form.text("encoding") in ENCODINGS else None
    import_id = new_id()
    try:
        if sent is None:
            raise Invalid(_("Choose a file"), ("file",))
        content, name = await sent.read(), sent.filename or ""
        await visit.read(lambda tx: get_credential_template(tx, visit.workspace_id, normalize_id(template_id) or ""))
        await run_sync(_headings, visit, content, encoding)
        await run_sync(visit.platform.storage.write, file_key(visit.workspace_id, import_id), content)
        plan = plan_of(visit.workspace, visit.platform.settings.plans)
        await visit.write(
            lambda tx: receive_import(
                tx,
                visit.workspace,
                import_id=import_id,
                credential_template_id=template_id,
                file_name=name,
                encoding=encoding,
                plan=plan,
                at=visit.at,
            ),
            action="import.created",
            subject=import_id,
        )
    except NotFound:
        fault = {"template": _("This credential template is not there any more. Choose another one.")}
        return await _upload_page(visit, "", faults=fault, status=422)
    except (Invalid, PaymentRequired) as failure:
        faults = {"file": failure.message}
        return await _upload_page(visit, template_id, faults=faults, encoding=encoding, status=422)
    return visit.go(visit.url(f"/issue/imports/{import_id}/columns"))


async def download_sample(visit: WorkspaceVisit) -> Response:
    """A file to fill in, with a column for each thing that the template's designs show."""
    setting = await visit.read(lambda tx: read_setting(tx, visit.workspace_id, visit.query("template")))
    day = today(visit.workspace.time_zone, visit.at).isoformat()
    tags = [attribute.tag for attribute in setting.shown]
    values = [SAMPLE_CELLS[attribute.type] for attribute in setting.shown]
    rows = [
        ["recipient.name", "recipient.email", "issue date", *tags],
        ["Ada Lovelace", "ada@example.com", day, *values],
        ["Alan Turing", "alan@example.com", day, *values],
    ]
    name = f"{setting.template.name} - {_('recipients')}"
    if visit.query("format") == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        # With a byte order mark, without which some spreadsheets take UTF-8 for another encoding.
        return _file(text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", f"{name}.csv")
    return _file(await run_sync(workbook, rows), WORKBOOK_TYPE, f"{name}.xlsx")


async def show_imports(visit: WorkspaceVisit) -> Response:
    list_name = f"imports:{visit.workspace_id}"

    def read(tx: Transaction) -> Any:
        cursor = read_cursor(visit.query("cursor"), list_name)
        page = list_imports(tx, visit.workspace_id, cursor, IMPORTS_SHOWN)
        ids = {item.credential_template_id for item in page.items}
        return to_page(page, list_name, lambda item: item), find_credential_templates(tx, visit.workspace_id, ids)

    page, templates = await visit.read(read)
    context = {
        "imports": page.data,
        "pagination": page.pagination,
        "templates": templates,
        "state_of": _state_of,
        "states": STATES,
        "template_id": "",
        "at": "/issue/imports",
        "now": visit.at,
    }
    return visit.page("issue/imports.html", context)


async def show_import(visit: WorkspaceVisit) -> Response:
    found, setting = await _read_import(visit)
    if found.state == "uploaded":
        return visit.go(visit.url(f"/issue/imports/{found.id}/columns"))
    if found.state == "ready":
        return await _check_page(visit, found, setting)
    return visit.page("issue/import.html", {**_progress(visit, found), "template": setting.template})


async def show_progress(visit: WorkspaceVisit) -> Response:
    found, _setting = await _read_import(visit)
    # The buttons stay where they are while nothing changes, so that whoever is about to press one keeps it.
    has_changed = visit.query("shown") != _state_of(found, visit.at)
    return visit.page("issue/progress.html", {**_progress(visit, found), "has_changed": has_changed})


async def show_columns(visit: WorkspaceVisit) -> Response:
    found, setting = await _read_import(visit)
    if not is_unstarted(found):
        return visit.go(visit.url(f"/issue/imports/{found.id}"))
    return await _columns_page(visit, found, setting)


async def match_columns(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    found, setting = await _read_import(visit)
    duplicates: Duplicates = form.text("duplicates") if form.text("duplicates") in get_args(Duplicates) else "skip"  # type: ignore[assignment]
    try:
        content = await _content(visit, found)
        names = [name for name, _guess, _cells in await run_sync(_headings, visit, content, found.encoding)]
        columns = {name: form.text(f"column.{at}") for at, name in enumerate(names)}
        is_same = columns == found.columns and found.state == "ready"
        await _check(visit, found, columns=columns, duplicates=duplicates, is_matched_anew=not is_same)
    except Invalid as failure:
        faults = (
            {"": failure.message}
            if len(failure.problems) == 1
            else dict(enumerate(problem.message for problem in failure.problems))
        )
        return await _columns_page(visit, found, setting, form=form, faults=faults, status=422)
    except (Conflict, PaymentRequired) as failure:
        return visit.go(visit.url(f"/issue/imports/{found.id}"), failure.message, kind="bad")
    return visit.go(visit.url(f"/issue/imports/{found.id}"))


async def mend(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    found, setting = await _read_import(visit)
    rows = _sent_rows(form, _columns_of(found, setting))
    where = visit.url(f"/issue/imports/{found.id}", cursor=form.text("cursor"))
    try:
        await visit.write(
            lambda tx: mend_rows(tx, visit.workspace_id, found.id, rows, at=visit.at),
            action="import.mended",
            subject=found.id,
        )
        after = await _check(visit, found, columns=found.columns, duplicates=found.duplicates)
    except (Conflict, Invalid, PaymentRequired) as failure:
        return visit.go(where, failure.message, kind="bad")
    if not after.faults_found:
        return visit.go(visit.url(f"/issue/imports/{found.id}"), _("Saved. Every row is in order now."))
    left = ngettext(
        "Saved. %(count)s row is faulty still.", "Saved. %(count)s rows are faulty still.", after.faults_found
    )
    return visit.go(where, left % {"count": shown_number(after.faults_found)}, kind="warn")


async def preview_row(visit: WorkspaceVisit) -> Response:
    """One row as its certificate, with the rows before and after it."""
    found, setting = await _read_import(visit)
    wanted = visit.query("row")
    line = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 1
    content = await _content(visit, found)
    before, row, after = await run_sync(_row_at, visit, found, content, line)
    if row is None:
        raise NotFound
    plan = plan_of(visit.workspace, visit.platform.settings.plans)

    def check(tx: Transaction) -> Any:
        has_picture = partial(has_asset, tx, visit.workspace_id)
        checker = RowChecker(
            visit.workspace, setting.types, setting.template, has_picture=has_picture, duplicates="allow", plan=plan
        )
        return checker.check(row, at=visit.at)

    outcome = await visit.read(check)
    context = {"found": found, "line": row.line, "before": before, "after": after, "cells": cells_of(row)}
    name = "issue/row.html" if visit.is_htmx else "issue/row_page.html"
    if isinstance(outcome, CheckedRow):
        return await picture_page(visit, setting, outcome, {}, context, name=name)
    faults = to_found_row(row, outcome).faults
    told = {_column_label(column, setting) if column else "": message for column, message in faults.items()}
    nothing: dict[str, Any] = {
        "pictures": [],
        "findings": [],
        "failure": _("This row cannot be issued as it stands."),
        "award": None,
    }
    return visit.page(name, {**context, **nothing, "faults": told, "setting": setting})


async def start(visit: WorkspaceVisit) -> Response:
    form = await visit.form()
    found, setting = await _read_import(visit)
    action: Action = form.text("action") if form.text("action") in get_args(Action) else "issue"  # type: ignore[assignment]
    try:
        starts_at = _moment(form.text("starts_at"), visit.workspace.time_zone) if form.text("when") == "later" else None
        await visit.write(
            lambda tx: start_import(tx, visit.workspace_id, found.id, action=action, starts_at=starts_at, at=visit.at),
            action="import.started",
            subject=found.id,
            details={"action": action},
        )
    except Invalid as failure:
        return await _check_page(visit, found, setting, form=form, faults=faults_of(failure), status=422)
    except Conflict as failure:
        return visit.go(visit.url(f"/issue/imports/{found.id}"), failure.message, kind="bad")
    return visit.go(visit.url(f"/issue/imports/{found.id}"))


async def download_results(visit: WorkspaceVisit) -> Response:
    found, _setting = await _read_import(visit)
    is_csv = visit.query("format") == "csv"
    make = results_as_csv if is_csv else results_as_workbook

    def read() -> bytes:
        with visit.platform.database.read() as tx:
            return make(tx, found, visit.base_url)

    name = f"{found.file_name.rpartition('.')[0] or found.file_name} - {_('results')}"
    content = await run_sync(read)
    if is_csv:
        return _file(b"\xef\xbb\xbf" + content, "text/csv; charset=utf-8", f"{name}.csv")
    return _file(content, WORKBOOK_TYPE, f"{name}.xlsx")


def _moving(verb: Callable[..., Import], name: str) -> Callable[[WorkspaceVisit], Any]:
    async def move(visit: WorkspaceVisit) -> Response:
        await visit.form()
        found, _setting = await _read_import(visit)
        where = visit.url(f"/issue/imports/{found.id}")
        if verb is cancel_import and is_unstarted(found):
            # Nothing will read the file again. It goes first, so that what could not be removed is tried again.
            await run_sync(visit.platform.storage.delete_all, file_key(visit.workspace_id, found.id))
            where = visit.url("/issue/imports")
        try:
            await visit.write(
                lambda tx: verb(tx, visit.workspace_id, found.id, at=visit.at),
                action=f"import.{name}",
                subject=found.id,
            )
        except Conflict as failure:
            return visit.go(where, failure.message, kind="bad")
        return visit.go(where)

    move.__name__ = f"{verb.__name__}_screen"
    return move


async def _read_import(visit: WorkspaceVisit) -> tuple[Import, Setting]:
    """Raises NotFound."""

    def read(tx: Transaction) -> tuple[Import, Setting]:
        found = get_import(tx, visit.workspace_id, normalize_id(visit.parameter("id")) or "")
        return found, read_setting(tx, visit.workspace_id, found.credential_template_id)

    return await visit.read(read)


async def _content(visit: WorkspaceVisit, found: Import) -> bytes:
    """The uploaded file. Raises NotFound when it is gone."""
    content = await run_sync(visit.platform.storage.read, file_key(visit.workspace_id, found.id))
    if content is None:
        raise NotFound
    return content


def _headings(visit: WorkspaceVisit, content: bytes, encoding: str | None) -> list[tuple[str, str, list[str]]]:
    with visit.platform.database.read() as tx:
        tags = {attribute.tag: attribute.name for attribute in list_attributes(tx, visit.workspace_id)}
    return read_headings(io.BytesIO(content), defined_tags=tags, encoding=encoding)


async def _check(
    visit: WorkspaceVisit,
    found: Import,
    *,
    columns: Mapping[str, str],
    duplicates: Duplicates,
    is_matched_anew: bool = False,
) -> Import:
    """Look through the whole file, which takes seconds if it is long, and keep what was found."""
    content = await _content(visit, found)

    def look() -> tuple[Preview, int]:
        with visit.platform.database.read() as tx:
            current = get_import(tx, visit.workspace_id, found.id)
            preview = look_through(
                tx,
                visit.workspace,
                content,
                credential_template_id=found.credential_template_id,
                duplicates=duplicates,
                mapping=columns,
                encoding=found.encoding,
                changes={} if is_matched_anew else mended_rows(tx, visit.workspace_id, found.id),
                plan=plan_of(visit.workspace, visit.platform.settings.plans),
                at=visit.at,
            )
        return preview, current.revision

    preview, revision = await run_sync(look)
    return await visit.write(
        lambda tx: store_check(
            tx,
            visit.workspace_id,
            found.id,
            preview,
            revision=revision,
            columns=columns,
            duplicates=duplicates,
            is_matched_anew=is_matched_anew,
            at=visit.at,
        ),
        action="import.checked",
        subject=found.id,
    )


def _row_at(
    visit: WorkspaceVisit, found: Import, content: bytes, line: int
) -> tuple[int | None, SheetRow | FaultyRow | None, int | None]:
    """The first row from that line on, and the lines of the rows around it."""
    with visit.platform.database.read() as tx:
        tags = {attribute.tag for attribute in list_attributes(tx, visit.workspace_id)}
        changes = mended_rows(tx, visit.workspace_id, found.id)
    sheet = read_sheet(
        io.BytesIO(content), defined_tags=tags, encoding=found.encoding, mapping=found.columns, changes=changes
    )
    before: int | None = None
    for row in sheet.rows:
        if row.line >= line:
            return before, row, next((following.line for following in islice(sheet.rows, 1)), None)
        before = row.line
    return before, None, None


async def _upload_page(
    visit: WorkspaceVisit,
    template_id: str,
    *,
    faults: Mapping[str, str] | None = None,
    encoding: str | None = None,
    status: int = 200,
) -> Response:
    choices = await visit.read(lambda tx: list_template_names(tx, visit.workspace_id, TEMPLATES_MAX + 1))
    if not template_id and len(choices) == 1:
        template_id = choices[0][0]
    context: dict[str, Any] = {"choices": choices, "template_id": template_id, "at": "/issue/spreadsheet"}
    if not template_id:
        return visit.page("issue/choose.html", {**context, "is_gone": bool(faults)}, status=status)
    setting = await visit.read(lambda tx: read_setting(tx, visit.workspace_id, template_id))
    encodings = [("", _("UTF-8, or as the file tells")), *((name, name) for name in ENCODINGS)]
    context |= {"setting": setting, "faults": faults or {}, "encoding": encoding or "", "encodings": encodings}
    return visit.page("issue/upload.html", context, status=status)


async def _columns_page(
    visit: WorkspaceVisit,
    found: Import,
    setting: Setting,
    *,
    form: Form | None = None,
    faults: Mapping[Any, str] | None = None,
    status: int = 200,
) -> Response:
    content = await _content(visit, found)
    headings = await run_sync(_headings, visit, content, found.encoding)
    columns = [
        {
            "name": name,
            "cells": cells,
            "value": form.text(f"column.{at}") if form is not None else found.columns.get(name, guess),
        }
        for at, (name, guess, cells) in enumerate(headings)
    ]
    options = [("", _("Leave out")), *((column, _(text)) for column, text in COLUMNS.items())]
    options += [(attribute.tag, attribute.name) for attribute in setting.attributes]
    context = {
        "found": found,
        "setting": setting,
        "columns": columns,
        "options": options,
        "faults": faults or {},
        "duplicates": form.text("duplicates") if form is not None else found.duplicates,
    }
    return visit.page("issue/columns.html", context, status=status)


async def _check_page(
    visit: WorkspaceVisit,
    found: Import,
    setting: Setting,
    *,
    form: Form | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    list_name = f"import-rows:{found.id}"
    columns = _columns_of(found, setting)
    # A form has a limit of fields, which many columns reach with few rows.
    limit = max(1, min(ROWS_SHOWN, FIELDS_SHOWN_MAX // len(columns)))
    plan = plan_of(visit.workspace, visit.platform.settings.plans)
    year = today(visit.workspace.time_zone, visit.at).year

    def read(tx: Transaction) -> Any:
        cursor = read_cursor(visit.query("cursor"), list_name, int)
        page = list_faulty_rows(tx, visit.workspace_id, found.id, cursor, limit)
        return to_page(page, list_name, lambda row: row), allowance_left(tx, visit.workspace_id, plan, year=year)

    page, left = await visit.read(read)
    rows: Sequence[FoundRow] = page.data
    right = found.rows - found.faults_found
    context = {
        "found": found,
        "setting": setting,
        "rows": rows,
        "pagination": page.pagination,
        "columns": [(column, _column_label(column, setting)) for column in columns],
        "right": right,
        "left": left,
        "cursor": visit.query("cursor"),
        "faults": faults or {},
        "values": form.values() if form is not None else {"action": found.action, "when": "now"},
        "time_zone": visit.workspace.time_zone,
    }
    return with_pictures(visit.page("issue/check.html", context, status=status))


def _progress(visit: WorkspaceVisit, found: Import) -> dict[str, Any]:
    state = _state_of(found, visit.at)
    text, kind = STATES[state]
    return {
        "found": found,
        "state": state,
        "state_text": _(text),
        "state_kind": kind,
        "is_moving": state in {"queued", "running", "scheduled"},
        "has_changed": False,
    }


def _state_of(found: Import, at: datetime) -> str:
    """The import's state, and whether it waits for its time, which is no state of its own."""
    return "scheduled" if found.state == "queued" and found.starts_at and found.starts_at > at else found.state


def _columns_of(found: Import, setting: Setting) -> list[str]:
    """The columns that rows of the import can have, in the order of the file as far as it is known."""
    known = [column for column in found.columns.values() if column in COLUMNS or column in setting.types]
    if not known:
        # It came by the API, which need not say what can be guessed.
        known = [*COLUMNS, *setting.types]
    return list(dict.fromkeys(known))


def _column_label(column: str, setting: Setting) -> str:
    return _(COLUMNS[column]) if column in COLUMNS else setting.label(column)


def _sent_rows(form: Form, columns: Sequence[str]) -> dict[int, dict[str, str]]:
    """The cells of a form by line and column; what is not of these columns is left out."""
    rows: dict[int, dict[str, str]] = {}
    for name in form.names():
        kind, _dot, rest = name.partition(".")
        line, _dot, column = rest.partition(".")
        if kind == "row" and line.isascii() and line.isdigit() and len(line) < 10 and column in columns:
            rows.setdefault(int(line), {})[column] = form.text(name).strip()
    return rows


def _moment(text: str, time_zone: str) -> datetime:
    """A day and time in the workspace's time zone, as a browser sends it. Raises Invalid."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            raise ValueError
        return moment.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(_("Must be a day and a time, such as 2026-11-24 09:30"), ("starts_at",)) from None


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {
        "Content-Disposition": attachment(name),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, headers=headers, media_type=media_type)


SCREENS = (
    in_workspace("GET", "/issue/spreadsheet", show_upload, "issue_credentials"),
    in_workspace("POST", "/issue/spreadsheet", upload, "issue_credentials"),
    in_workspace("GET", "/issue/sample", download_sample, "issue_credentials"),
    in_workspace("GET", "/issue/imports", show_imports, "issue_credentials"),
    in_workspace("GET", "/issue/imports/{id}", show_import, "issue_credentials"),
    in_workspace("GET", "/issue/imports/{id}/progress", show_progress, "issue_credentials"),
    in_workspace("GET", "/issue/imports/{id}/columns", show_columns, "issue_credentials"),
    in_workspace("POST", "/issue/imports/{id}/columns", match_columns, "issue_credentials"),
    in_workspace("POST", "/issue/imports/{id}/rows", mend, "issue_credentials"),
    in_workspace("GET", "/issue/imports/{id}/preview", preview_row, "issue_credentials"),
    in_workspace("POST", "/issue/imports/{id}/start", start, "issue_credentials"),
    in_workspace("GET", "/issue/imports/{id}/results", download_results, "issue_credentials"),
    *(
        in_workspace("POST", f"/issue/imports/{{id}}/{name}", _moving(verb, told), "issue_credentials")
        for name, verb, told in (
            ("pause", pause_import, "paused"),
            ("resume", resume_import, "resumed"),
            ("cancel", cancel_import, "cancelled"),
            ("now", start_now, "hurried"),
        )
    ),
)
