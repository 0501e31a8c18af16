from datetime import datetime
from typing import Literal, get_args

import msgspec

# What is wrong: the recipient's name, their address, the issue date, or anything else.
RequestKind = Literal["name", "email", "date", "other"]
# unconfirmed: the link in the mail was not used yet.
RequestState = Literal["unconfirmed", "open", "resolved", "declined"]
ListedState = Literal["open", "resolved", "declined"]

REQUEST_KINDS: tuple[RequestKind, ...] = get_args(RequestKind)
LISTED_STATES: tuple[ListedState, ...] = get_args(ListedState)


class ChangeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a recipient asks for. `stated` is what the credential said then, `proposed` what it should say; both are
    empty if it is about something else, which `message` tells. A day is written as 2026-11-24.
    """

    id: str
    workspace_id: str
    credential_id: str
    kind: RequestKind
    stated: str
    proposed: str
    message: str
    state: RequestState
    # Why it was declined.
    answer: str | None
    created_at: datetime
    # Until when its link works.
    expires_at: datetime
    confirmed_at: datetime | None
    closed_at: datetime | None


class ListedRequest(msgspec.Struct, frozen=True):
    """A request, and what it is about."""

    request: ChangeRequest
    recipient_name: str
    template_name: str
