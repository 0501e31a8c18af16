from collections.abc import Callable
from typing import Any, get_args

import msgspec

from testamur.api.v1.operations import Call, FileAnswer, Operation, Parameter
from testamur.api.v1.paging import answer_page
from testamur.credentials.bulk_issuing import Action, Duplicates
from testamur.errors import Invalid
from testamur.ids import new_id
from testamur.imports.controlling import cancel_import, is_unstarted, pause_import, resume_import, start_import
from testamur.imports.model import Import
from testamur.imports.preparing import clean_file_name, file_key, look_through, prepare_import
from testamur.imports.queries import get_import, list_imports
from testamur.imports.results import results_as_csv
from testamur.wire.v1.imports import WireImport, to_import
from testamur.wire.v1.paging import WirePage

_TAG = "Imports"
FILE_BYTES_MAX = 64 * 1024 * 1024
_STARTS = ("true", "false")


def create(call: Call) -> WireImport:
    query = call.query
    if not query.get("groupId"):
        raise Invalid("Required", ("groupId",))
    action = _choice(query.get("action"), "action", get_args(Action), "issue")
    duplicates = _choice(query.get("duplicates"), "duplicates", get_args(Duplicates), "skip")
    starts = _choice(query.get("start"), "start", _STARTS, "false") == "true"
    mapping, encoding = _mapping(query.get("columns")), query.get("encoding") or None
    file_name = clean_file_name(query.get("fileName") or "recipients")
    # The whole file is read here, which takes seconds: nobody may wait for a lock meanwhile.
    with call.platform.database.read() as tx:
        preview = look_through(
            tx,
            call.workspace,
            call.content,
            credential_template_id=query["groupId"],
            duplicates=duplicates,
            mapping=mapping,
            encoding=encoding,
            plan=call.plan,
            at=call.at,
        )
    import_id = new_id()
    call.platform.storage.write(file_key(call.workspace.id, import_id), call.content)
    with call.platform.database.write() as tx:
        made = prepare_import(
            tx,
            call.workspace,
            preview,
            import_id=import_id,
            credential_template_id=query["groupId"],
            file_name=file_name,
            action=action,
            duplicates=duplicates,
            mapping=mapping,
            encoding=encoding,
            at=call.at,
        )
        if starts:
            made = start_import(tx, call.workspace.id, made.id, at=call.at)
        call.record(tx, made.id)
    call.platform.wake_worker()
    return to_import(made, preview)


def list_(call: Call) -> WirePage[WireImport]:
    return answer_page(call, "imports", list_imports, to_import)


def get(call: Call) -> WireImport:
    with call.platform.database.read() as tx:
        return to_import(get_import(tx, call.workspace.id, call.id))


def results(call: Call) -> FileAnswer:
    with call.platform.database.read() as tx:
        found = get_import(tx, call.workspace.id, call.id)
        content = results_as_csv(tx, found, call.base_url)
    return FileAnswer(content, "text/csv; charset=utf-8", f"import-{found.id}.csv")


def _moving(move: Callable[..., Import]) -> Callable[[Call], WireImport]:
    def run(call: Call) -> WireImport:
        if move is cancel_import:
            with call.platform.database.read() as tx:
                is_discarded = is_unstarted(get_import(tx, call.workspace.id, call.id))
            if is_discarded:
                # Nothing will read the file again. It goes first, so that a request that could not remove it can be
                # repeated.
                call.platform.storage.delete_all(file_key(call.workspace.id, call.id))
        with call.platform.database.write() as tx:
            moved = move(tx, call.workspace.id, call.id, at=call.at)
            call.record(tx)
        call.platform.wake_worker()
        return to_import(moved)

    return run


def _choice(given: str | None, name: str, allowed: tuple[str, ...], default: str) -> Any:
    if not given:
        return default
    if given not in allowed:
        raise Invalid(f"Must be one of {', '.join(allowed)}", (name,))
    return given


def _mapping(given: str | None) -> dict[str, str]:
    try:
        return msgspec.json.decode(given, type=dict[str, str]) if given else {}
    except msgspec.MsgspecError:
        raise Invalid('Must be a JSON object such as {"Student": "recipient.name"}', ("columns",)) from None


OPERATIONS = [
    Operation(
        method="POST",
        path="/imports",
        name="createImport",
        action="import.created",
        is_long=True,
        summary="Upload a spreadsheet of recipients",
        description="The body is the file, CSV or XLSX, at most 64 MiB. It is looked through and waits to be started.",
        tag=_TAG,
        run=create,
        status=201,
        upload="text/csv",
        body_bytes_max=FILE_BYTES_MAX,
        answer=WireImport,
        errors=(402, 404),
        parameters=(
            Parameter("groupId", "Id of the credential template.", is_required=True),
            Parameter("fileName", "What the file is called."),
            Parameter("action", "How far each row is taken; issue if left out.", get_args(Action)),
            Parameter("duplicates", "What to do if the recipient has such a credential; skip.", get_args(Duplicates)),
            Parameter("columns", "JSON: what headings mean, where their names do not tell."),
            Parameter("encoding", "Of a CSV file that is not UTF-8, such as windows-1252."),
            Parameter("start", "Whether to start at once.", _STARTS),
        ),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/imports",
        name="listImports",
        summary="List imports",
        tag=_TAG,
        run=list_,
        answer=WirePage[WireImport],
        is_list=True,
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/imports/{id}",
        name="getImport",
        summary="Get an import and its progress",
        tag=_TAG,
        run=get,
        answer=WireImport,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/imports/{id}/results",
        name="getImportResults",
        is_long=True,
        summary="Get what became of each row, as CSV",
        tag=_TAG,
        run=results,
        answer=FileAnswer,
        errors=(404,),
        is_extension=True,
    ),
    *(
        Operation(
            method="POST",
            path=f"/imports/{{id}}/{name}",
            name=f"{name}Import",
            action=f"import.{action}",
            summary=f"{name.capitalize()} an import",
            description=about,
            tag=_TAG,
            run=_moving(move),
            is_long=move is cancel_import,
            answer=WireImport,
            errors=(404, 409),
            is_extension=True,
        )
        for name, move, action, about in (
            ("start", start_import, "started", "Rows that are faulty are left out."),
            ("pause", pause_import, "paused", "It stops after the rows that it is at."),
            (
                "resume",
                resume_import,
                "resumed",
                "One that was paused or cancelled, or has failed, goes on where it stopped.",
            ),
            (
                "cancel",
                cancel_import,
                "cancelled",
                "What was made stays. One that was started can be resumed for 30 days.",
            ),
        )
    ),
]
