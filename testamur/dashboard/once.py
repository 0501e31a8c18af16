"""Forms that make something: sent twice, by a double click or from the history of a browser, they make it once."""

from collections.abc import Callable, Mapping
from typing import Any

from testamur.dashboard.visits import Form, WorkspaceVisit
from testamur.db import Transaction
from testamur.idempotency.keys import begin, settle
from testamur.ids import normalize_id

FIELD = "once"


class _MadeBefore(Exception):
    """Ends the transaction in which nothing is to be done."""

    def __init__(self, made: str) -> None:
        super().__init__(made)
        self.made = made


async def write_once(
    visit: WorkspaceVisit,
    form: Form,
    work: Callable[[Transaction], str],
    *,
    action: str,
    details: Mapping[str, Any] | None = None,
) -> str:
    """The id of what `work` made, which is done once for each form that was shown: its field `once` holds a new id."""
    key = normalize_id(form.text(FIELD))

    def make(tx: Transaction) -> str:
        if key is None:
            return work(tx)
        before = begin(tx, visit.workspace_id, f"form:{key}", action, at=visit.at)
        if before is not None:
            raise _MadeBefore(before.body)
        made = work(tx)
        settle(tx, visit.workspace_id, f"form:{key}", status=303, body=made)
        return made

    try:
        return await visit.write(make, action=action, subject=lambda made: made, details=details)
    except _MadeBefore as done:
        return done.made
