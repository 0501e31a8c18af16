from typing import Any

from sqlalchemy import Row, bindparam, select

from testamur.db import Transaction
from testamur.tokens.model import AccessToken
from testamur.tokens.tables import access_tokens

COLUMNS = [column for column in access_tokens.c if column.key != "secret_hash"]
_OF_WORKSPACE = (
    select(*COLUMNS)
    .where(access_tokens.c.workspace_id == bindparam("workspace_id"))
    .order_by(access_tokens.c.created_at, access_tokens.c.id)
)


def list_tokens(tx: Transaction, workspace_id: str) -> list[AccessToken]:
    """The tokens of a workspace, oldest first, revoked ones included."""
    return [to_token(row) for row in tx.execute(_OF_WORKSPACE, {"workspace_id": workspace_id})]


def to_token(row: Row[Any]) -> AccessToken:
    return AccessToken(**row._mapping)  # noqa: SLF001
