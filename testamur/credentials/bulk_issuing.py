"""Issuing many credentials of one template at once, from rows that may have been issued before.

Every row has an issuing key: its external id if it has one, else the recipient's e-mail, else what stands in it. A
template never has two credentials with one key, which the database itself sees to. So a run that was cut off is simply
run again, and rows that were issued are found instead of issued.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import UNSET
from sqlalchemy import bindparam, select

from testamur.attributes.model import AttributeType
from testamur.clock import today
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.awards import Award, check_award
from testamur.credentials.badges import Signing, begin_signing, store_signed
from testamur.credentials.drafting import credential_row, new_credential, with_expiry
from testamur.credentials.model import Credential, Recipient, State
from testamur.credentials.pins import pin_credentials
from testamur.credentials.queries import COLUMNS, to_credential
from testamur.credentials.recipients import find_or_create_recipients
from testamur.credentials.sending import queue_delivery
from testamur.credentials.signing import Signed
from testamur.credentials.signing_process import SigningProcess
from testamur.credentials.spreadsheets import FaultyRow, SheetRow
from testamur.credentials.tables import credentials
from testamur.credentials.updating import update_credential
from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.errors import Invalid, PaymentRequired, Problem
from testamur.ids import new_public_id
from testamur.plans import UNLIMITED, Plan
from testamur.signing_keys.signers import Signers
from testamur.text import fold_email
from testamur.webhooks.recording import record_events
from testamur.workspaces.allowance import take_allowance
from testamur.workspaces.model import Workspace

ROWS_PER_TRANSACTION = 500

_BY_KEYS = select(*COLUMNS, credentials.c.issuing_key).where(
    credentials.c.workspace_id == bindparam("workspace_id"),
    credentials.c.credential_template_id == bindparam("template_id"),
    credentials.c.issuing_key.in_(bindparam("keys", expanding=True)),
)


# What to do with a row whose recipient has a credential of the template already.
Duplicates = Literal["skip", "allow", "replace"]
# How far each row is taken.
Action = Literal["draft", "issue", "send"]


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a row: a credential (made, found or replaced) or an error."""

    line: int
    credential: Credential | None = None
    outcome: Literal["created", "skipped", "replaced", "faulty"] = "faulty"
    error: str | None = None
    # The same as the error, each fault at its place.
    problems: tuple[Problem, ...] = ()


class CheckedRow(msgspec.Struct, frozen=True):
    """A row that can be issued, and its issuing key (None: it may stand beside others of its recipient)."""

    line: int
    award: Award
    key: str | None
    # Of the credential that is made of it: known before, so that it can be signed before.
    public_id: str = msgspec.field(default_factory=new_public_id)


class RowChecker:
    """Checks the rows of one file in turn; it remembers their keys, to tell a row that repeats an earlier one."""

    def __init__(
        self,
        workspace: Workspace,
        types: Mapping[str, AttributeType],
        template: CredentialTemplate,
        *,
        has_picture: Callable[[str], bool],
        duplicates: Duplicates = "skip",
        plan: Plan = UNLIMITED,
    ) -> None:
        self._workspace = workspace
        self._types = types
        self._has_picture = has_picture
        self._template = template
        self._duplicates = duplicates
        self._plan = plan
        # Eight bytes of each key are enough to tell them apart, and little for a million rows.
        self._line_of_key: dict[int, int] = {}

    def check(self, row: SheetRow | FaultyRow, *, at: datetime) -> CheckedRow | RowResult:
        """The row, ready to be issued, or its result if it cannot be."""
        if isinstance(row, FaultyRow):
            return RowResult(line=row.line, error=row.error, problems=row.problems)
        try:
            if row.custom_attributes:
                self._plan.require("custom_attributes")
            if row.expiry_date is not None:
                self._plan.require("expiry")
            award = check_award(
                recipient_name=row.recipient_name,
                recipient_email=row.recipient_email,
                issue_date=row.issue_date,
                expiry_date=row.expiry_date,
                custom_attributes=row.custom_attributes,
                types=self._types,
                has_picture=self._has_picture,
                today=today(self._workspace.time_zone, at),
            )
        except Invalid as error:
            told = "; ".join(str(problem) for problem in error.problems)
            return RowResult(line=row.line, error=told, problems=error.problems)
        except PaymentRequired as error:
            return RowResult(line=row.line, error=error.message)
        award = with_expiry(award, self._template, row.expiry_date)
        if self._duplicates == "allow":
            return CheckedRow(row.line, award, None)
        key = issuing_key(row, award)
        earlier = self._line_of_key.setdefault(int(key[1:17], 16), row.line)
        if earlier != row.line:
            hint = "" if row.external_id else "; to award it twice, add a column external_id that tells the rows apart"
            return RowResult(line=row.line, error=f"Same recipient as line {earlier}{hint}")
        return CheckedRow(row.line, award, key)


class SigningAhead(msgspec.Struct):
    """Signing in another process, some rows ahead of those that are being written: so both always have something to do.

    In the transaction that writes some rows, the next ones are looked at, get their places in the status list, and are
    handed over. If they are never written, these places stay unused.
    """

    process: SigningProcess
    # The rows that come next, as far as they can be issued.
    look_ahead: Callable[[], Sequence[CheckedRow]]
    # What was begun with the rows that come next.
    begun: Signing | None = None


