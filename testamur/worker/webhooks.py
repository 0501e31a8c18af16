"""Delivering the webhooks of a claim, which are all of one endpoint."""

from testamur.clock import now
from testamur.errors import NotFound
from testamur.web.platform import Platform
from testamur.webhooks.endpoints import get_endpoint, secrets_in_force
from testamur.webhooks.outbox import Outcome, claimed_deliveries, record_outcomes
from testamur.webhooks.sending import send_deliveries


def deliver_webhooks(platform: Platform, claim: str) -> None:
    """Try each delivery of the claim once and record how it went."""

    def record(outcomes: list[Outcome]) -> None:
        with platform.database.write() as tx:
            record_outcomes(tx, claim, outcomes)

    with platform.database.read() as tx:
        deliveries = claimed_deliveries(tx, claim)
        if not deliveries:
            return
        try:
            endpoint = get_endpoint(tx, deliveries[0].workspace_id, deliveries[0].endpoint_id)
        except NotFound:
            return
    if not endpoint.is_active:
        at = now()
        off = "The webhook was switched off"
        record(
            [
                Outcome(delivery=item, at=at, status=None, error=off, milliseconds=0, is_final=True)
                for item in deliveries
            ]
        )
        return
    secrets = secrets_in_force(endpoint, platform.master_key, now())
    allow_private = platform.settings.allow_private_networks
    send_deliveries(endpoint, secrets, deliveries, record, allow_private=allow_private)
