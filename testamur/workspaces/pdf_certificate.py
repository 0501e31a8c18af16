"""The certificate that a workspace signs its PDFs with: setting, showing, removing it, and signing.

There is one at a time. Signatures hold the certificates they need, so those that were made go on being valid when it is
replaced or removed.
"""

from datetime import datetime

from cryptography.hazmat.primitives import hashes
from sqlalchemy import bindparam, delete, select

from testamur.db import Transaction
from testamur.db.schema import insert_or_update
from testamur.encryption import MasterKey
from testamur.errors import Conflict, NotFound
from testamur.rendering.signing_identity import SigningIdentity, why_not_in_force
from testamur.workspaces.model import PdfCertificate
from testamur.workspaces.tables import pdf_certificates as table

_SET = insert_or_update(table)
_PUBLIC = tuple(table.c[name] for name in PdfCertificate.__struct_fields__)
_GET = select(*_PUBLIC).where(table.c.workspace_id == bindparam("workspace_id"))
_SEALED = select(table.c.sealed).where(table.c.workspace_id == bindparam("workspace_id"))
_ANY_SEALED = select(table.c.workspace_id, table.c.sealed).limit(1)
_REMOVE = delete(table).where(table.c.workspace_id == bindparam("workspace_id"))
_NONE = "This workspace has no certificate to sign PDFs with"


def set_pdf_certificate(
    tx: Transaction, workspace_id: str, identity: SigningIdentity, *, master_key: MasterKey, at: datetime
) -> PdfCertificate:
    """Sign with this one from now on, instead of the one before."""
    certificate = identity.certificate
    kept = PdfCertificate(
        workspace_id=workspace_id,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_after=certificate.not_valid_after_utc,
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        created_at=at,
    )
    sealed = master_key.encrypt(identity.pem, _purpose(workspace_id))
    tx.execute(_SET, {**{name: getattr(kept, name) for name in kept.__struct_fields__}, "sealed": sealed})
    return kept


def get_pdf_certificate(tx: Transaction, workspace_id: str) -> PdfCertificate:
    """Raises NotFound."""
    row = tx.execute(_GET, {"workspace_id": workspace_id}).one_or_none()
    if row is None:
        raise NotFound(_NONE)
    return PdfCertificate(**row._mapping)  # noqa: SLF001


def remove_pdf_certificate(tx: Transaction, workspace_id: str) -> None:
    """Raises NotFound."""
    if not tx.execute(_REMOVE, {"workspace_id": workspace_id}).rowcount:
        raise NotFound(_NONE)


def signed_pdf(tx: Transaction, workspace_id: str, content: bytes, *, master_key: MasterKey, at: datetime) -> bytes:
    """The PDF, signed by the workspace at that time; some milliseconds of work for a thread.

    Raises NotFound if the workspace has no certificate, Conflict if that one is not in force.
    """
    sealed = tx.execute(_SEALED, {"workspace_id": workspace_id}).scalar_one_or_none()
    if sealed is None:
        raise NotFound(_NONE)
    identity = SigningIdentity.from_pem(master_key.decrypt(sealed, _purpose(workspace_id)))
    fault = why_not_in_force(identity.certificate, at)
    if fault is not None:
        raise Conflict(f"The certificate that this workspace signs PDFs with {fault}; set another one")
    # Only who signs pays for what it imports.
    from testamur.rendering.pdf_signing import sign_pdf  # noqa: PLC0415

    return sign_pdf(content, identity, at=at)


def try_pdf_certificates(tx: Transaction, master_key: MasterKey) -> None:
    """Decrypt one of them, if there is any. Raises WrongMasterKey."""
    row = tx.execute(_ANY_SEALED).one_or_none()
    if row is not None:
        master_key.decrypt(row.sealed, _purpose(row.workspace_id))


def _purpose(workspace_id: str) -> str:
    """Bound to the workspace, so that a row which is copied to another one cannot be decrypted there."""
    return f"pdf certificate {workspace_id}"
