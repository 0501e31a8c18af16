"""Signing anew what a compromised key has signed, and for the first time what was issued before there were signatures.

Both are found in the tables, some at a time: whoever is cut off, or comes second, goes on with what is left.
"""

from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from testamur.credentials.badges import sign_anew
from testamur.credentials.queries import find_credential
from testamur.credentials.tables import credentials, signed_credentials
from testamur.db import Transaction
from testamur.signing_keys.model import SigningKey
from testamur.signing_keys.signers import Signers
from testamur.signing_keys.tables import signing_keys
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import get_workspace

_COUNT = (
    select(func.count())
    .select_from(signed_credentials)
    .where(
        signed_credentials.c.workspace_id == bindparam("workspace_id"),
        signed_credentials.c.key_id == bindparam("key_id"),
    )
)
_DROP_JWTS = (
    update(signed_credentials)
    .where(signed_credentials.c.workspace_id == bindparam("of_workspace"), signed_credentials.c.jwt.is_not(None))
    .values(jwt=None)
)
_BY_COMPROMISED = (
    select(signed_credentials.c.workspace_id, signed_credentials.c.credential_id)
    .join(
        signing_keys,
        (signing_keys.c.workspace_id == signed_credentials.c.workspace_id)
        & (signing_keys.c.id == signed_credentials.c.key_id),
    )
    .where(signing_keys.c.compromised_at.is_not(None))
    .limit(bindparam("limit"))
)
_UNSIGNED = (
    select(credentials.c.workspace_id, credentials.c.id)
    .join(signed_credentials, signed_credentials.c.credential_id == credentials.c.id, isouter=True)
    .where(credentials.c.state == "issued", signed_credentials.c.credential_id.is_(None))
    .limit(bindparam("limit"))
)


def count_to_sign_anew(tx: Transaction, workspace: Workspace, key: SigningKey) -> int:
    """How many credentials a key that has just been marked as compromised has signed.

    Those are left to `sign_again`, except for JWTs: they are dropped, since they are signed when somebody asks for one.
    """
    if key.algorithm == "RS256":
        return tx.execute(_DROP_JWTS, {"of_workspace": workspace.id}).rowcount
    return int(tx.execute(_COUNT, {"workspace_id": workspace.id, "key_id": key.id}).scalar_one())


def sign_again(tx: Transaction, signers: Signers, *, limit: int, at: datetime) -> int:
    """Sign some of what compromised keys have signed, of all workspaces; how many, which is 0 when none is left."""
    return _sign(tx, [tuple(row) for row in tx.execute(_BY_COMPROMISED, {"limit": limit})], signers, at)


def sign_unsigned(tx: Transaction, signers: Signers, *, limit: int, at: datetime) -> int:
    """Sign some of what was issued without a signature, of all workspaces; how many, which is 0 when none is left."""
    return _sign(tx, [tuple(row) for row in tx.execute(_UNSIGNED, {"limit": limit})], signers, at)


def _sign(tx: Transaction, found: list[tuple[str, str]], signers: Signers, at: datetime) -> int:
    workspaces: dict[str, Workspace] = {}
    for workspace_id, credential_id in found:
        credential = find_credential(tx, workspace_id, credential_id)
        if credential is None:
            continue  # It was deleted a moment ago.
        if workspace_id not in workspaces:
            workspaces[workspace_id] = get_workspace(tx, workspace_id)
        sign_anew(tx, workspaces[workspace_id], credential, signers=signers, at=at)
    return len(found)
