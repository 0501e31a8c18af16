from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from testamur.credentials.model import Credential, Recipient
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.errors import NotFound

# What only finds a credential is no part of it.
_KEYS = {"issuing_key", "recipient_name_key", "recipient_email_key"}
COLUMNS = [column for column in credentials.c if column.key not in _KEYS]
_OF_WORKSPACE = select(*COLUMNS).where(credentials.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(credentials.c.id == bindparam("id"))
_BY_IDS = _OF_WORKSPACE.where(credentials.c.id.in_(bindparam("ids", expanding=True)))
# Rows that refer to it can be added meanwhile.
_LOCKED = _BY_ID.with_for_update(key_share=True)
_BY_PUBLIC_ID = select(*COLUMNS).where(credentials.c.public_id == bindparam("public_id"))
_PAGER = Pager(_OF_WORKSPACE, credentials.c.created_at, credentials.c.id)
_COUNT_OF_TEMPLATE = (
    select(func.count())
    .select_from(credentials)
    .where(
        credentials.c.workspace_id == bindparam("workspace_id"),
        credentials.c.credential_template_id == bindparam("template_id"),
    )
)


def get_credential(tx: Transaction, workspace_id: str, credential_id: str) -> Credential:
    """Raises NotFound."""
    found = find_credential(tx, workspace_id, credential_id)
    if found is None:
        raise NotFound
    return found


def find_credential(tx: Transaction, workspace_id: str, credential_id: str) -> Credential | None:
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": credential_id}).one_or_none()
    return None if row is None else to_credential(row)


def find_credentials(tx: Transaction, workspace_id: str, credential_ids: Sequence[str]) -> dict[str, Credential]:
    """Those of the ids (some hundred) that are credentials of the workspace, by id."""
    rows = tx.execute(_BY_IDS, {"workspace_id": workspace_id, "ids": credential_ids})
    return {row.id: to_credential(row) for row in rows}


def lock_credential(tx: Transaction, workspace_id: str, credential_id: str) -> Credential:
    """The credential, which nobody else changes until the transaction ends. Raises NotFound."""
    row = tx.execute(_LOCKED, {"workspace_id": workspace_id, "id": credential_id}).one_or_none()
    if row is None:
        raise NotFound
    return to_credential(row)


def get_public_credential(tx: Transaction, public_id: str) -> Credential:
    """A credential by the id that its page's address holds, of whichever workspace: for the wallet only.

    Raises NotFound if there is none or if it was not issued yet, so that nobody learns of a draft.
    """
    row = tx.execute(_BY_PUBLIC_ID, {"public_id": public_id}).one_or_none()
    if row is None or row.state != "issued":
        raise NotFound
    return to_credential(row)


def list_credentials(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[Credential]:
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: [to_credential(row) for row in rows])


def count_credentials_of_template(tx: Transaction, workspace_id: str, template_id: str) -> int:
    parameters = {"workspace_id": workspace_id, "template_id": template_id}
    return int(tx.execute(_COUNT_OF_TEMPLATE, parameters).scalar_one())


def to_credential(row: Any) -> Credential:
    values = {column.key: row._mapping[column] for column in COLUMNS}  # noqa: SLF001
    recipient = Recipient(values.pop("recipient_id"), values.pop("recipient_name"), values.pop("recipient_email"))
    return Credential(**values, recipient=recipient)
