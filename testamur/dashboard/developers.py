"""For developers: access tokens of the API, and webhooks with what was delivered to them."""

from starlette.responses import Response

from testamur.dashboard.parameters import id_in_path
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Undo, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.db.paging import LIMIT_DEFAULT
from testamur.designs.queries import list_designs
from testamur.errors import Conflict, Invalid, PaymentRequired
from testamur.tokens.creating import create_token
from testamur.tokens.queries import list_tokens
from testamur.tokens.revoking import revoke_token
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.web.welcome import first_request
from testamur.webhooks.endpoints import (
    ENDPOINTS_MAX,
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    get_endpoint,
    list_endpoints,
    rotate_secret,
)
from testamur.webhooks.model import Endpoint
from testamur.webhooks.outbox import list_deliveries, redeliver
from testamur.webhooks.recording import EVENT_TYPES, record_test_event
from testamur.wire.v1.paging import read_cursor, to_page
from testamur.workspaces.allowance import plan_of

EVENTS = {
    "credential.created": marked("A credential is drafted"),
    "credential.updated": marked("A credential is corrected"),
    "credential.issued": marked("A credential is issued"),
    "credential.deleted": marked("A credential is deleted"),
    "webhook.test": marked("A test"),
}
DELIVERY_STATES = {
    "pending": (marked("Waiting"), "info"),
    "delivered": (marked("Delivered"), "good"),
    "failed": (marked("Failed"), "bad"),
}
_DESIGNS_IN_EXAMPLE = 2


async def show_tokens(visit: WorkspaceVisit) -> Response:
    return await _tokens_page(visit)


async def _tokens_page(
    visit: WorkspaceVisit, *, name: str = "", faults: dict[str, str] | None = None, status: int = 200
) -> Response:
    tokens = await visit.read(lambda tx: list_tokens(tx, visit.workspace_id))
    in_force = [token for token in reversed(tokens) if not token.is_revoked]
    revoked = [token for token in reversed(tokens) if token.is_revoked]
    context = {"tokens": in_force, "revoked": revoked, "name": name, "faults": faults or {}}
    return visit.page("developers/tokens.html", context, status=status)


async def create_access_token(visit: WorkspaceVisit) -> Response:
    """Shows the token in the answer itself: it is kept nowhere, so no other page could show it."""
    name = (await visit.form()).text("name")
    try:
        token, secret = await visit.write(
            lambda tx: create_token(tx, visit.workspace_id, name=name, at=visit.at),
            action="access_token.created",
            subject=lambda made: made[0].id,
            details={"name": name.strip()},
        )
    except Invalid as failure:
        return await _tokens_page(visit, name=name, faults=faults_of(failure), status=422)
    designs = await visit.read(lambda tx: list_designs(tx, visit.workspace_id, None, _DESIGNS_IN_EXAMPLE).items)
    curl = first_request(visit.base_url, token=secret, design_ids=[design.id for design in designs])
    return visit.page("developers/token_made.html", {"token": token, "secret": secret, "curl": curl})


async def revoke_access_token(visit: WorkspaceVisit) -> Response:
    token_id = id_in_path(visit)
    await visit.form()
    await visit.write(
        lambda tx: revoke_token(tx, visit.workspace_id, token_id, at=visit.at),
        action="access_token.revoked",
        subject=token_id,
    )
    return visit.go(visit.url("/developers"), _("The access token is revoked: requests with it are refused"))


async def show_webhooks(visit: WorkspaceVisit) -> Response:
    def read(tx: Transaction) -> list[tuple[Endpoint, str | None]]:
        endpoints = list_endpoints(tx, visit.workspace_id, None, ENDPOINTS_MAX).items
        return [(endpoint, _last_state(tx, endpoint)) for endpoint in endpoints]

    context = {"endpoints": await visit.read(read), "states": DELIVERY_STATES, "events": EVENTS}
    return visit.page("developers/webhooks.html", context)


def _last_state(tx: Transaction, endpoint: Endpoint) -> str | None:
    found = list_deliveries(tx, endpoint.workspace_id, endpoint.id, None, 1).items
    return found[0][0].state if found else None


