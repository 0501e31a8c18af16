"""The signed form of credentials: an Open Badges 3.0 document with its proof, and a place in a status list.

It is signed in the transaction that issues, and stored as it was signed: what is read is never signed anew, because a
new signature would be another document. A correction signs the next version, with the same id, issuer and place.
"""

import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.achievements import achievement_of
from testamur.credentials.awards import Award
from testamur.credentials.links import page_url, status_list_url
from testamur.credentials.model import Credential
from testamur.credentials.queries import get_public_credential
from testamur.credentials.signing import (
    Frame,
    Identity,
    Signed,
    Statement,
    document_of,
    signed_document,
    signed_documents,
)
from testamur.credentials.signing_process import SigningProcess
from testamur.credentials.tables import credential_pins, signed_credentials
from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.db.schema import insert_or_update
from testamur.errors import Gone, NotFound
from testamur.openbadges.documents import Image, Issuer
from testamur.openbadges.timestamps import read_timestamp
from testamur.openbadges.transparency import credential_subject, document_digest
from testamur.signing_keys.signers import CLOCK_SKEW, IssuerSigner, Signers
from testamur.status_lists.allocating import allocate_places
from testamur.status_lists.changing import clear_bit, set_bit
from testamur.status_lists.model import StatusPlace
from testamur.status_lists.queries import find_revoked_place
from testamur.transparency.recording import record
from testamur.workspaces.model import Workspace

_SALT_BYTES = 16
# Noon in UTC is the same day of the calendar from eleven hours east to twelve hours west.
_NOON = time(12, 0)

_REPLACE = insert_or_update(signed_credentials)
_OF_CREDENTIAL = select(signed_credentials).where(
    signed_credentials.c.workspace_id == bindparam("workspace_id"),
    signed_credentials.c.credential_id == bindparam("credential_id"),
)
_KEEP_JWT = (
    update(signed_credentials)
    .where(
        signed_credentials.c.workspace_id == bindparam("of_workspace"),
        signed_credentials.c.credential_id == bindparam("of_credential"),
        signed_credentials.c.signed_at == bindparam("of_moment"),
    )
    .values(jwt=bindparam("made"))
)
_HAS_PIN = select(credential_pins.c.credential_id).where(
    credential_pins.c.workspace_id == bindparam("workspace_id"),
    credential_pins.c.credential_id == bindparam("credential_id"),
)


class SignedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """The newest signed document of a credential, as JSON with its proof, and what it was signed with."""

    workspace_id: str
    credential_id: str
    version: int
    document: bytes
    jwt: str | None
    did: str
    key_id: str
    list_id: str
    list_index: int
    signed_at: datetime

    def parsed(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.document)
        return found


class Signing(msgspec.Struct, frozen=True):
    """Credentials that are being signed: the first `handed_over` of them by another process."""

    issuer: IssuerSigner
    frame: Frame
    statements: Sequence[Statement]
    process: SigningProcess | None
    handed_over: int

    def signed(self) -> list[Signed]:
        """Raises Invalid if something that is stated cannot be signed so that all verifiers agree on it."""
        signer, count = self.issuer.signer, self.handed_over
        own = signed_documents(self.statements[count:], self.frame, signer)
        theirs = self.process.signed() if self.process and count else []
        if theirs is None:
            theirs = signed_documents(self.statements[:count], self.frame, signer)
        return theirs + own

    def is_up_to_date(
        self, tx: Transaction, workspace: Workspace, template: CredentialTemplate, *, signers: Signers
    ) -> bool:
        """Whether the same would be signed now, with the same key. If not, what was handed over is thrown away."""
        at = self.frame.at
        issuer = signers.of(tx, workspace, at=at)
        frame = _frame(tx, workspace, template, issuer, signers.base_url, at)
        is_same = (issuer.did, issuer.key_id, frame) == (self.issuer.did, self.issuer.key_id, self.frame)
        if not is_same and self.process and self.handed_over:
            self.process.signed()
        return is_same


def sign_credentials(
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    issued: Sequence[Credential],
    *,
    signers: Signers,
    at: datetime,
) -> None:
    """Sign credentials of a template which are just being issued, and store what was signed.

    Raises Invalid if something that is stated cannot be signed so that all verifiers agree on it.
    """
    if issued:
        awards = {credential.public_id: _award(credential) for credential in issued}
        signing = begin_signing(tx, workspace, template, awards, signers=signers, at=at)
        store_signed(tx, signing, signing.signed(), issued)


