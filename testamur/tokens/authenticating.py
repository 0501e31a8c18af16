from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, update

from testamur.db import Transaction
from testamur.errors import Unauthorized
from testamur.tokens.model import AccessToken
from testamur.tokens.queries import COLUMNS
from testamur.tokens.secrets import hash_secret, is_secret
from testamur.tokens.tables import access_tokens
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import workspaces

# The last use is recorded no more often than this, so that reading stays reading.
LAST_USE_STEP = timedelta(minutes=1)

# Token and workspace in one statement: every request of the API begins with it.
_BY_HASH = (
    select(*COLUMNS, *(column.label(f"workspace_{column.key}_") for column in workspaces.c))
    .join(workspaces, workspaces.c.id == access_tokens.c.workspace_id)
    .where(access_tokens.c.secret_hash == bindparam("secret_hash"), access_tokens.c.revoked_at.is_(None))
)
_TOKEN_FIELDS = [column.key for column in COLUMNS]
_WORKSPACE_FIELDS = [column.key for column in workspaces.c]
_USED = (
    update(access_tokens)
    .where(
        access_tokens.c.id == bindparam("token_id"),
        or_(access_tokens.c.last_used_at.is_(None), access_tokens.c.last_used_at < bindparam("at")),
    )
    .values(last_used_at=bindparam("at"))
)


def authenticate_token(tx: Transaction, secret: str) -> tuple[AccessToken, Workspace]:
    """The token that this text is, and the workspace it acts for. Raises Unauthorized if it is none, unknown or revoked."""
    if not is_secret(secret):
        raise Unauthorized
    row = tx.execute(_BY_HASH, {"secret_hash": hash_secret(secret)}).one_or_none()
    if row is None:
        raise Unauthorized
    token = AccessToken(**dict(zip(_TOKEN_FIELDS, row, strict=False)))
    return token, Workspace(**dict(zip(_WORKSPACE_FIELDS, row[len(_TOKEN_FIELDS) :], strict=True)))


def is_use_worth_recording(token: AccessToken, at: datetime) -> bool:
    return token.last_used_at is None or at - token.last_used_at >= LAST_USE_STEP


def record_use(tx: Transaction, token: AccessToken, at: datetime) -> None:
    tx.execute(_USED, {"token_id": token.id, "at": at})
