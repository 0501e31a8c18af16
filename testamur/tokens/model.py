from datetime import datetime

import msgspec


class AccessToken(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token after it was shown; `secret_end` are its last four characters, to tell it by."""

    id: str
    workspace_id: str
    name: str
    secret_end: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def is_revoked(self) -> bool:
        return self.revoked_at is not None
