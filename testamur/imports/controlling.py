"""Starting, pausing, resuming and cancelling an import."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, update

from testamur.db import Transaction
from testamur.errors import Conflict
from testamur.imports.model import Import, ImportState
from testamur.imports.queries import get_import
from testamur.imports.tables import imports

_MOVE = (
    update(imports)
    .where(
        imports.c.workspace_id == bindparam("of_workspace"),
        imports.c.id == bindparam("of_id"),
        imports.c.state.in_(bindparam("from_states", expanding=True)),
    )
    .values(state=bindparam("new_state"), updated_at=bindparam("at"), finished_at=bindparam("new_finished_at"))
)


def start_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """Raises NotFound, or Conflict if it was started before."""
    return _move(tx, workspace_id, import_id, ["ready"], "queued", "This import was started before", at)


def pause_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """It stops after the chunk that it is at. Raises NotFound, or Conflict if it is not under way."""
    return _move(tx, workspace_id, import_id, ["queued", "running"], "paused", "This import is not under way", at)


def resume_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """It goes on where it stopped. Raises NotFound, or Conflict if it neither is paused nor has failed."""
    return _move(tx, workspace_id, import_id, ["paused", "failed"], "queued", "This import is not paused", at)


def cancel_import(tx: Transaction, workspace_id: str, import_id: str, *, at: datetime) -> Import:
    """It stops for good; what it has made stays. Raises NotFound, or Conflict if it is over."""
    states: list[ImportState] = ["ready", "queued", "running", "paused", "failed"]
    return _move(tx, workspace_id, import_id, states, "cancelled", "This import is over", at)


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
