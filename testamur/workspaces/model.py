from datetime import datetime
from typing import Literal

import msgspec

# How signed credentials state who the recipient is. A hashed email can be confirmed by whoever knows it.
NameForm = Literal["plain", "hidden"]
EmailForm = Literal["hashed", "plain", "hidden"]


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant and what it says of itself as an issuer. `slug` is the one in force; older ones lead to it too."""

    id: str
    name: str
    slug: str
    website_url: str | None
    support_email: str | None
    description: str | None = None
    logo_url: str | None = None
    brand_color: str | None = None
    time_zone: str
    names_in_credentials: NameForm = "plain"
    emails_in_credentials: EmailForm = "hashed"
    # Whether search engines may list the pages of its credentials.
    is_indexed: bool = False
    plan: str | None = None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    erased_at: datetime | None = None


class PdfCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone may know of the certificate that a workspace signs its PDFs with."""

    workspace_id: str
    subject: str
    issuer: str
    serial: str
    not_after: datetime
    fingerprint_sha256: str
    created_at: datetime
