from datetime import datetime

from sqlalchemy import bindparam, update

from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.tokens.tables import access_tokens

_REVOKE = (
    update(access_tokens)
    .where(
        access_tokens.c.workspace_id == bindparam("of_workspace"),
        access_tokens.c.id == bindparam("token_id"),
        access_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)


def revoke_token(tx: Transaction, workspace_id: str, token_id: str, *, at: datetime) -> None:
    """From now on the token is refused. Raises NotFound if the workspace has no such token that is in force."""
    if not tx.execute(_REVOKE, {"of_workspace": workspace_id, "token_id": token_id, "at": at}).rowcount:
        raise NotFound("There is no such access token in force in this workspace")
