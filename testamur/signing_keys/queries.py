from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Row, bindparam, select

from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.signing_keys.model import Algorithm, JwtKey, KeyState, SigningKey
from testamur.signing_keys.tables import signing_keys as table
from testamur.workspaces.tables import issuer_identities, workspaces

_OF_WORKSPACE = (
    select(table)
    .where(table.c.workspace_id == bindparam("workspace_id"))
    .order_by(table.c.created_at, table.c.active_from, table.c.id)
)
_SIGNING = (
    select(table)
    .where(
        table.c.workspace_id == bindparam("workspace_id"),
        table.c.algorithm == bindparam("algorithm"),
        table.c.retired_at.is_(None),
        table.c.compromised_at.is_(None),
    )
    .order_by(table.c.active_from, table.c.id)
)
_JWT_KEYS = (
    select(table.c.id, table.c.public_key, workspaces.c.slug, issuer_identities.c.did)
    .join(workspaces, workspaces.c.id == table.c.workspace_id)
    .join(issuer_identities, issuer_identities.c.workspace_id == table.c.workspace_id, isouter=True)
    .where(table.c.algorithm == "RS256", table.c.compromised_at.is_(None))
    .order_by(table.c.retired_at.is_not(None), table.c.created_at.desc(), table.c.id, issuer_identities.c.did)
    .limit(bindparam("limit", type_=Integer))
)
_BY_ID = select(table).where(table.c.workspace_id == bindparam("workspace_id"), table.c.id == bindparam("id"))


def list_keys(tx: Transaction, workspace_id: str) -> list[SigningKey]:
    """All keys of a workspace, oldest first, retired and compromised ones included."""
    return [_model(row) for row in tx.execute(_OF_WORKSPACE, {"workspace_id": workspace_id})]


def get_key(tx: Transaction, workspace_id: str, key_id: str) -> SigningKey:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": key_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such key in this workspace")
    return _model(row)


def signing_keys_of(tx: Transaction, workspace_id: str, algorithm: Algorithm) -> list[SigningKey]:
    """The keys that sign or will sign, by the time from which they do: usually one, two after a rotation."""
    place = {"workspace_id": workspace_id, "algorithm": algorithm}
    return [_model(row) for row in tx.execute(_SIGNING, place)]


def find_active_key(tx: Transaction, workspace_id: str, algorithm: Algorithm, *, at: datetime) -> SigningKey | None:
    """The key to sign with at that time; None if the workspace has none so far."""
    return active_of(signing_keys_of(tx, workspace_id, algorithm), at)


def list_jwt_keys(tx: Transaction, *, limit: int) -> list[JwtKey]:
    """The keys of all workspaces that JWTs are signed with.

    A key comes once for each DID that its workspace has signed under. Those that sign come first, newest first;
    compromised ones do not come.
    """
    return [JwtKey(*row) for row in tx.execute(_JWT_KEYS, {"limit": limit})]


def active_of(signing: Sequence[SigningKey], at: datetime) -> SigningKey | None:
    """Of keys that can sign, by the time from which they do, the last one whose time has come.

    If none has, it is the first: what came before was retired by a server whose clock is ahead of this one's.
    """
    due = [key for key in signing if key.active_from <= at]
    return due[-1] if due else next(iter(signing), None)


def states_of(keys: Sequence[SigningKey], at: datetime) -> dict[str, KeyState]:
    """What each of a workspace's keys is at that time, by its id."""
    states: dict[str, KeyState] = {}
    for key in keys:
        signing = [other for other in keys if other.algorithm == key.algorithm and other.can_sign]
        active = active_of(sorted(signing, key=lambda other: (other.active_from, other.id)), at)
        if key.compromised_at is not None:
            states[key.id] = "compromised"
        elif key.retired_at is not None:
            states[key.id] = "retired"
        elif key == active:
            states[key.id] = "active"
        else:
            states[key.id] = "next" if key.active_from > at else "superseded"
    return states


def _model(row: Row[Any]) -> SigningKey:
    return SigningKey(**row._mapping)  # noqa: SLF001
