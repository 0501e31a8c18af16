from msgspec import UnsetType

from testamur.api.v1.operations import Call, Operation
from testamur.api.v1.paging import answer_page
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.webhooks.endpoints import (
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    get_endpoint,
    list_endpoints,
    rotate_secret,
)
from testamur.webhooks.model import Attempt, Delivery
from testamur.webhooks.outbox import list_deliveries, redeliver
from testamur.wire.v1.paging import WirePage
from testamur.wire.v1.webhooks import (
    CreateWebhook,
    UpdateWebhook,
    WebhookWithSecret,
    WireDelivery,
    WireWebhook,
    to_delivery,
    to_webhook,
    to_webhook_with_secret,
)

_TAG = "Webhooks"


def list_(call: Call) -> WirePage[WireWebhook]:
    return answer_page(call, "webhooks", list_endpoints, to_webhook)


def get(call: Call) -> WireWebhook:
    with call.platform.database.read() as tx:
        return to_webhook(get_endpoint(tx, call.workspace.id, call.id))


def create(call: Call) -> WebhookWithSecret:
    body = call.body(CreateWebhook)
    call.plan.require("webhooks")
    with call.platform.database.write() as tx:
        endpoint, secret = add_endpoint(
            tx,
            call.workspace.id,
            url=body.url,
            events=None if isinstance(body.events, UnsetType) else body.events,
            allow_http=call.platform.settings.allow_private_networks,
            master_key=call.platform.master_key,
            at=call.at,
        )
        call.record(tx, endpoint.id)
    return to_webhook_with_secret(endpoint, secret)


def update(call: Call) -> WireWebhook:
    endpoint_id, body = call.id, call.body(UpdateWebhook)
    with call.platform.database.write() as tx:
        endpoint = change_endpoint(
            tx,
            call.workspace.id,
            endpoint_id,
            url=None if isinstance(body.url, UnsetType) else body.url,
            events=None if isinstance(body.events, UnsetType) else body.events,
            is_active=None if isinstance(body.is_active, UnsetType) else body.is_active,
            allow_http=call.platform.settings.allow_private_networks,
            at=call.at,
        )
        call.record(tx)
    return to_webhook(endpoint)


def delete(call: Call) -> None:
    with call.platform.database.write() as tx:
        delete_endpoint(tx, call.workspace.id, call.id)
        call.record(tx)


def rotate(call: Call) -> WebhookWithSecret:
    with call.platform.database.write() as tx:
        endpoint, secret = rotate_secret(
            tx, call.workspace.id, call.id, master_key=call.platform.master_key, at=call.at
        )
        call.record(tx)
    return to_webhook_with_secret(endpoint, secret)


def deliveries(call: Call) -> WirePage[WireDelivery]:
    webhook_id = call.id

    def read(
        tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int
    ) -> Page[tuple[Delivery, list[Attempt]]]:
        get_endpoint(tx, workspace_id, webhook_id)
        return list_deliveries(tx, workspace_id, webhook_id, cursor, limit)

    return answer_page(call, f"deliveries:{webhook_id}", read, lambda item: to_delivery(*item))


def deliver_again(call: Call) -> WireDelivery:
    delivery_id = normalize_id(call.path["id"])
    if delivery_id is None:
        raise NotFound
    with call.platform.database.write() as tx:
        delivery = redeliver(tx, call.workspace.id, delivery_id, at=call.at)
    call.platform.wake_worker()
    return to_delivery(delivery, [])


OPERATIONS = [
    Operation(
        method="GET",
        path="/webhooks",
        name="listWebhooks",
        summary="List webhooks",
        tag=_TAG,
        run=list_,
        answer=WirePage[WireWebhook],
        is_list=True,
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/webhooks",
        name="createWebhook",
        action="webhook.created",
        summary="Add a webhook",
        description="Events come as POST with X-Webhook-Signature: the hex HMAC-SHA256 of the body under the secret; "
        "beside it are the headers of Standard Webhooks. Seven attempts over 3.5 days; the same event keeps its id.",
        tag=_TAG,
        run=create,
        status=201,
        body=CreateWebhook,
        answer=WebhookWithSecret,
        errors=(402, 409),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/webhooks/{id}",
        name="getWebhook",
        summary="Get a webhook",
        tag=_TAG,
        run=get,
        answer=WireWebhook,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="PATCH",
        path="/webhooks/{id}",
        name="updateWebhook",
        action="webhook.updated",
        summary="Update a webhook",
        tag=_TAG,
        run=update,
        body=UpdateWebhook,
        answer=WireWebhook,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="DELETE",
        path="/webhooks/{id}",
        name="deleteWebhook",
        action="webhook.deleted",
        summary="Delete a webhook",
        tag=_TAG,
        run=delete,
        status=204,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/webhooks/{id}/rotate",
        name="rotateWebhookSecret",
        action="webhook.secret_rotated",
        summary="Give a webhook a new secret",
        description="For 24 hours the old one signs too, in webhook-signature.",
        tag=_TAG,
        run=rotate,
        answer=WebhookWithSecret,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/webhooks/{id}/deliveries",
        name="listWebhookDeliveries",
        summary="List a webhook's deliveries",
        tag=_TAG,
        run=deliveries,
        answer=WirePage[WireDelivery],
        is_list=True,
        errors=(404,),
        is_extension=True,
    ),
    Operation(
        method="POST",
        path="/webhook-deliveries/{id}/redeliver",
        name="redeliverWebhook",
        summary="Deliver an event again",
        tag=_TAG,
        run=deliver_again,
        answer=WireDelivery,
        errors=(404, 409),
        is_extension=True,
    ),
]
