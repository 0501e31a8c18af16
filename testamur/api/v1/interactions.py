from testamur.api.v1.operations import Call, Operation, Parameter
from testamur.api.v1.paging import answer_page
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page
from testamur.ids import normalize_id
from testamur.interactions.model import Interaction
from testamur.interactions.queries import list_interactions
from testamur.interactions.recording import record_interaction
from testamur.wire.v1.interactions import CreateInteraction, WireInteraction, to_interaction
from testamur.wire.v1.paging import WirePage

_TAG = "Credential interactions"


def create(call: Call) -> WireInteraction:
    body = call.body(CreateInteraction)
    with call.platform.database.write() as tx:
        interaction = record_interaction(
            tx,
            call.workspace.id,
            credential_id=body.credential_id,
            event_type=body.event_type,
            triggered_by=body.triggered_by,
            triggered_at=body.triggered_at,
            at=call.at,
        )
    return to_interaction(interaction)


def list_(call: Call) -> WirePage[WireInteraction]:
    given = call.query.get("credentialId")
    # What cannot be an id is an unknown id, and that has no interactions.
    credential_id = (normalize_id(given) or "") if given else None

    def read(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[Interaction]:
        return list_interactions(tx, workspace_id, credential_id, cursor, limit)

    return answer_page(call, f"interactions:{credential_id}", read, to_interaction)


OPERATIONS = [
    Operation(
        method="POST",
        path="/credential-interactions",
        name="createCredentialInteraction",
        summary="Record a credential interaction",
        tag=_TAG,
        run=create,
        status=201,
        body=CreateInteraction,
        answer=WireInteraction,
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/credential-interactions",
        name="listCredentialInteractions",
        summary="List credential interactions",
        tag=_TAG,
        run=list_,
        answer=WirePage[WireInteraction],
        is_list=True,
        parameters=(Parameter("credentialId", "Only those of one credential."),),
    ),
]
