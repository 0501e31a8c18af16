"""Starting, pausing, resuming and cancelling an import."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from testamur.credentials.bulk_issuing import Action
from testamur.db import Transaction
from testamur.errors import Conflict, Invalid
from testamur.imports.mending import forget_rows
from testamur.imports.model import Import, ImportState
from testamur.imports.queries import get_import
from testamur.imports.tables import imports

# A file of names and addresses is kept for so long after the last time that somebody did something with its import.
KEPT = timedelta(days=30)

_MOVE = (
    update(imports)
    .where(
        imports.c.workspace_id == bindparam("of_workspace"),
        imports.c.id == bindparam("of_id"),
        imports.c.state.in_(bindparam("from_states", expanding=True)),
    )
    .values(state=bindparam("new_state"), updated_at=bindparam("at"), finished_at=bindparam("new_finished_at"))
)
_OF_IMPORT = (imports.c.workspace_id == bindparam("of_workspace"), imports.c.id == bindparam("of_id"))
_SET_ACTION = update(imports).where(*_OF_IMPORT).values(action=bindparam("new_action"))
_SET_START = update(imports).where(*_OF_IMPORT).values(starts_at=bindparam("new_start"))
_HURRY = (
    update(imports)
    .where(*_OF_IMPORT, imports.c.state == "queued", imports.c.starts_at > bindparam("at"))
    .values(starts_at=None, updated_at=bindparam("at"))
)
_FORGET_FILE = update(imports).where(*_OF_IMPORT).values(has_file=False)
_IDLE_STATES = ("uploaded", "ready", "paused", "failed", "cancelled")
_IDLE = (
    select(imports.c.workspace_id, imports.c.id)
    .where(imports.c.state.in_(_IDLE_STATES), imports.c.has_file, imports.c.updated_at < bindparam("before"))
    .limit(bindparam("limit"))
)
_END_IDLE = (
    update(imports)
    .where(*_OF_IMPORT, imports.c.state.in_(_IDLE_STATES), imports.c.updated_at < bindparam("before"))
    .values(state="cancelled", has_file=False, finished_at=bindparam("at"))
)


def start_import(
    tx: Transaction,
    workspace_id: str,
    import_id: str,
    *,
    action: Action | None = None,
    starts_at: datetime | None = None,
    at: datetime,
) -> Import:
    """It is run as soon as there is a worker, or at a moment to come; `action` is how far rows are taken.

    Raises NotFound, Conflict if it was started before or its columns are not known yet, Invalid for a moment that is
    past.
    """
    if starts_at is not None and starts_at <= at:
        raise Invalid("Must be a moment to come", ("starts_at",))
    _move(tx, workspace_id, import_id, ["ready"], "queued", "This import was started before", at)
    place = {"of_workspace": workspace_id, "of_id": import_id}
    if action is not None:
        tx.execute(_SET_ACTION, {**place, "new_action": action})
    if starts_at is not None:
        tx.execute(_SET_START, {**place, "new_start": starts_at})
    return get_import(tx, workspace_id, import_id)


def start_now(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """One that was to start later starts now. Raises NotFound, or Conflict if it does not wait for its time."""
    hurried = tx.execute(_HURRY, {"of_workspace": workspace_id, "of_id": import_id, "at": at}).rowcount
    found = get_import(tx, workspace_id, import_id)
    if not hurried:
        raise Conflict(f"This import does not wait for its time (it is {found.state})")
    return found


def pause_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """It stops after the chunk that it is at. Raises NotFound, or Conflict if it is not under way."""
    return _move(tx, workspace_id, import_id, ["queued", "running"], "paused", "This import is not under way", at)


def resume_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """It goes on where it stopped, each row being issued once in all.

    Raises NotFound, or Conflict if it was not paused or cancelled and has not failed, or if its file is gone.
    """
    if not get_import(tx, workspace_id, import_id).has_file:
        raise Conflict("The file of this import is gone; upload it again")
    states: list[ImportState] = ["paused", "failed", "cancelled"]
    return _move(tx, workspace_id, import_id, states, "queued", "This import is not paused", at)


def cancel_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """It stops; what it has made stays. One that was started can be resumed as long as its file is kept, which is
    KEPT; of one that never was, nobody needs the file any more.

    Raises NotFound, or Conflict if it is over.
    """
    before = get_import(tx, workspace_id, import_id)
    states: list[ImportState] = [before.state] if is_unstarted(before) else ["queued", "running", "paused", "failed"]
    moved = _move(tx, workspace_id, import_id, states, "cancelled", "This import is over", at)
    if not is_unstarted(before):
        return moved
    tx.execute(_FORGET_FILE, {"of_workspace": workspace_id, "of_id": import_id})
    forget_rows(tx, workspace_id, import_id)
    return get_import(tx, workspace_id, import_id)


def is_unstarted(found: Import) -> bool:
    return found.state in {"uploaded", "ready"}


def find_idle_imports(tx: Transaction, *, at: datetime, limit: int) -> list[tuple[str, str]]:
    """Imports that nothing was done with for KEPT and whose file is still there: workspace and id."""
    return [(row.workspace_id, row.id) for row in tx.execute(_IDLE, {"before": at - KEPT, "limit": limit})]


def end_idle_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> None:
    """Its file was removed: it cannot go on any more."""
    place = {"of_workspace": workspace_id, "of_id": import_id}
    if tx.execute(_END_IDLE, {**place, "before": at - KEPT, "at": at}).rowcount:
        forget_rows(tx, workspace_id, import_id)


def _move(  # noqa: PLR0917 - each is said at the call.
    tx: Transaction,
    workspace_id: str,
    import_id: str,
    states: Sequence[ImportState],
    new_state: ImportState,
    refusal: str,
    at: datetime,
) -> Import:
    place = {"of_workspace": workspace_id, "of_id": import_id, "from_states": states}
    finished_at = at if new_state == "cancelled" else None
    moved = tx.execute(_MOVE, {**place, "new_state": new_state, "at": at, "new_finished_at": finished_at}).rowcount
    found = get_import(tx, workspace_id, import_id)
    if not moved:
        raise Conflict(f"{refusal} (it is {found.state})")
    return found
