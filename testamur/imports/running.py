"""Running an import, chunk by chunk."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

from sqlalchemy import bindparam, insert, or_, select, update

from testamur.attributes.queries import attribute_types
from testamur.clock import now
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.bulk_issuing import CheckedRow, RowChecker, RowResult, SigningAhead, issue_rows
from testamur.credentials.signing_process import SigningProcess
from testamur.credentials.spreadsheets import FaultyRow, SheetRow, read_sheet
from testamur.credentials.tables import credentials, recipients
from testamur.db import Database, Transaction
from testamur.db.bulk import refresh_statistics
from testamur.designs.queries import has_asset
from testamur.errors import NotFound, TestamurError, Unavailable
from testamur.ids import new_id
from testamur.imports.mending import forget_rows, mended_rows
from testamur.imports.model import Import
from testamur.imports.preparing import file_key
from testamur.imports.queries import to_import
from testamur.imports.tables import import_chunks, imports
from testamur.plans import Plan
from testamur.signing_keys.signers import Signers
from testamur.storage import Storage
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import get_workspace

ROWS_PER_CHUNK = 1000
# Each chunk takes a second at most; a worker that is silent for this long is taken to be dead.
LEASE = timedelta(minutes=1)
# With fewer rows to come, an import is over before another process that signs has paid for its start.
SIGNED_BESIDE_FROM = 5000
# Chunks after which the database is told that its tables have grown.
STATISTICS_AFTER = frozenset({1, 5, 50})

_COLUMNS = [imports.c[field] for field in Import.__struct_fields__]
_DUE = (
    select(imports.c.id)
    .where(
        or_(
            (imports.c.state == "queued") & (imports.c.starts_at.is_(None) | (imports.c.starts_at <= bindparam("at"))),
            (imports.c.state == "running") & (imports.c.claimed_until <= bindparam("at")),
        )
    )
    .order_by(imports.c.created_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(imports)
    .where(imports.c.id == bindparam("of_id"))
    .values(state="running", claim=bindparam("new_claim"), claimed_until=bindparam("until"), error=None)
)
_CLAIMED = select(*_COLUMNS).where(imports.c.claim == bindparam("claimed"), imports.c.state == "running")
_MINE = (
    imports.c.id == bindparam("of_id"),
    imports.c.claim == bindparam("of_claim"),
    imports.c.state == "running",
)
_PROGRESS = (
    update(imports)
    .where(*_MINE)
    .values(
        done=imports.c.done + bindparam("more_done"),
        created=imports.c.created + bindparam("more_created"),
        replaced=imports.c.replaced + bindparam("more_replaced"),
        skipped=imports.c.skipped + bindparam("more_skipped"),
        faulty=imports.c.faulty + bindparam("more_faulty"),
        claimed_until=bindparam("until"),
        updated_at=bindparam("at"),
    )
)
_END = (
    update(imports)
    .where(*_MINE)
    .values(
        state=bindparam("new_state"),
        error=bindparam("new_error"),
        updated_at=bindparam("at"),
        finished_at=bindparam("at"),
        has_file=bindparam("keeps_file"),
    )
)
_INSERT_CHUNK = insert(import_chunks)


def claim_import(tx: Transaction, *, at: datetime) -> str | None:
    """Take an import that waits, or whose worker has fallen silent; the claim's id, or None if there is none."""
    import_id = tx.execute(_DUE, {"at": at}).scalar()
    if import_id is None:
        return None
    claim = new_id()
    tx.execute(_CLAIM, {"of_id": import_id, "new_claim": claim, "until": at + LEASE})
    return claim


def run_claimed(
    database: Database, storage: Storage, claim: str, *, plan_of: Callable[[Workspace], Plan], signers: Signers
) -> None:
    """Go on with a claimed import to its end, unless it is paused, cancelled or claimed by another worker meanwhile.

    Raises Unavailable while the storage is away: the import is claimed again when the claim has lapsed.
    """
    with database.read() as tx:
        row = tx.execute(_CLAIMED, {"claimed": claim}).one_or_none()
        if row is None:
            return
        found = to_import(row)
        workspace = get_workspace(tx, found.workspace_id)
    try:
        plan = plan_of(workspace)
        is_over = found.done == found.rows
        if not is_over:
            file = storage.open(file_key(found.workspace_id, found.id))
            if file is None:
                raise NotFound("The file of this import is missing from the storage")
            with file:
                is_over = _run(database, found, workspace, file, claim, plan, signers)
    except Unavailable:
        raise
    except TestamurError as failure:
        _end(database, found, claim, "failed", failure.message)
        return
    if is_over:
        # It holds names and addresses, and nobody needs it any more. While it is there the import is not over.
        storage.delete_all(file_key(found.workspace_id, found.id))
        _end(database, found, claim, "completed", None)


