from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from testamur.credentials.queries import get_credential
from testamur.db import Transaction
from testamur.errors import Invalid, NotFound
from testamur.ids import new_id, normalize_id
from testamur.interactions.model import Interaction, InteractionType, TriggeredBy
from testamur.interactions.tables import credential_interactions

# Clocks of clients differ a little; what lies further ahead is a mistake.
FUTURE_MAX = timedelta(minutes=5)
_PAST_MIN = datetime(1970, 1, 1, tzinfo=UTC)
_INSERT = insert(credential_interactions)


def record_interaction(
    tx: Transaction,
    workspace_id: str,
    *,
    credential_id: str,
    event_type: InteractionType,
    triggered_by: TriggeredBy,
    triggered_at: datetime,
    at: datetime,
) -> Interaction:
    """Raises NotFound if the workspace has no such credential, Invalid for a moment that lies ahead."""
    found = normalize_id(credential_id)
    if found is None:
        raise NotFound("The credential does not exist")
    get_credential(tx, workspace_id, found)
    if not _PAST_MIN <= triggered_at <= at + FUTURE_MAX:
        raise Invalid("Must be a moment in the past, at most five minutes ahead", ("triggered_at",))
    interaction = Interaction(
        id=new_id(),
        workspace_id=workspace_id,
        credential_id=found,
        event_type=event_type,
        triggered_by=triggered_by,
        triggered_at=triggered_at.replace(microsecond=triggered_at.microsecond // 1000 * 1000),
    )
    tx.execute(_INSERT, {field: getattr(interaction, field) for field in interaction.__struct_fields__})
    return interaction
