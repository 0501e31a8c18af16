from typing import Annotated

from msgspec import Meta, Struct

from testamur.wire.v1.timestamps import timestamp
from testamur.workspaces.model import PdfCertificate


class SetPdfCertificate(Struct, kw_only=True):
    """A certificate to sign PDFs with, and its key."""

    pkcs12: Annotated[
        bytes, Meta(description="A PKCS #12 file (.p12, .pfx) of at most 64 kB, as base64.", examples=["MIIG..."])
    ]
    password: Annotated[
        str, Meta(description="What opens the file.", examples=["correct horse"], extra_json_schema={"maxLength": 1024})
    ]


class WirePdfCertificate(Struct, rename="camel", kw_only=True):
    """The certificate that PDFs are signed with; its key is never given out."""

    subject: str
    issuer: str
    serial: Annotated[str, Meta(description="Hexadecimal.")]
    not_after: str
    fingerprint_sha256: Annotated[str, Meta(description="SHA-256 of the certificate, hexadecimal.")]
    created_at: str


def to_pdf_certificate(certificate: PdfCertificate) -> WirePdfCertificate:
    return WirePdfCertificate(
        subject=certificate.subject,
        issuer=certificate.issuer,
        serial=certificate.serial,
        not_after=timestamp(certificate.not_after),
        fingerprint_sha256=certificate.fingerprint_sha256,
        created_at=timestamp(certificate.created_at),
    )