async def new_webhook(visit: WorkspaceVisit) -> Response:
    context = {
        "endpoint": None,
        "url": "",
        "chosen": list(EVENT_TYPES),
        "events": EVENTS,
        "types": EVENT_TYPES,
        "faults": {},
    }
    return visit.page("developers/webhook_form.html", context)


async def create_webhook(visit: WorkspaceVisit) -> Response:
    """Shows the secret in the answer itself."""
    form = await visit.form()
    url, chosen = form.text("url"), form.texts("events")

    def create(tx: Transaction) -> tuple[Endpoint, str]:
        plan_of(visit.workspace, visit.platform.settings.plans).require("webhooks")
        return add_endpoint(
            tx,
            visit.workspace_id,
            url=url,
            events=chosen,
            allow_http=visit.platform.settings.allow_private_networks,
            master_key=visit.platform.master_key,
            at=visit.at,
        )

    try:
        endpoint, secret = await visit.write(create, action="webhook.created", subject=lambda made: made[0].id)
    except Invalid as failure:
        return _refused(visit, None, url, chosen, faults_of(failure))
    except (Conflict, PaymentRequired) as failure:
        return _refused(visit, None, url, chosen, {"": failure.message})
    return visit.page("developers/webhook_secret.html", {"endpoint": endpoint, "secret": secret, "is_new": True})


async def show_webhook(visit: WorkspaceVisit) -> Response:
    endpoint_id, list_name = id_in_path(visit), f"deliveries:{id_in_path(visit)}"
    cursor = read_cursor(visit.query("cursor"), list_name)

    def read(tx: Transaction) -> dict[str, object]:
        endpoint = get_endpoint(tx, visit.workspace_id, endpoint_id)
        found = list_deliveries(tx, visit.workspace_id, endpoint_id, cursor, LIMIT_DEFAULT)
        return {"endpoint": endpoint, "log": to_page(found, list_name, lambda item: item)}

    context = {**await visit.read(read), "states": DELIVERY_STATES, "events": EVENTS}
    # The log alone is asked for again while something in it waits.
    return visit.page("developers/deliveries.html" if visit.is_htmx else "developers/webhook.html", context)


async def edit_webhook(visit: WorkspaceVisit) -> Response:
    endpoint_id = id_in_path(visit)
    endpoint = await visit.read(lambda tx: get_endpoint(tx, visit.workspace_id, endpoint_id))
    context = {
        "endpoint": endpoint,
        "url": endpoint.url,
        "chosen": endpoint.events,
        "events": EVENTS,
        "types": EVENT_TYPES,
        "faults": {},
    }
    return visit.page("developers/webhook_form.html", context)


async def update_webhook(visit: WorkspaceVisit) -> Response:
    endpoint_id, form = id_in_path(visit), await visit.form()
    url, chosen = form.text("url"), form.texts("events")
    endpoint = await visit.read(lambda tx: get_endpoint(tx, visit.workspace_id, endpoint_id))
    try:
        await visit.write(
            lambda tx: change_endpoint(
                tx,
                visit.workspace_id,
                endpoint_id,
                url=url,
                events=chosen,
                allow_http=visit.platform.settings.allow_private_networks,
                at=visit.at,
            ),
            action="webhook.updated",
            subject=endpoint_id,
        )
    except Invalid as failure:
        return _refused(visit, endpoint, url, chosen, faults_of(failure))
    return visit.go(visit.url(f"/developers/webhooks/{endpoint_id}"), _("The webhook is changed"))


def _refused(
    visit: WorkspaceVisit, endpoint: Endpoint | None, url: str, chosen: list[str], faults: dict[str, str]
) -> Response:
    context = {
        "endpoint": endpoint,
        "url": url,
        "chosen": chosen,
        "events": EVENTS,
        "types": EVENT_TYPES,
        "faults": faults,
    }
    return visit.page("developers/webhook_form.html", context, status=422)


