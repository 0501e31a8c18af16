from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, func, literal, select

from testamur.credential_templates.tables import credential_templates
from testamur.credentials.model import Credential, Recipient
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.errors import NotFound
from testamur.text import fold_email

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
# One address has few credentials: those of a template are picked among them here, so that no database reads all of the
# template's credentials instead.
_OF_EMAIL = _OF_WORKSPACE.where(credentials.c.recipient_email_key == bindparam("email_key")).limit(500)
_OF_NAME = _OF_WORKSPACE.where(
    credentials.c.credential_template_id == bindparam("template_id"),
    credentials.c.recipient_name_key == bindparam("name_key"),
    credentials.c.recipient_email_key.is_(None),
).limit(500)
_HAS_ISSUED = (
    select(literal(1))
    .where(credentials.c.workspace_id == bindparam("workspace_id"), credentials.c.state == "issued")
    .limit(1)
)
_COUNT_OF_TEMPLATE = (
    select(func.count())
    .select_from(credentials)
    .where(
        credentials.c.workspace_id == bindparam("workspace_id"),
        credentials.c.credential_template_id == bindparam("template_id"),
    )
)


def _newest_of_template(limit: int, column: Any) -> Select[Any]:
    return (
        select(column)
        .where(
            credentials.c.workspace_id == credential_templates.c.workspace_id,
            credentials.c.credential_template_id == credential_templates.c.id,
        )
        .order_by(credentials.c.created_at.desc(), credentials.c.id.desc())
        .limit(limit)
        .correlate(credential_templates)
    )


# Counting stops here: a page is made of twenty such counts, whatever a template has.
COUNTED_MAX = 1000
_LATEST_MAX = 20
_COUNTED = _newest_of_template(COUNTED_MAX + 1, literal(1).label("one")).order_by(None).subquery()
_LATEST = _newest_of_template(_LATEST_MAX, credentials.c.issued_at).subquery()
_USE = select(
    credential_templates.c.id,
    select(func.count()).select_from(_COUNTED).scalar_subquery().label("number"),
    select(func.max(_LATEST.c.issued_at)).scalar_subquery().label("last_issued_at"),
).where(
    credential_templates.c.workspace_id == bindparam("workspace_id"),
    credential_templates.c.id.in_(bindparam("ids", expanding=True)),
)


class TemplateUse(msgspec.Struct, frozen=True):
    """How many credentials a template has, drafts included, counted to COUNTED_MAX and one; when one of the newest of
    them was last issued.
    """

    count: int
    last_issued_at: datetime | None


def uses_of_templates(tx: Transaction, workspace_id: str, template_ids: Iterable[str]) -> dict[str, TemplateUse]:
    """The use of each credential template of the workspace, by id, in one statement that reads few rows of each."""
    rows = tx.execute(_USE, {"workspace_id": workspace_id, "ids": list(template_ids)})
    return {row.id: TemplateUse(row.number, row.last_issued_at) for row in rows}


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


def find_same_award(
    tx: Transaction, workspace_id: str, template_id: str, *, name: str, email: str | None
) -> Credential | None:
    """The newest credential of the template that is not revoked and is this recipient's: by address, or by name if
    there is none.
    """
    place = {"workspace_id": workspace_id}
    if email is not None:
        rows = tx.execute(_OF_EMAIL, {**place, "email_key": fold_email(email)})
    else:
        rows = tx.execute(_OF_NAME, {**place, "template_id": template_id, "name_key": name.casefold()})
    found = [
        credential
        for credential in map(to_credential, rows)
        if credential.credential_template_id == template_id and credential.revoked_at is None
    ]
    return max(found, key=lambda credential: credential.created_at, default=None)


def has_issued(tx: Transaction, workspace_id: str) -> bool:
    """Whether there is any credential that is more than a draft."""
    return tx.execute(_HAS_ISSUED, {"workspace_id": workspace_id}).scalar_one_or_none() is not None


def count_credentials_of_template(tx: Transaction, workspace_id: str, template_id: str) -> int:
    parameters = {"workspace_id": workspace_id, "template_id": template_id}
    return int(tx.execute(_COUNT_OF_TEMPLATE, parameters).scalar_one())


def to_credential(row: Any) -> Credential:
    return credential_of({column.key: row._mapping[column] for column in COLUMNS})  # noqa: SLF001


def credential_of(values: dict[str, Any]) -> Credential:
    """A credential of the values of `COLUMNS`, by their keys; the dict is used up."""
    recipient = Recipient(values.pop("recipient_id"), values.pop("recipient_name"), values.pop("recipient_email"))
    return Credential(**values, recipient=recipient)
