from testamur.api.v1.operations import Call, Operation
from testamur.clock import today
from testamur.credentials.deleting import delete_credential
from testamur.credentials.drafting import create_credential
from testamur.credentials.issuing import issue_credential
from testamur.credentials.model import Credential
from testamur.credentials.queries import get_credential, list_credentials
from testamur.credentials.renderings import are_recorded, current_renderings, delete_files, record_renderings
from testamur.wire.v1.credentials import (
    CreateCredential,
    CredentialDesign,
    WireCredential,
    to_credential_design,
    to_wire_credential,
)
from testamur.wire.v1.paging import WirePage, read_cursor, read_limit, to_page

_TAG = "Credentials"


def create(call: Call) -> WireCredential:
    body = call.body(CreateCredential)
    with call.platform.database.write() as tx:
        credential = create_credential(
            tx,
            call.workspace,
            credential_template_id=body.group_id,
            recipient_name=body.recipient.name,
            recipient_email=body.recipient.email,
            recipient_id=body.recipient.id,
            issue_date=body.issue_date or None,
            expiry_date=body.expiry_date or None,
            custom_attributes=body.custom_attributes or None,
            at=call.at,
        )
    return _wire(call, credential)


def list_(call: Call) -> WirePage[WireCredential]:
    list_name = f"credentials:{call.workspace.id}"
    limit, cursor = read_limit(call.query.get("limit")), read_cursor(call.query.get("cursor"), list_name)
    with call.platform.database.read() as tx:
        page = list_credentials(tx, call.workspace.id, cursor, limit)
    return to_page(page, list_name, lambda credential: _wire(call, credential))


def get(call: Call) -> WireCredential:
    with call.platform.database.read() as tx:
        return _wire(call, get_credential(tx, call.workspace.id, call.id))


def issue(call: Call) -> WireCredential:
    # There is no documented body: clients send none, {} or [], and whatever it is stays unread.
    with call.platform.database.write() as tx:
        return _wire(call, issue_credential(tx, call.workspace.id, call.id, at=call.at))


def delete(call: Call) -> None:
    with call.platform.database.write() as tx:
        delete_credential(tx, call.workspace.id, call.id)
    delete_files(call.platform.storage, call.workspace.id, call.id)


def list_credential_designs(call: Call) -> list[CredentialDesign]:
    with call.platform.database.read() as tx:
        credential = get_credential(tx, call.workspace.id, call.id)
        renderings = current_renderings(tx, call.workspace, credential, call.base_url)
        is_recorded = are_recorded(tx, renderings)
    if not is_recorded:
        with call.platform.database.write() as tx:
            record_renderings(tx, renderings, at=call.at)
    return [to_credential_design(rendering, call.base_url) for rendering in renderings]


def _wire(call: Call, credential: Credential) -> WireCredential:
    return to_wire_credential(credential, today(call.workspace.time_zone, call.at))


OPERATIONS = [
    Operation(
        method="POST",
        path="/credentials",
        name="createCredential",
        summary="Create a credential",
        description="The credential is a draft until it is issued.",
        tag=_TAG,
        run=create,
        status=201,
        body=CreateCredential,
        answer=WireCredential,
        errors=(402, 404),
    ),
    Operation(
        method="GET",
        path="/credentials",
        name="listCredentials",
        summary="List credentials",
        tag=_TAG,
        run=list_,
        answer=WirePage[WireCredential],
        is_list=True,
    ),
    Operation(
        method="GET",
        path="/credentials/{id}",
        name="getCredential",
        summary="Get a credential",
        tag=_TAG,
        run=get,
        answer=WireCredential,
        errors=(404,),
    ),
    Operation(
        method="DELETE",
        path="/credentials/{id}",
        name="deleteCredential",
        summary="Delete a credential",
        tag=_TAG,
        run=delete,
        status=204,
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/credentials/{id}/issue",
        name="issueCredential",
        summary="Issue a draft credential",
        description="The credential becomes active and its public page can be opened. Only drafts can be issued.",
        tag=_TAG,
        run=issue,
        answer=WireCredential,
        errors=(402, 404, 409),
    ),
    Operation(
        method="GET",
        path="/credentials/{id}/designs",
        name="listCredentialDesigns",
        summary="Get a credential's designs, filled in",
        description="A preview's address never changes what it serves; a change of what is shown gives a new address.",
        tag=_TAG,
        run=list_credential_designs,
        answer=list[CredentialDesign],
        errors=(404,),
    ),
]
