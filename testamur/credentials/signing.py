"""Stating credentials as Open Badges and signing them, from what is given alone: no database is asked, so that another
process can do it as well.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.achievements import achieved_with
from testamur.credentials.awards import Award
from testamur.credentials.links import baked_url
from testamur.db.schema import compressed
from testamur.errors import Invalid
from testamur.openbadges.data_integrity import Signer
from testamur.openbadges.documents import (
    Achievement,
    Image,
    Issuer,
    Recipient,
    StatusEntry,
    achievement_credential,
)
from testamur.openbadges.linked_data import Unsignable
from testamur.openbadges.transparency import document_digest
from testamur.signing_keys.signers import CLOCK_SKEW
from testamur.status_lists.model import StatusPlace
from testamur.workspaces.model import Workspace

# Signed together while they are at hand: more would gain nothing, and leave the processor's cache.
_TOGETHER = 200


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What stays the same in all versions of a credential."""

    id: str
    subject: str
    salt: str
    awarded: datetime


class Statement(msgspec.Struct, frozen=True):
    """What is to be signed of a credential, and its place in a status list."""

    public_id: str
    award: Award
    identity: Identity
    place: StatusPlace
    valid_from: datetime


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What the credentials of a template that are issued together have in common."""

    template: CredentialTemplate
    workspace: Workspace
    achievement: Achievement
    issuer: Issuer
    base_url: str
    at: datetime


class Signed(msgspec.Struct, frozen=True):
    """A signed document as JSON, compressed as it is stored, and the digest by which it is entered in the log."""

    content: bytes
    digest: str


def document_of(statement: Statement, frame: Frame) -> dict[str, Any]:
    """The AchievementCredential, unsigned. Raises Invalid for what cannot be stated."""
    award, identity, workspace = statement.award, statement.identity, frame.workspace
    achieved = achieved_with(award.custom_attributes, frame.template.achievement.attributes, frame.achievement.id)
    until = None if award.expiry_date is None else _end_of(award.expiry_date, workspace)
    email = award.recipient_email if workspace.emails_in_credentials != "hidden" else None
    try:
        return achievement_credential(
            id=identity.id,
            issuer=frame.issuer,
            achievement=frame.achievement,
            recipient=Recipient(
                id=identity.subject,
                name=award.recipient_name if workspace.names_in_credentials == "plain" else "",
                email=email or "",
                email_salt=identity.salt if workspace.emails_in_credentials == "hashed" else "",
            ),
            # What was corrected after it had expired is still valid for no moment longer.
            valid_from=statement.valid_from
            if until is None
            else min(statement.valid_from, until - timedelta(seconds=1)),
            valid_until=until,
            awarded=identity.awarded,
            image=Image(id=baked_url(frame.base_url, statement.public_id), caption=frame.template.name),
            status=StatusEntry(list_id=statement.place.url, index=statement.place.index),
            **msgspec.structs.asdict(achieved),
        )
    except Unsignable as error:
        raise _unsignable(error) from None


def signed_document(document: dict[str, Any], signer: Signer, *, at: datetime) -> Signed:
    """With its proof, which is dated a little back. Raises Invalid."""
    try:
        return _signed(signer.sign(document, created=at - CLOCK_SKEW))
    except Unsignable as error:
        raise _unsignable(error) from None


def signed_documents(statements: Sequence[Statement], frame: Frame, signer: Signer) -> list[Signed]:
    """The documents of all of them, as `signed_document` gives them. Raises Invalid."""
    signed: list[Signed] = []
    for first in range(0, len(statements), _TOGETHER):
        documents = [document_of(statement, frame) for statement in statements[first : first + _TOGETHER]]
        try:
            signed += map(_signed, signer.sign_many(documents, created=frame.at - CLOCK_SKEW))
        except Unsignable as error:
            raise _unsignable(error) from None
    return signed


def _signed(document: dict[str, Any]) -> Signed:
    return Signed(compressed(msgspec.json.encode(document)), document_digest(document))


def _unsignable(error: Unsignable) -> Invalid:
    return Invalid(f"This cannot be signed: {error.reason}", tuple(error.path))


def _end_of(expiry_date: date, workspace: Workspace) -> datetime:
    """The last second of the day of expiry, where the workspace is: then its status changes everywhere at once."""
    next_day = datetime.combine(expiry_date + timedelta(days=1), time(), tzinfo=ZoneInfo(workspace.time_zone))
    return next_day - timedelta(seconds=1)
