from datetime import datetime

import msgspec


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant and what it says of itself as an issuer. `slug` is the one in force; older ones lead to it too."""

    id: str
    name: str
    slug: str
    website_url: str | None
    support_email: str | None
    description: str | None = None
    logo_url: str | None = None
    time_zone: str
    plan: str | None = None
    created_at: datetime
    updated_at: datetime


class PdfCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone may know of the certificate that a workspace signs its PDFs with."""

    workspace_id: str
    subject: str
    issuer: str
    serial: str
    not_after: datetime
    fingerprint_sha256: str
    created_at: datetime
