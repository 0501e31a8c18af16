from datetime import datetime

import msgspec


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant and what it says of itself as an issuer."""

    id: str
    name: str
    slug: str
    website_url: str | None
    support_email: str | None
    time_zone: str
    plan: str | None = None
    created_at: datetime
    updated_at: datetime
