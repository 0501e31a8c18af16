from datetime import date, datetime
from typing import Literal

import msgspec

State = Literal["draft", "scheduled", "issued"]
Status = Literal["draft", "scheduled", "issued", "expired"]


class Recipient(msgspec.Struct, frozen=True):
    """Who received a credential, as that credential states it."""

    id: str
    name: str
    email: str | None


# What became of its delivery by email; not_provided: there was no address to send it to.
DeliveryState = Literal["not_sent", "not_provided", "sending", "sent", "bounced", "opened"]


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """An award. `state` is what was done with it; ask `status_on` for what it is on a day."""

    id: str
    workspace_id: str
    public_id: str
    credential_template_id: str
    recipient: Recipient
    state: State
    issue_date: date
    expiry_date: date | None
    custom_attributes: dict[str, str]
    # From 1; a correction of an issued credential makes the next one.
    version: int = 1
    issued_at: datetime | None
    scheduled_for: datetime | None = None
    is_sent_when_issued: bool = False
    revoked_at: datetime | None = None
    revocation_reason: str | None = None
    delivery_state: DeliveryState = "not_sent"
    created_at: datetime
    updated_at: datetime

    def status_on(self, today: date) -> Status:
        """`today` is the day in the workspace's time zone; the day of expiry itself is still valid.

        The public API has no word for revoked: to it, a credential that is not in force any more has expired.
        """
        has_lapsed = self.revoked_at is not None or (self.expiry_date is not None and self.expiry_date < today)
        if self.state == "issued" and has_lapsed:
            return "expired"
        return self.state
