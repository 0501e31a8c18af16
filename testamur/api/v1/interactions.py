from testamur.api.v1.operations import Call, Operation, Parameter
from testamur.ids import normalize_id
from testamur.interactions.queries import list_interactions
from testamur.interactions.recording import record_interaction
from testamur.wire.v1.interactions import CreateInteraction, WireInteraction, to_interaction
from testamur.wire.v1.paging import Pagination, WirePage, read_cursor, read_limit, to_page

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
    list_name = f"interactions:{call.workspace.id}:{given or ''}"
    limit, cursor = read_limit(call.query.get("limit")), read_cursor(call.query.get("cursor"), list_name)
    credential_id = normalize_id(given) if given else None
    if given and credential_id is None:
        # What cannot be an id is an unknown id, and that has no interactions.
        return WirePage([], Pagination(None, None))
    with call.platform.database.read() as tx:
        page = list_interactions(tx, call.workspace.id, credential_id, cursor, limit)
    return to_page(page, list_name, to_interaction)


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
