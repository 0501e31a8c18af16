"""Issuing many credentials of one template at once, from rows that may have been issued before.

Every row has an issuing key: its external id if it has one, else the recipient's e-mail, else what stands in it. A
template never has two credentials with one key, which the database itself sees to. So a run that was cut off is simply
run again, and rows that were issued are found instead of issued.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from testamur.clock import today
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.awards import Award, check_award
from testamur.credentials.drafting import credential_row, new_credential
from testamur.credentials.model import Credential, Recipient
from testamur.credentials.queries import COLUMNS, to_credential
from testamur.credentials.recipients import find_or_create_recipients
from testamur.credentials.spreadsheets import FaultyRow, SheetRow
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.errors import Invalid
from testamur.text import fold_email
from testamur.workspaces.model import Workspace

ROWS_PER_TRANSACTION = 500

_INSERT = insert_if_new(credentials)
_BY_KEYS = select(*COLUMNS, credentials.c.issuing_key).where(
    credentials.c.workspace_id == bindparam("workspace_id"),
    credentials.c.credential_template_id == bindparam("template_id"),
    credentials.c.issuing_key.in_(bindparam("keys", expanding=True)),
)


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a row: a credential (`is_new` if this run issued it) or an error."""

    line: int
    credential: Credential | None = None
    is_new: bool = False
    error: str | None = None


class CheckedRow(msgspec.Struct, frozen=True):
    """A row that can be issued, and its issuing key."""

    line: int
    award: Award
    key: str


class RowChecker:
    """Checks the rows of one file in turn; it remembers their keys, to tell a row that repeats an earlier one."""

    def __init__(self, workspace: Workspace, defined_tags: Collection[str]) -> None:
        self._workspace = workspace
        self._defined_tags = defined_tags
        self._line_of_key: dict[str, int] = {}

    def check(self, row: SheetRow | FaultyRow, *, at: datetime) -> CheckedRow | RowResult:
        """The row, ready to be issued, or its result if it cannot be."""
        if isinstance(row, FaultyRow):
            return RowResult(line=row.line, error=row.error)
        try:
            award = check_award(
                recipient_name=row.recipient_name,
                recipient_email=row.recipient_email,
                issue_date=row.issue_date,
                expiry_date=row.expiry_date,
                custom_attributes=row.custom_attributes,
                defined_tags=self._defined_tags,
                today=today(self._workspace.time_zone, at),
            )
        except Invalid as error:
            return RowResult(line=row.line, error="; ".join(str(problem) for problem in error.problems))
        key = issuing_key(row, award)
        earlier = self._line_of_key.setdefault(key, row.line)
        if earlier != row.line:
            hint = "" if row.external_id else "; to award it twice, add a column external_id that tells the rows apart"
            return RowResult(line=row.line, error=f"Same recipient as line {earlier}{hint}")
        return CheckedRow(row.line, award, key)


def issue_rows(
    tx: Transaction, workspace: Workspace, template: CredentialTemplate, rows: Sequence[CheckedRow], *, at: datetime
) -> list[RowResult]:
    """Issue one credential per row, or find the one that an earlier run issued; results in the order of the rows.

    Give it some hundred rows at a time: one transaction over a whole file would keep all other writers waiting, and
    lose everything if it is cut off.
    """
    found = _find(tx, workspace.id, template.id, rows)
    missing = [row for row in rows if row.key not in found]
    made: dict[str, Credential] = {}
    if missing:
        recipient_ids = find_or_create_recipients(tx, workspace.id, [row.award for row in missing], at=at)
        for row, recipient_id in zip(missing, recipient_ids, strict=True):
            recipient = Recipient(recipient_id, row.award.recipient_name, row.award.recipient_email)
            made[row.key] = new_credential(workspace.id, template.id, row.award, recipient, state="issued", at=at)
        inserted = tx.execute(
            _INSERT, [credential_row(credential, issuing_key=key) for key, credential in made.items()]
        ).rowcount
        if inserted != len(made):
            # Another run may have issued some of these rows since we looked: its credentials stand. (The driver of
            # PostgreSQL does not count the rows of one statement that has many.)
            stored = _find(tx, workspace.id, template.id, missing)
            found |= {key: credential for key, credential in stored.items() if credential.id != made[key].id}
    return [
        RowResult(line=row.line, credential=found[row.key])
        if row.key in found
        else RowResult(line=row.line, credential=made[row.key], is_new=True)
        for row in rows
    ]


def issuing_key(row: SheetRow, award: Award) -> str:
    """What makes this row the same row in another run: 64 hex characters, and a letter for where they come from."""
    if row.external_id:
        return "i" + _digest(row.external_id)
    if award.recipient_email is not None:
        return "e" + _digest(fold_email(award.recipient_email))
    # The day of the run is no part of the row: a row without a date is the same row tomorrow.
    return "r" + _digest([award.recipient_name, row.issue_date, award.expiry_date, award.custom_attributes])


def _digest(content: Any) -> str:
    return sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _find(tx: Transaction, workspace_id: str, template_id: str, rows: Sequence[CheckedRow]) -> dict[str, Credential]:
    parameters = {"workspace_id": workspace_id, "template_id": template_id, "keys": [row.key for row in rows]}
    return {row.issuing_key: to_credential(row) for row in tx.execute(_BY_KEYS, parameters)}
