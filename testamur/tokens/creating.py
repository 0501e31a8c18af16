from datetime import datetime

from sqlalchemy import insert

from testamur.db import Transaction
from testamur.ids import new_id
from testamur.text import checked, clean_line
from testamur.tokens.model import AccessToken
from testamur.tokens.secrets import hash_secret, new_secret
from testamur.tokens.tables import access_tokens

NAME_LENGTH_MAX = 255
_INSERT = insert(access_tokens)


def create_token(tx: Transaction, workspace_id: str, *, name: str, at: datetime) -> tuple[AccessToken, str]:
    """A new token and its secret, which is not kept and cannot be shown again. Raises Invalid for a bad name."""
    secret = new_secret()
    token = AccessToken(
        id=new_id(),
        workspace_id=workspace_id,
        name=checked("name", clean_line, name, length_max=NAME_LENGTH_MAX),
        secret_end=secret[-4:],
        created_at=at,
        last_used_at=None,
        revoked_at=None,
    )
    row = {field: getattr(token, field) for field in token.__struct_fields__}
    tx.execute(_INSERT, {**row, "secret_hash": hash_secret(secret)})
    return token, secret
