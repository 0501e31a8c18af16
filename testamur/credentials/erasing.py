"""Forgetting a recipient: everything that names the person goes, and the revocation of what was signed stays.

Copies of their credentials that others have must not go on verifying, so each leaves its bit in the status list, and an
entry of the log. Neither says whose it was.
"""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, or_, select

from testamur.credentials.deleting import delete_credential
from testamur.credentials.tables import credentials, recipients
from testamur.db import Transaction
from testamur.delivery.tables import emails
from testamur.text import fold_email

_RECIPIENTS = select(recipients.c.id).where(
    recipients.c.workspace_id == bindparam("workspace_id"), recipients.c.email_key == bindparam("email_key")
)
_CREDENTIALS = select(credentials.c.id).where(
    credentials.c.workspace_id == bindparam("workspace_id"),
    or_(credentials.c.recipient_email_key == bindparam("email_key"), credentials.c.recipient_id.in_(_RECIPIENTS)),
)
_DELETE_EMAILS = delete(emails).where(
    emails.c.workspace_id == bindparam("of_workspace"), func.lower(emails.c.to_address) == bindparam("address")
)
_DELETE_RECIPIENTS = delete(recipients).where(
    recipients.c.workspace_id == bindparam("of_workspace"), recipients.c.email_key == bindparam("of_email_key")
)


def credentials_of_address(tx: Transaction, workspace_id: str, email: str) -> list[str]:
    """The ids of all credentials, drafts too, that an address or its recipient has."""
    place = {"workspace_id": workspace_id, "email_key": fold_email(email)}
    return list(tx.execute(_CREDENTIALS, place).scalars())


def erase_recipient(tx: Transaction, workspace_id: str, email: str, *, at: datetime) -> int:
    """Delete the credentials of an address, the mails to it and the recipient; how many credentials there were.

    The files that were rendered from them are removed by `renderings.delete_files`, which is called before.
    """
    found = credentials_of_address(tx, workspace_id, email)
    for credential_id in found:
        delete_credential(tx, workspace_id, credential_id, at=at)
    tx.execute(_DELETE_EMAILS, {"of_workspace": workspace_id, "address": email.strip().lower()})
    tx.execute(_DELETE_RECIPIENTS, {"of_workspace": workspace_id, "of_email_key": fold_email(email)})
    return len(found)
