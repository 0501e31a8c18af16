from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET

from testamur.api.v1.operations import Call, Operation
from testamur.api.v1.paging import answer_page
from testamur.clock import today
from testamur.credentials.deleting import delete_credential
from testamur.credentials.drafting import create_credential, prepare_credential
from testamur.credentials.issuing import issue_and_send, issue_credential, schedule_credential
from testamur.credentials.model import Credential
from testamur.credentials.queries import get_credential, list_credentials
from testamur.credentials.renderings import are_recorded, current_renderings, delete_files, record_renderings
from testamur.credentials.revoking import revoke_credential, unrevoke_credential
from testamur.credentials.searching import search_credentials, sort_type
from testamur.credentials.sending import queue_delivery, send_credential
from testamur.credentials.updating import update_credential
from testamur.credentials.versions import list_versions
from testamur.db import Transaction
from testamur.db.paging import LIMIT_DEFAULT
from testamur.errors import Invalid, TestamurError
from testamur.wire.v1.credentials import (
    BulkAnswer,
    BulkCredentials,
    BulkResult,
    ChangedRecipient,
    CreateCredential,
    CredentialDesign,
    CredentialState,
    RevokeCredential,
    ScheduleCredential,
    SendCredential,
    UpdateCredential,
    WireCredential,
    WireCredentialVersion,
    to_credential_design,
    to_credential_version,
    to_state,
    to_wire_credential,
)
from testamur.wire.v1.decoding import convert_object
from testamur.wire.v1.errors import to_error
from testamur.wire.v1.paging import WirePage, read_cursor, to_page
from testamur.wire.v1.search import SearchCredentials, read_filter, read_order

_TAG = "Credentials"
BULK_MAX = 1000


def create(call: Call) -> WireCredential:
    body = call.body(CreateCredential)
    with call.platform.database.write() as tx:
        return _wire(call, _draft(call, tx, body))


def create_issue_send(call: Call) -> WireCredential:
    body = call.body(CreateCredential)
    with call.platform.database.write() as tx:
        draft, template = prepare_credential(tx, call.workspace, **_given(body), plan=call.plan, at=call.at)
        # Without an address there is nothing to send, and the credential stands all the same.
        issued = issue_and_send(
            tx, call.workspace, draft, template, signers=call.platform.signers, plan=call.plan, at=call.at
        )
    call.platform.wake_worker()
    return _wire(call, issued)


def update(call: Call) -> WireCredential:
    credential_id, body = call.id, call.body(UpdateCredential)
    recipient = body.recipient if isinstance(body.recipient, ChangedRecipient) else ChangedRecipient()
    with call.platform.database.write() as tx:
        credential = update_credential(
            tx,
            call.workspace,
            credential_id,
            recipient_id=recipient.id or None,
            recipient_name=None if recipient.name is UNSET else recipient.name,
            # Some clients send null for what they do not know; an address is too dear to be lost to that.
            recipient_email=UNSET if recipient.email is None else recipient.email,
            issue_date=body.issue_date or None,
            expiry_date=body.expiry_date,
            custom_attributes=body.custom_attributes or None,
            signers=call.platform.signers,
            plan=call.plan,
            at=call.at,
        )
    call.platform.wake_worker()
    return _wire(call, credential)


def search(call: Call) -> WirePage[WireCredential]:
    body = call.body_or(SearchCredentials)
    given = body.filter or {}
    order = read_order(body.sort or None)
    filter_ = read_filter(given)
    # The cursor belongs to this search of this workspace and to no other.
    query = sha256(msgspec.json.encode([given, order], order="sorted")).hexdigest()[:16]
    list_name = f"search:{call.workspace.id}:{query}"
    limit = LIMIT_DEFAULT if not isinstance(body.limit, int) else body.limit
    cursor = read_cursor(body.cursor or None, list_name, sort_type(order))
    with call.platform.database.read() as tx:
        page = search_credentials(
            tx,
            call.workspace.id,
            filter_,
            order=order,
            today=today(call.workspace.time_zone, call.at),
            cursor=cursor,
            limit=limit,
        )
    return to_page(page, list_name, lambda credential: _wire(call, credential))


