from datetime import datetime

from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.errors import Conflict
from testamur.signing_keys.creating import lock_keys, make_key
from testamur.signing_keys.model import DOCUMENT_CACHE, Algorithm, SigningKey
from testamur.signing_keys.queries import signing_keys_of
from testamur.workspaces.model import Workspace


def rotate_key(
    tx: Transaction, workspace: Workspace, algorithm: Algorithm, *, master_key: MasterKey, at: datetime
) -> SigningKey:
    """A new key, published at once, that signs when nobody has a DID document without it any more.

    The one before signs until then and is retired when the new one is first used. A first key signs at once. Raises
    Conflict if a new key waits already.
    """
    lock_keys(tx, workspace)
    signing = signing_keys_of(tx, workspace.id, algorithm)
    if signing and signing[-1].active_from > at:
        waits = signing[-1]
        raise Conflict(
            f"The new key {waits.id} is published already and signs from {waits.active_from:%Y-%m-%d %H:%M} UTC"
        )
    active_from = at + DOCUMENT_CACHE if signing else at
    return make_key(tx, workspace, algorithm, master_key=master_key, active_from=active_from, at=at)
