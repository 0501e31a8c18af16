from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from testamur.interactions.model import Interaction, InteractionType, TriggeredBy
from testamur.wire.v1.timestamps import timestamp


class CreateInteraction(Struct, rename="camel", kw_only=True):
    """An interaction to record."""

    credential_id: Annotated[str, Meta(examples=["01hz2f0c9ryvzajg20jqh9taab"])]
    event_type: Annotated[InteractionType, Meta(examples=["credential_viewed"])]
    triggered_by: Annotated[TriggeredBy, Meta(examples=["recipient"])]
    triggered_at: Annotated[datetime, Meta(tz=True, examples=["2024-03-12T17:33:05.784Z"])]


class WireInteraction(Struct, rename="camel", kw_only=True):
    """Something that was done with a credential's page."""

    id: str
    credential_id: str
    event_type: InteractionType
    triggered_by: TriggeredBy
    triggered_at: str


def to_interaction(interaction: Interaction) -> WireInteraction:
    return WireInteraction(
        id=interaction.id,
        credential_id=interaction.credential_id,
        event_type=interaction.event_type,
        triggered_by=interaction.triggered_by,
        triggered_at=timestamp(interaction.triggered_at),
    )


class InteractionSummary(Struct, kw_only=True):
    """How often the credentials of a credential template were used; opened counts those opened from their mail."""

    viewed: int
    downloaded: int
    shared: int
    verified: int
    opened: int


def to_summary(counts: Mapping[str, int]) -> InteractionSummary:
    return InteractionSummary(**counts)
