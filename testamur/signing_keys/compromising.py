"""What to do when somebody else may have a private key."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, update

from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.errors import Conflict
from testamur.openbadges.transparency import document_digest
from testamur.signing_keys.creating import lock_keys, make_key
from testamur.signing_keys.model import SigningKey
from testamur.signing_keys.queries import find_active_key, get_key
from testamur.signing_keys.retiring import retire_superseded
from testamur.signing_keys.tables import signing_keys as table
from testamur.text import checked, clean_line
from testamur.transparency.recording import record
from testamur.workspaces.model import Workspace

REASON_LENGTH_MAX = 500
_MARK = (
    update(table)
    .where(table.c.workspace_id == bindparam("of_workspace"), table.c.id == bindparam("of_id"))
    .values(compromised_at=bindparam("at"), reason=bindparam("why"), sealed_private_key=None)
)

# Has all that a compromised key signed be signed anew, in the same transaction, and tells how many credentials. What a
# key has signed is known to the slices above this one.
SignAnew = Callable[[Transaction, Workspace, SigningKey], int]


class Compromise(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: the key as it is now, the one that signs in its place from now on, if it was the one that signed,
    and how many credentials are signed anew.
    """

    key: SigningKey
    replacement: SigningKey | None
    signed_anew: int


def mark_compromised(
    tx: Transaction,
    workspace: Workspace,
    key_id: str,
    *,
    reason: str | None = None,
    sign_anew: SignAnew,
    master_key: MasterKey,
    at: datetime,
) -> Compromise:
    """Take a key out of the DID document and, if it signed, have a fresh one sign at once.

    Retired keys can be compromised too. Raises NotFound, Conflict if it is marked so already, Invalid for a reason that
    cannot be kept.
    """
    lock_keys(tx, workspace)
    key = get_key(tx, workspace.id, key_id)
    if key.compromised_at is not None:
        raise Conflict(f"The key {key_id} was marked as compromised on {key.compromised_at:%Y-%m-%d} already")
    why = None if reason is None else checked("reason", clean_line, reason, length_max=REASON_LENGTH_MAX)
    # A key that was rotated away must not come back.
    active = find_active_key(tx, workspace.id, key.algorithm, at=at)
    if active is not None:
        retire_superseded(tx, active, at=at)
    tx.execute(_MARK, {"of_workspace": workspace.id, "of_id": key_id, "at": at, "why": why})
    record(tx, "compromise", [(key.id, document_digest(key.public_key))], at=at)
    marked = msgspec.structs.replace(key, compromised_at=at, reason=why, sealed_private_key=None)
    replacement = None
    # A key that waits is not in documents that others keep, but no more is a fresh one: there must be one now.
    if key == active:
        replacement = make_key(tx, workspace, key.algorithm, master_key=master_key, active_from=at, at=at)
    return Compromise(key=marked, replacement=replacement, signed_anew=sign_anew(tx, workspace, marked))