def _draft(call: Call, tx: Transaction, body: CreateCredential) -> Credential:
    return create_credential(tx, call.workspace, **_given(body), plan=call.plan, at=call.at)


def _given(body: CreateCredential) -> dict[str, Any]:
    """What the request says, in the words of the domain."""
    return {
        "credential_template_id": body.group_id,
        "recipient_name": body.recipient.name,
        "recipient_email": body.recipient.email,
        "recipient_id": body.recipient.id,
        "issue_date": body.issue_date or None,
        "expiry_date": body.expiry_date or None,
        "custom_attributes": body.custom_attributes or None,
    }


def list_(call: Call) -> WirePage[WireCredential]:
    return answer_page(call, "credentials", list_credentials, lambda credential: _wire(call, credential))


def get(call: Call) -> WireCredential:
    with call.platform.database.read() as tx:
        return _wire(call, get_credential(tx, call.workspace.id, call.id))


def issue(call: Call) -> WireCredential:
    # There is no documented body: clients send none, {} or [], and whatever it is stays unread.
    with call.platform.database.write() as tx:
        issued = issue_credential(
            tx, call.workspace, call.id, signers=call.platform.signers, plan=call.plan, at=call.at
        )
    call.platform.wake_worker()
    return _wire(call, issued)


def send(call: Call) -> WireCredential:
    credential_id = call.id
    call.body(SendCredential)
    with call.platform.database.write() as tx:
        credential = send_credential(tx, call.workspace, credential_id, base_url=call.base_url, at=call.at)
    call.platform.wake_worker()
    return _wire(call, credential)


def delete(call: Call) -> None:
    # First the files: while they cannot be removed, the credential stays, so that the request can be repeated.
    delete_files(call.platform.storage, call.workspace.id, call.id)
    with call.platform.database.write() as tx:
        delete_credential(tx, call.workspace.id, call.id, at=call.at)
        call.record(tx)
    call.platform.wake_worker()


def get_state(call: Call) -> CredentialState:
    with call.platform.database.read() as tx:
        return to_state(get_credential(tx, call.workspace.id, call.id))


def revoke(call: Call) -> CredentialState:
    credential_id, body = call.id, call.body_or(RevokeCredential)
    with call.platform.database.write() as tx:
        credential = revoke_credential(tx, call.workspace.id, credential_id, reason=body.reason, at=call.at)
        call.record(tx)
    call.platform.wake_worker()
    return to_state(credential)


def unrevoke(call: Call) -> CredentialState:
    with call.platform.database.write() as tx:
        credential = unrevoke_credential(tx, call.workspace.id, call.id, at=call.at)
        call.record(tx)
    call.platform.wake_worker()
    return to_state(credential)


def schedule(call: Call) -> WireCredential:
    credential_id, body = call.id, call.body(ScheduleCredential)
    if body.issue_at <= call.at:
        raise Invalid("Must be a moment to come", ("issue_at",))
    with call.platform.database.write() as tx:
        credential = schedule_credential(
            tx, call.workspace, credential_id, body.issue_at, is_sent=body.send, at=call.at
        )
    return _wire(call, credential)


def create_bulk(call: Call) -> BulkAnswer:
    body = call.body(BulkCredentials)
    if len(body.items) > BULK_MAX:
        raise Invalid(f"Must be at most {BULK_MAX} items, are {len(body.items)}", ("items",))
    results: list[BulkResult] = []
    with call.platform.database.write() as tx:
        for index, item in enumerate(body.items):
            try:
                # A point to come back to: what one item has written goes if the item fails.
                with tx.begin_nested():
                    made = _draft(call, tx, convert_object(item, CreateCredential))
                    if body.action != "draft":
                        made = issue_credential(
                            tx, call.workspace, made.id, signers=call.platform.signers, plan=call.plan, at=call.at
                        )
                    if body.action == "send":
                        queue_delivery(
                            tx, call.workspace, [made], base_url=call.base_url, is_repeatable=False, at=call.at
                        )
                results.append(BulkResult(index=index, credential=_wire(call, made), error=None))
            except TestamurError as failure:
                results.append(BulkResult(index=index, credential=None, error=to_error(failure).error))
    call.platform.wake_worker()
    return BulkAnswer(results=results)


