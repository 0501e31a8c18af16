"""Recipients: one per e-mail address in a workspace, and a new one for each award without an address."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from testamur.credentials.awards import Award
from testamur.credentials.model import Recipient
from testamur.credentials.tables import recipients
from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.errors import NotFound
from testamur.ids import new_id, normalize_id
from testamur.text import fold_email

_BY_EMAIL_KEYS = select(recipients.c.email_key, recipients.c.id).where(
    recipients.c.workspace_id == bindparam("workspace_id"),
    recipients.c.email_key.in_(bindparam("email_keys", expanding=True)),
)
_BY_ID = select(recipients.c.id, recipients.c.email).where(
    recipients.c.workspace_id == bindparam("workspace_id"), recipients.c.id == bindparam("id")
)

_UPDATE = (
    update(recipients)
    .where(recipients.c.workspace_id == bindparam("of_workspace"), recipients.c.id == bindparam("of_id"))
    .values(
        name=bindparam("new_name"),
        email=bindparam("new_email"),
        email_key=bindparam("new_email_key"),
        updated_at=bindparam("at"),
    )
)


class KnownRecipient(msgspec.Struct, frozen=True):
    """A recipient's row: its id, and the address it is known by."""

    id: str
    email: str | None


def get_recipient(tx: Transaction, workspace_id: str, recipient_id: str) -> KnownRecipient:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": normalize_id(recipient_id)}).one_or_none()
    if row is None:
        raise NotFound("The recipient does not exist")
    return KnownRecipient(row.id, row.email)


def find_or_create_recipients(
    tx: Transaction, workspace_id: str, awards: Sequence[Award], *, at: datetime
) -> list[str]:
    """The recipient's id for each award, in their order; those not known yet are made.

    Two transactions may meet a new address at once: the one that comes second finds the row of the first.
    """
    keys = [None if award.recipient_email is None else fold_email(award.recipient_email) for award in awards]
    known = _find_by_keys(tx, workspace_id, keys)
    new_rows = {
        # An award without an address has a key of its own, so that no two of them become one recipient.
        key or position: _row(workspace_id, award, key, at)
        for position, (award, key) in enumerate(zip(awards, keys, strict=True))
        if key is None or key not in known
    }
    if new_rows:
        insert_many(tx, recipients, list(new_rows.values()))
        known |= _find_by_keys(tx, workspace_id, [key for key in keys if key is not None and key not in known])
    return [known[key] if key is not None else new_rows[position]["id"] for position, key in enumerate(keys)]


def change_recipient(
    tx: Transaction, workspace_id: str, before: Recipient, after: Recipient, *, at: datetime
) -> Recipient:
    """What a correction makes of a recipient. One whose new address is another recipient's becomes that one: an
    address is one recipient. Other credentials go on stating what they state.
    """
    key = None if after.email is None else fold_email(after.email)
    if key is not None:
        owner = _find_by_keys(tx, workspace_id, [key]).get(key)
        if owner is not None and owner != before.id:
            return Recipient(owner, after.name, after.email)
    values = {"new_name": after.name, "new_email": after.email, "new_email_key": key, "at": at}
    tx.execute(_UPDATE, {"of_workspace": workspace_id, "of_id": before.id, **values})
    return after


def _find_by_keys(tx: Transaction, workspace_id: str, keys: Sequence[str | None]) -> dict[str | int, str]:
    wanted = sorted({key for key in keys if key is not None})
    if not wanted:
        return {}
    rows = tx.execute(_BY_EMAIL_KEYS, {"workspace_id": workspace_id, "email_keys": wanted})
    return {row.email_key: row.id for row in rows}


def _row(workspace_id: str, award: Award, email_key: str | None, at: datetime) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "id": new_id(),
        "name": award.recipient_name,
        "email": award.recipient_email,
        "email_key": email_key,
        "created_at": at,
        "updated_at": at,
    }