async def switch_webhook(visit: WorkspaceVisit) -> Response:
    """On or off: `is_active` tells which."""
    endpoint_id = id_in_path(visit)
    is_active = (await visit.form()).text("is_active") == "yes"
    await visit.write(
        lambda tx: change_endpoint(tx, visit.workspace_id, endpoint_id, is_active=is_active, at=visit.at),
        action="webhook.switched_on" if is_active else "webhook.switched_off",
        subject=endpoint_id,
    )
    here = visit.url(f"/developers/webhooks/{endpoint_id}")
    undo = Undo(f"{here}/switch", {"is_active": "no" if is_active else "yes"})
    said = _("The webhook is switched on") if is_active else _("The webhook is switched off: nothing is sent to it")
    return visit.go(here, said, undo=undo)


async def rotate_webhook_secret(visit: WorkspaceVisit) -> Response:
    endpoint_id = id_in_path(visit)
    await visit.form()
    endpoint, secret = await visit.write(
        lambda tx: rotate_secret(
            tx, visit.workspace_id, endpoint_id, master_key=visit.platform.master_key, at=visit.at
        ),
        action="webhook.secret_rotated",
        subject=endpoint_id,
    )
    return visit.page("developers/webhook_secret.html", {"endpoint": endpoint, "secret": secret, "is_new": False})


async def delete_webhook(visit: WorkspaceVisit) -> Response:
    endpoint_id = id_in_path(visit)
    await visit.form()
    await visit.write(
        lambda tx: delete_endpoint(tx, visit.workspace_id, endpoint_id), action="webhook.deleted", subject=endpoint_id
    )
    return visit.go(visit.url("/developers/webhooks"), _("The webhook is deleted"))


async def test_webhook(visit: WorkspaceVisit) -> Response:
    endpoint_id = id_in_path(visit)
    await visit.form()
    here = visit.url(f"/developers/webhooks/{endpoint_id}")
    try:
        await visit.write(
            lambda tx: record_test_event(tx, get_endpoint(tx, visit.workspace_id, endpoint_id), at=visit.at),
            action="webhook.tested",
            subject=endpoint_id,
        )
    except Conflict as failure:
        return visit.go(here, failure.message, kind="bad")
    return visit.go(here, _("A test event is on its way"))


async def deliver_again(visit: WorkspaceVisit) -> Response:
    delivery_id = id_in_path(visit, "delivery")
    await visit.form()
    try:
        delivery = await visit.write(
            lambda tx: redeliver(tx, visit.workspace_id, delivery_id, at=visit.at),
            action="webhook.redelivered",
            subject=delivery_id,
        )
    except Conflict as failure:
        return visit.go(visit.url(f"/developers/webhooks/{id_in_path(visit)}"), failure.message, kind="bad")
    return visit.go(visit.url(f"/developers/webhooks/{delivery.endpoint_id}"), _("The event is delivered again"))


SCREENS = (
    in_workspace("GET", "/developers", show_tokens, "manage_integrations"),
    in_workspace("POST", "/developers", create_access_token, "manage_integrations"),
    in_workspace("POST", "/developers/tokens/{id}/revoke", revoke_access_token, "manage_integrations"),
    in_workspace("GET", "/developers/webhooks", show_webhooks, "manage_integrations"),
    in_workspace("GET", "/developers/webhooks/new", new_webhook, "manage_integrations"),
    in_workspace("POST", "/developers/webhooks/new", create_webhook, "manage_integrations"),
    in_workspace("GET", "/developers/webhooks/{id}", show_webhook, "manage_integrations"),
    in_workspace("GET", "/developers/webhooks/{id}/edit", edit_webhook, "manage_integrations"),
    in_workspace("POST", "/developers/webhooks/{id}/edit", update_webhook, "manage_integrations"),
    in_workspace("POST", "/developers/webhooks/{id}/switch", switch_webhook, "manage_integrations"),
    in_workspace("POST", "/developers/webhooks/{id}/rotate", rotate_webhook_secret, "manage_integrations"),
    in_workspace("POST", "/developers/webhooks/{id}/delete", delete_webhook, "manage_integrations"),
    in_workspace("POST", "/developers/webhooks/{id}/test", test_webhook, "manage_integrations"),
    in_workspace("POST", "/developers/webhooks/{id}/deliveries/{delivery}/again", deliver_again, "manage_integrations"),
)