def begin_signing(
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    awards: Mapping[str, Award],
    *,
    signers: Signers,
    process: SigningProcess | None = None,
    at: datetime,
) -> Signing:
    """Give what is being awarded, by the credentials' public ids, places in a status list, and part to the process."""
    issuer = signers.of(tx, workspace, at=at)
    places = allocate_places(
        tx,
        workspace.id,
        issuer.did,
        len(awards),
        list_url=lambda list_id: status_list_url(signers.base_url, list_id),
        master_key=signers.master_key,
        at=at,
    )
    frame = _frame(tx, workspace, template, issuer, signers.base_url, at)
    statements = []
    for (public_id, award), place in zip(awards.items(), places, strict=True):
        identity = Identity(
            id=page_url(signers.base_url, public_id),
            subject=f"urn:uuid:{uuid.uuid4()}",
            salt=_new_salt(),
            awarded=_noon_or(award.issue_date, at),
        )
        statements.append(Statement(public_id, award, identity, place, identity.awarded))
    handed_over = process.take(statements, frame, issuer.signer) if process else 0
    return Signing(issuer, frame, statements, process, handed_over)


def store_signed(tx: Transaction, signing: Signing, documents: Sequence[Signed], issued: Sequence[Credential]) -> None:
    """Store what was signed of those that were really issued."""
    by_public_id, at = {credential.public_id: credential for credential in issued}, signing.frame.at
    kept = [
        (by_public_id[statement.public_id], statement.place, signed)
        for statement, signed in zip(signing.statements, documents, strict=True)
        if statement.public_id in by_public_id
    ]
    insert_many(
        tx, signed_credentials, [_row(issued, signing.issuer, place, made.content, at) for issued, place, made in kept]
    )
    record(tx, "issue", [(credential_subject(issued.public_id), made.digest) for issued, _, made in kept], at=at)


def sign_anew(tx: Transaction, workspace: Workspace, credential: Credential, *, signers: Signers, at: datetime) -> None:
    """Sign an issued credential as it is now: a correction of it, or what a compromised key has signed.

    Its id, its issuer, its place in the status list and its subject stay; `validFrom` is later than before. One that
    was issued before credentials were signed is signed for the first time.
    """
    before = find_signed(tx, workspace.id, credential.id)
    template = get_credential_template(tx, workspace.id, credential.credential_template_id)
    if before is None:
        sign_credentials(tx, workspace, template, [credential], signers=signers, at=at)
        if credential.revoked_at is not None:
            publish_revocation(tx, credential, at=at)
        return
    stated = before.parsed()
    issuer = signers.of(tx, workspace, did=before.did, at=at)
    subject = stated["credentialSubject"]
    status = stated["credentialStatus"]
    identity = Identity(
        id=stated["id"],
        subject=subject["id"],
        salt=next((item["salt"] for item in subject.get("identifier", []) if "salt" in item), _new_salt()),
        awarded=read_timestamp(stated["awardedDate"]),
    )
    place = StatusPlace(list_id=before.list_id, url=status["statusListCredential"], index=before.list_index)
    valid_from = max(at - CLOCK_SKEW, read_timestamp(stated["validFrom"]) + timedelta(seconds=1))
    frame = _frame(tx, workspace, template, issuer, signers.base_url, at)
    document = document_of(Statement(credential.public_id, _award(credential), identity, place, valid_from), frame)
    if tx.execute(_HAS_PIN, {"workspace_id": workspace.id, "credential_id": credential.id}).one_or_none():
        # What is pinned stays as it was issued, except for what the correction is about.
        document["name"] = stated["name"]
        document["credentialSubject"]["achievement"] = subject["achievement"]
    signed = signed_document(document, issuer.signer, at=at)
    tx.execute(_REPLACE, _row(credential, issuer, place, signed.content, at))
    record(tx, "resign", [(credential_subject(credential.public_id), signed.digest)], at=at)


def get_shown_credential(tx: Transaction, public_id: str) -> Credential:
    """A credential by the id that its page's address holds: for the wallet only.

    Raises NotFound if there is none or it was not issued yet, Gone if it was deleted.
    """
    try:
        return get_public_credential(tx, public_id)
    except NotFound:
        if find_revoked_place(tx, public_id) is not None:
            raise Gone("This credential was withdrawn by its issuer") from None
        raise