def list_credential_designs(call: Call) -> list[CredentialDesign]:
    with call.platform.database.read() as tx:
        credential = get_credential(tx, call.workspace.id, call.id)
        renderings = current_renderings(tx, call.workspace, credential, call.base_url)
        is_recorded = are_recorded(tx, renderings)
    if not is_recorded:
        with call.platform.database.write() as tx:
            record_renderings(tx, renderings)
    return [to_credential_design(rendering, call.base_url) for rendering in renderings]


def list_credential_versions(call: Call) -> list[WireCredentialVersion]:
    with call.platform.database.read() as tx:
        return [to_credential_version(version) for version in list_versions(tx, call.workspace.id, call.id)]


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
        method="POST",
        path="/credentials/create-issue-send",
        name="createIssueSendCredential",
        summary="Create, issue and send a credential",
        description="All or nothing: if anything is wrong, nothing is stored. Without an address nothing is sent.",
        tag=_TAG,
        run=create_issue_send,
        status=201,
        body=CreateCredential,
        answer=WireCredential,
        errors=(402, 404),
    ),
    Operation(
        method="POST",
        path="/credentials/search",
        name="searchCredentials",
        summary="Search credentials",
        description="Depth at most 10, at most 200 conditions, at most 1000 items in one `in`. contains, startsWith and "
        "endsWith do not tell capitals from small letters; neither does equals on an email. A day of createdAt or "
        "updatedAt is a day of UTC. A credential without an expiry date passes no comparison with it.",
        tag=_TAG,
        run=search,
        body=SearchCredentials,
        is_body_required=False,
        answer=WirePage[WireCredential],
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
        method="PATCH",
        path="/credentials/{id}",
        name="updateCredential",
        summary="Update a credential",
        description="A change of an issued credential is a correction: it makes the credential's next version, and its "
        "previews get new addresses. Nothing is sent again.",
        tag=_TAG,
        run=update,
        body=UpdateCredential,
        answer=WireCredential,
        errors=(402, 404),
    ),
    Operation(
        method="DELETE",
        path="/credentials/{id}",
        name="deleteCredential",
        action="credential.deleted",
        is_long=True,
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
        method="POST",
        path="/credentials/{id}/send",
        name="sendCredential",
        summary="Send an issued credential",
        description="Sending again mails again.",
        tag=_TAG,
        run=send,
        body=SendCredential,
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
    Operation(
        method="GET",
        path="/credentials/{id}/versions",
        name="listCredentialVersions",
        summary="List a credential's versions",
        description="Newest first. Each correction of an issued credential makes one; a draft has one.",
        tag=_TAG,
        run=list_credential_versions,
        answer=list[WireCredentialVersion],
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/credentials/bulk",
        name="createCredentials",
        is_long=True,
        summary="Create many credentials",
        description="At most 1,000; each has its own result, and a faulty one does not keep the others.",
        tag=_TAG,
        run=create_bulk,
        body=BulkCredentials,
        answer=BulkAnswer,
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/credentials/{id}/state",
        name="getCredentialState",
        summary="Get a credential's revocation, schedule and delivery",
        tag=_TAG,
        run=get_state,
        answer=CredentialState,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/credentials/{id}/revoke",
        name="revokeCredential",
        action="credential.revoked",
        summary="Revoke an issued credential",
        description="Its page says so. To the protocol, which has no word for it, its status is expired from now on.",
        tag=_TAG,
        run=revoke,
        body=RevokeCredential,
        is_body_required=False,
        answer=CredentialState,
        errors=(404, 409),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/credentials/{id}/unrevoke",
        name="unrevokeCredential",
        action="credential.reinstated",
        summary="Take a revocation back",
        tag=_TAG,
        run=unrevoke,
        answer=CredentialState,
        errors=(404, 409),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/credentials/{id}/schedule",
        name="scheduleCredential",
        summary="Issue a draft at a later time",
        tag=_TAG,
        run=schedule,
        body=ScheduleCredential,
        answer=WireCredential,
        errors=(404, 409),
        is_extension=True,
    ),
]