def _run(  # noqa: PLR0917 - it goes on with what its caller has opened.
    database: Database, found: Import, workspace: Workspace, file: BinaryIO, claim: str, plan: Plan, signers: Signers
) -> bool:
    with database.read() as tx:
        template = get_credential_template(tx, workspace.id, found.credential_template_id)
        types = attribute_types(tx, workspace.id)
        changes = mended_rows(tx, workspace.id, found.id)
    sheet = read_sheet(file, defined_tags=types, encoding=found.encoding, mapping=found.columns, changes=changes)

    def has_picture(digest: str) -> bool:
        with database.read() as reading:
            return has_asset(reading, workspace.id, digest)

    checker = RowChecker(workspace, types, template, has_picture=has_picture, duplicates=found.duplicates, plan=plan)
    chunks = _Chunks(iter(sheet.rows), checker)
    number = 0
    with SigningProcess() as process:
        is_long = found.action != "draft" and found.rows - found.done >= SIGNED_BESIDE_FROM
        ahead = SigningAhead(process, chunks.look_ahead) if is_long else None
        while outcomes := chunks.take():
            number += 1
            # Rows that are done already are checked too: a later row may repeat one of them.
            if number * ROWS_PER_CHUNK <= found.done:
                continue
            at = now()
            with database.write() as tx:
                # What is pinned is what the template says in the transaction that issues.
                template = get_credential_template(tx, workspace.id, found.credential_template_id)
                # Nothing is written unless the import still is this worker's to run: the counts move in the same
                # transaction as the rows, and the chunk's number can be inserted once only.
                checked = [item for item in outcomes if isinstance(item, CheckedRow)]
                results = {item.line: item for item in outcomes if isinstance(item, RowResult)}
                for result in issue_rows(
                    tx,
                    workspace,
                    template,
                    checked,
                    action=found.action,
                    duplicates=found.duplicates,
                    plan=plan,
                    signers=signers,
                    ahead=ahead,
                    at=at,
                ):
                    results[result.line] = result
                if not _record(tx, found, claim, number, [results[item.line] for item in outcomes], at):
                    tx.rollback()
                    return False
            if number in STATISTICS_AFTER:
                with database.write() as tx:
                    refresh_statistics(tx, recipients, credentials)
    return True


class _Chunks:
    """Rows of a sheet, some at a time, checked. The next may be looked at before they are taken."""

    def __init__(self, rows: Iterator[SheetRow | FaultyRow], checker: RowChecker) -> None:
        self._rows = rows
        self._checker = checker
        self._next: list[CheckedRow | RowResult] | None = None
        self._failure: Exception | None = None

    def take(self) -> list[CheckedRow | RowResult]:
        """Empty at the end. Raises what reading the sheet raises."""
        if self._next is None and self._failure is None:
            self.look_ahead()
        if self._failure is not None:
            raise self._failure
        taken, self._next = self._next or [], None
        return taken

    def look_ahead(self) -> list[CheckedRow]:
        """Those that can be issued of the rows that are taken next.

        What goes wrong is no fault of the chunk that is being written: it is raised when this one is taken.
        """
        try:
            at = now()
            self._next = [self._checker.check(row, at=at) for row in islice(self._rows, ROWS_PER_CHUNK)]
        except Exception as failure:  # noqa: BLE001 - raised later, see above.
            self._failure = failure
        return [item for item in self._next or [] if isinstance(item, CheckedRow)]


def _record(  # noqa: PLR0917 - see above.
    tx: Transaction, found: Import, claim: str, number: int, results: Sequence[RowResult], at: datetime
) -> bool:
    counts = {
        f"more_{outcome}": sum(result.outcome == outcome for result in results)
        for outcome in ("created", "replaced", "skipped", "faulty")
    }
    mine = {"of_id": found.id, "of_claim": claim, "until": now() + LEASE, "at": at}
    if not tx.execute(_PROGRESS, {**mine, **counts, "more_done": len(results)}).rowcount:
        return False
    lines = [
        [
            result.line,
            result.outcome,
            result.credential.id if result.credential else None,
            result.credential.public_id if result.credential else None,
            result.error,
        ]
        for result in results
    ]
    row = {"workspace_id": found.workspace_id, "import_id": found.id, "number": number, "results": lines}
    tx.execute(_INSERT_CHUNK, row)
    return True


def _end(database: Database, found: Import, claim: str, state: str, error: str | None) -> None:
    with database.write() as tx:
        if state == "completed":
            forget_rows(tx, found.workspace_id, found.id)
        values = {
            "new_state": state,
            "keeps_file": state != "completed",
            "new_error": None if error is None else error[:500],
            "at": now(),
        }
        tx.execute(_END, {"of_id": found.id, "of_claim": claim, **values})
