from datetime import datetime
from typing import Literal

import msgspec

InteractionType = Literal[
    "credential_viewed",
    "credential_shared_to_linkedin",
    "credential_added_to_linkedin_profile",
    "credential_shared_to_facebook",
    "credential_shared_to_twitter",
    "credential_shared_to_messenger",
    "credential_shared_to_whatsapp",
    "credential_shared_to_pinterest",
    "credential_shared_to_telegram",
    "credential_shared_to_weibo",
    "credential_downloaded",
    "credential_link_copied",
    "credential_verified",
]
TriggeredBy = Literal["recipient", "guest"]


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done with a credential's page."""

    id: str
    workspace_id: str
    credential_id: str
    event_type: InteractionType
    triggered_by: TriggeredBy
    triggered_at: datetime
