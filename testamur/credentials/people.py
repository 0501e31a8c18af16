"""Recipients as people: whoever has an address, with all that was awarded to it in a workspace."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from testamur.credentials.model import Credential
from testamur.credentials.queries import COLUMNS, to_credential
from testamur.credentials.tables import credentials, recipients
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.db.planning import off_index
from testamur.errors import NotFound
from testamur.text import fold_email

FOUND_MAX = 50
# Credentials that one search looks at, by the beginning of the names on them.
_LOOKED_AT = 500
# Of one recipient, counted no further.
COUNTED_MAX = 1000
# Sorts after every text that has a prefix: the last code point.
_LAST = "\U0010ffff"


class ListedRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient and how many credentials they have, drafts too, counted no further than COUNTED_MAX."""

    id: str
    name: str
    email: str | None
    credential_count: int


_COLUMNS = (recipients.c.id, recipients.c.name, recipients.c.email, recipients.c.email_key)
_OF_WORKSPACE = select(*_COLUMNS).where(recipients.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(recipients.c.id == bindparam("id"))
_WITH_ADDRESS = _OF_WORKSPACE.where(recipients.c.email_key.is_not(None))
_PAGER = Pager(_WITH_ADDRESS, recipients.c.email_key, recipients.c.id, descending=False)
_ADDRESS_BEGINS = (
    select(recipients.c.id)
    .where(
        recipients.c.workspace_id == bindparam("workspace_id"),
        recipients.c.email_key >= bindparam("begins"),
        recipients.c.email_key < bindparam("ends"),
    )
    .order_by(recipients.c.email_key)
    .limit(FOUND_MAX)
)
# Names are those on credentials, which are folded: an index finds what begins with a text.
_NAME_BEGINS = (
    select(credentials.c.recipient_id)
    .where(
        credentials.c.workspace_id == bindparam("workspace_id"),
        credentials.c.recipient_name_key >= bindparam("begins"),
        credentials.c.recipient_name_key < bindparam("ends"),
    )
    .order_by(credentials.c.recipient_name_key)
    .limit(_LOOKED_AT)
)
_SEARCH = (
    select(*_COLUMNS)
    .where(
        off_index(recipients.c.workspace_id) == bindparam("workspace_id"),
        recipients.c.email_key.is_not(None),
        recipients.c.id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(recipients.c.email_key)
    .limit(FOUND_MAX)
)
_one_by_one = (
    select(credentials.c.id)
    .where(
        off_index(credentials.c.workspace_id) == bindparam("workspace_id"),
        credentials.c.recipient_id == bindparam("recipient_id"),
    )
    .limit(COUNTED_MAX)
    .subquery()
)
_COUNT = select(func.count()).select_from(_one_by_one)
_CREDENTIALS = Pager(
    select(*COLUMNS).where(
        off_index(credentials.c.workspace_id) == bindparam("workspace_id"),
        credentials.c.recipient_id == bindparam("recipient_id"),
    ),
    credentials.c.created_at,
    credentials.c.id,
)


def list_recipients(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[ListedRecipient]:
    """Those with an address, by their addresses."""
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: _listed(tx, workspace_id, rows))


def search_recipients(tx: Transaction, workspace_id: str, beginning: str) -> list[ListedRecipient]:
    """Those whose address or name on a credential begins with a text, at most FOUND_MAX, by their addresses."""
    begins = fold_email(beginning)
    place = {"workspace_id": workspace_id, "begins": begins, "ends": begins + _LAST}
    ids = {id_ for statement in (_ADDRESS_BEGINS, _NAME_BEGINS) for id_ in tx.execute(statement, place).scalars()}
    found = tx.execute(_SEARCH, {"workspace_id": workspace_id, "ids": list(ids)}).all() if ids else []
    return _listed(tx, workspace_id, found)


def get_listed_recipient(tx: Transaction, workspace_id: str, recipient_id: str) -> ListedRecipient:
    """With or without an address. Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": recipient_id}).one_or_none()
    if row is None:
        raise NotFound
    return _listed(tx, workspace_id, [row])[0]


def list_credentials_of_recipient(
    tx: Transaction, workspace_id: str, recipient_id: str, cursor: Cursor | None, limit: int
) -> Page[Credential]:
    """Drafts too, the newest first."""
    page = _CREDENTIALS.rows(tx, {"workspace_id": workspace_id, "recipient_id": recipient_id}, cursor, limit)
    return map_page(page, lambda rows: [to_credential(row) for row in rows])


def _listed(tx: Transaction, workspace_id: str, rows: Sequence[Any]) -> list[ListedRecipient]:
    return [
        ListedRecipient(
            id=row.id,
            name=row.name,
            email=row.email,
            credential_count=int(
                tx.execute(_COUNT, {"workspace_id": workspace_id, "recipient_id": row.id}).scalar_one()
            ),
        )
        for row in rows
    ]