def find_signed(tx: Transaction, workspace_id: str, credential_id: str) -> SignedCredential | None:
    """None if it is not issued, or was issued before credentials were signed and has not been signed since."""
    row = tx.execute(_OF_CREDENTIAL, {"workspace_id": workspace_id, "credential_id": credential_id}).one_or_none()
    return None if row is None else SignedCredential(**row._mapping)  # noqa: SLF001


def get_signed(tx: Transaction, workspace_id: str, credential_id: str) -> SignedCredential:
    """Raises NotFound."""
    found = find_signed(tx, workspace_id, credential_id)
    if found is None:
        raise NotFound
    return found


def jwt_of(tx: Transaction, workspace: Workspace, signed: SignedCredential, *, signers: Signers, at: datetime) -> str:
    """The credential as a JWT, which is signed when it is first asked for. Needs a transaction that writes."""
    if signed.jwt is not None:
        return signed.jwt
    made = signers.sign_jwt(tx, workspace, signed.parsed(), did=signed.did, at=at)
    # Not if it was signed anew meanwhile.
    tx.execute(
        _KEEP_JWT,
        {
            "of_workspace": signed.workspace_id,
            "of_credential": signed.credential_id,
            "of_moment": signed.signed_at,
            "made": made,
        },
    )
    return made


def publish_revocation(tx: Transaction, credential: Credential, *, at: datetime) -> None:
    """Set the bit of a credential in its status list. A draft has none."""
    found = find_signed(tx, credential.workspace_id, credential.id)
    if found is not None and set_bit(
        tx, credential.workspace_id, found.list_id, found.list_index, public_id=credential.public_id, at=at
    ):
        record(tx, "revoke", [_log_entry(credential, found.parsed())], at=at)


def withdraw_revocation(tx: Transaction, credential: Credential, *, at: datetime) -> None:
    """Clear the bit of a credential in its status list."""
    found = find_signed(tx, credential.workspace_id, credential.id)
    if found is not None and clear_bit(tx, credential.workspace_id, found.list_id, found.list_index, at=at):
        record(tx, "unrevoke", [_log_entry(credential, found.parsed())], at=at)


def _frame(  # noqa: PLR0917 - they are its members.
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    issuer: IssuerSigner,
    base_url: str,
    at: datetime,
) -> Frame:
    return Frame(
        template=template,
        workspace=workspace,
        achievement=achievement_of(tx, template, workspace, base_url),
        issuer=_issuer(workspace, issuer.did),
        base_url=base_url,
        at=at,
    )


def _row(
    credential: Credential, issuer: IssuerSigner, place: StatusPlace, document: bytes, at: datetime
) -> dict[str, Any]:
    return {
        "workspace_id": credential.workspace_id,
        "credential_id": credential.id,
        "version": credential.version,
        "document": document,
        "jwt": None,
        "did": issuer.did,
        "key_id": issuer.key_id,
        "list_id": place.list_id,
        "list_index": place.index,
        "signed_at": at,
    }


def _issuer(workspace: Workspace, did: str) -> Issuer:
    return Issuer(
        id=did,
        name=workspace.name,
        url=workspace.website_url or "",
        email=workspace.support_email or "",
        description=workspace.description or "",
        image=Image(id=workspace.logo_url) if workspace.logo_url else None,
    )


def _log_entry(credential: Credential, signed: dict[str, Any]) -> tuple[str, str]:
    return credential_subject(credential.public_id), document_digest(signed)


def _award(credential: Credential) -> Award:
    return Award(
        recipient_name=credential.recipient.name,
        recipient_email=credential.recipient.email,
        issue_date=credential.issue_date,
        expiry_date=credential.expiry_date,
        custom_attributes=credential.custom_attributes,
    )


def _noon_or(issue_date: date, at: datetime) -> datetime:
    """Noon of the issue date, or now if that is still to come."""
    return min(at - CLOCK_SKEW, datetime.combine(issue_date, _NOON, tzinfo=at.tzinfo)).replace(microsecond=0)


def _new_salt() -> str:
    return os.urandom(_SALT_BYTES).hex()
