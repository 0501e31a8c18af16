"""What visitors do with a credential's page, as the page's script tells it."""

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.clock import now
from testamur.credentials.queries import get_public_credential
from testamur.errors import Invalid, NotFound, RateLimited
from testamur.interactions.model import InteractionType
from testamur.interactions.recording import record_interaction
from testamur.wallet.public_ids import to_public_id
from testamur.web.platform import Platform
from testamur.web.rate_limit import RateLimit
from testamur.web.threads import run_query
from testamur.wire.v1.decoding import decode_object

BODY_BYTES_MAX = 1000
# A page makes some few of them in its life; more than this is not a person.
RATE = "60/minute"


class Told(msgspec.Struct, rename="camel"):
    """One interaction; nothing in it is trusted beyond its words."""

    event_type: InteractionType
    triggered_by: Literal["recipient", "guest"]


def routes(platform: Platform) -> list[Route]:
    limit = RateLimit(RATE)

    async def record(request: Request) -> Response:
        public_id = to_public_id(request.path_params["public_id"])
        if public_id is None:
            raise NotFound
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > BODY_BYTES_MAX:
                return Response(status_code=413)
        try:
            limit.take(public_id)
            told = decode_object(body, Told)
            await run_query(platform.database, lambda: _record(platform, public_id, told))
        except RateLimited:
            return Response(status_code=429)
        except Invalid:
            return Response(status_code=400)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    return [Route("/credentials/{public_id}/interactions", record, methods=["POST"])]


def _record(platform: Platform, public_id: str, told: Told) -> None:
    at = now()
    with platform.database.write() as tx:
        credential = get_public_credential(tx, public_id)
        record_interaction(
            tx,
            credential.workspace_id,
            credential_id=credential.id,
            event_type=told.event_type,
            triggered_by=told.triggered_by,
            triggered_at=at,
            at=at,
        )