def issue_rows(
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    rows: Sequence[CheckedRow],
    *,
    action: Action = "issue",
    duplicates: Duplicates = "skip",
    plan: Plan = UNLIMITED,
    signers: Signers,
    ahead: SigningAhead | None = None,
    at: datetime,
) -> list[RowResult]:
    """Make one credential per row, or find (or correct) the one that an earlier run made; results in their order.

    With `ahead`, most is signed elsewhere before it is written here.

    Give it some hundred rows at a time: one transaction over a whole file would keep all other writers waiting, and
    lose everything if it is cut off. Raises PaymentRequired, with nothing made, if the allowance is too small.
    """
    found = _find(tx, workspace.id, template.id, rows)
    missing = [row for row in rows if row.key is None or row.key not in found]
    made = _make(tx, workspace, template, missing, is_issued=action != "draft", at=at)
    # All status lists are locked between the recipients and the allowance, as when one is issued alone: in another order
    # the two could wait for each other.
    signing = None
    if action != "draft" and (to_sign := rows if ahead else missing):
        signing = _sign(tx, workspace, template, to_sign, signers=signers, ahead=ahead, at=at)
    inserted = insert_many(tx, credentials, [credential_row(made[row.line], issuing_key=row.key) for row in missing])
    keyed = {row.key: row.line for row in missing if row.key is not None}
    if made and keyed:
        stored = _find(tx, workspace.id, template.id, missing) if inserted != len(missing) else {}
        # Another run has issued some of these rows since we looked: its credentials stand.
        found |= {key: item for key, item in stored.items() if item.id != made[keyed[key]].id}
    new = [made[row.line] for row in missing if row.key is None or row.key not in found]
    _follow_up(tx, workspace, template, new, action=action, plan=plan, base_url=signers.base_url, at=at)
    if signing is not None:
        store_signed(tx, *signing, new)
    results = []
    for row in rows:
        if row.key is None or row.key not in found:
            results.append(RowResult(line=row.line, credential=made[row.line], outcome="created"))
        elif duplicates == "replace":
            results.append(_replace(tx, workspace, found[row.key], row, signers=signers, at=at))
        else:
            results.append(RowResult(line=row.line, credential=found[row.key], outcome="skipped"))
    return results


def _sign(
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    rows: Sequence[CheckedRow],
    *,
    signers: Signers,
    ahead: SigningAhead | None,
    at: datetime,
) -> tuple[Signing, list[Signed]]:
    """Sign what the rows state, and begin with those that come next. Raises Invalid for what cannot be signed."""
    process = ahead.process if ahead else None
    begin = partial(begin_signing, tx, workspace, template, signers=signers, process=process, at=at)
    signing = ahead.begun if ahead else None
    if signing is None or not signing.is_up_to_date(tx, workspace, template, signers=signers):
        signing = begin(_awards(rows))
    if ahead is None:
        return signing, signing.signed()
    coming = _awards(ahead.look_ahead())
    documents = signing.signed()
    ahead.begun = begin(coming) if coming else None
    return signing, documents


def _awards(rows: Sequence[CheckedRow]) -> dict[str, Award]:
    return {row.public_id: row.award for row in rows}


def _make(
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    rows: Sequence[CheckedRow],
    *,
    is_issued: bool,
    at: datetime,
) -> dict[int, Credential]:
    """New credentials by line, not stored yet."""
    made: dict[int, Credential] = {}
    if not rows:
        return made
    state: State = "issued" if is_issued else "draft"
    for row, recipient_id in zip(
        rows, find_or_create_recipients(tx, workspace.id, [row.award for row in rows], at=at), strict=True
    ):
        recipient = Recipient(recipient_id, row.award.recipient_name, row.award.recipient_email)
        made[row.line] = new_credential(
            workspace.id, template.id, row.award, recipient, public_id=row.public_id, state=state, at=at
        )
    return made


def _follow_up(
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    new: Sequence[Credential],
    *,
    action: Action,
    plan: Plan,
    base_url: str,
    at: datetime,
) -> None:
    """What making credentials brings with it: the allowance, the pins, the events, the mails."""
    if not new:
        return
    ids = [credential.id for credential in new]
    if action == "draft":
        record_events(tx, workspace.id, ["credential.created"], ids, at=at)
        return
    take_allowance(tx, workspace.id, plan, year=today(workspace.time_zone, at).year, count=len(new))
    pin_credentials(tx, workspace, template, new, base_url=base_url, at=at)
    record_events(tx, workspace.id, ["credential.created", "credential.issued"], ids, at=at)
    if action == "send":
        queue_delivery(tx, workspace, new, base_url=base_url, is_repeatable=False, at=at)


def _replace(
    tx: Transaction, workspace: Workspace, before: Credential, row: CheckedRow, *, signers: Signers, at: datetime
) -> RowResult:
    award = row.award
    after = update_credential(
        tx,
        workspace,
        before.id,
        recipient_name=award.recipient_name,
        recipient_email=award.recipient_email if award.recipient_email is not None else UNSET,
        issue_date=award.issue_date,
        expiry_date=award.expiry_date,
        custom_attributes=award.custom_attributes,
        signers=signers,
        at=at,
    )
    return RowResult(line=row.line, credential=after, outcome="skipped" if after == before else "replaced")


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
    keys = [row.key for row in rows if row.key is not None]
    if not keys:
        return {}
    parameters = {"workspace_id": workspace_id, "template_id": template_id, "keys": keys}
    return {row.issuing_key: to_credential(row) for row in tx.execute(_BY_KEYS, parameters)}
