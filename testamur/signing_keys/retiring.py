"""The end of a key's signing: its private part is destroyed, its public part stays."""

from datetime import datetime

import msgspec
from sqlalchemy import bindparam, update

from testamur.db import Transaction
from testamur.errors import Conflict
from testamur.openbadges.transparency import document_digest
from testamur.signing_keys.model import SigningKey
from testamur.signing_keys.queries import find_active_key, get_key
from testamur.signing_keys.tables import signing_keys as table
from testamur.transparency.recording import record

_RETIRE = (
    update(table)
    .where(
        table.c.workspace_id == bindparam("of_workspace"),
        table.c.id == bindparam("of_id"),
        table.c.retired_at.is_(None),
    )
    .values(retired_at=bindparam("at"), sealed_private_key=None)
)
_RETIRE_SUPERSEDED = (
    update(table)
    .where(
        table.c.workspace_id == bindparam("of_workspace"),
        table.c.algorithm == bindparam("of_algorithm"),
        table.c.id != bindparam("by_id"),
        table.c.active_from <= bindparam("by_active_from"),
        table.c.retired_at.is_(None),
        table.c.compromised_at.is_(None),
    )
    .values(retired_at=bindparam("at"), sealed_private_key=None)
    .returning(table.c.id, table.c.public_key)
)


def retire_superseded(tx: Transaction, active: SigningKey, *, at: datetime) -> int:
    """Retire the keys in whose place this one signs; how many."""
    place = {"of_workspace": active.workspace_id, "of_algorithm": active.algorithm}
    by = {"by_id": active.id, "by_active_from": active.active_from}
    retired = tx.execute(_RETIRE_SUPERSEDED, {**place, **by, "at": at}).all()
    record(tx, "retire", [(key_id, document_digest(public_key)) for key_id, public_key in retired], at=at)
    return len(retired)


def retire_key(tx: Transaction, workspace_id: str, key_id: str, *, at: datetime) -> SigningKey:
    """The key, which signs no more from now on. Raises NotFound, Conflict if it signs nothing already or still must."""
    key = get_key(tx, workspace_id, key_id)
    if not key.can_sign:
        raise Conflict(f"The key {key_id} signs no more already")
    if key == find_active_key(tx, workspace_id, key.algorithm, at=at):
        raise Conflict(
            f"The key {key_id} is the one that signs; make another with testamur keys rotate, and wait until that signs"
        )
    tx.execute(_RETIRE, {"of_workspace": workspace_id, "of_id": key_id, "at": at})
    record(tx, "retire", [(key_id, document_digest(key.public_key))], at=at)
    return msgspec.structs.replace(key, retired_at=at, sealed_private_key=None)
