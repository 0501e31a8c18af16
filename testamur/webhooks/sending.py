"""Sending: all deliveries of a claim, several at once, each with its own fate."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

import anyio
import httpcore2

from testamur import __version__
from testamur.clock import now
from testamur.outgoing.addresses import ForbiddenAddress, PublicNetwork
from testamur.webhooks.model import Delivery, Endpoint
from testamur.webhooks.outbox import Outcome
from testamur.webhooks.signing import event_body, signature_headers

CONNECTIONS = 25
ATTEMPT_SECONDS_MAX = 10
ANSWER_BYTES_READ = 16 * 1024
# Outcomes are recorded in groups, so that a crash repeats few and a fast receiver costs few transactions.
RECORDED_AT_ONCE = 50


def send_deliveries(
    endpoint: Endpoint,
    secrets: Sequence[str],
    deliveries: Sequence[Delivery],
    record: Callable[[list[Outcome]], None],
    *,
    allow_private: bool,
) -> None:
    """Try each delivery once. `record` is called with outcomes as they come, from this thread."""
    anyio.run(_send_all, endpoint, secrets, deliveries, record, allow_private)


async def _send_all(
    endpoint: Endpoint,
    secrets: Sequence[str],
    deliveries: Sequence[Delivery],
    record: Callable[[list[Outcome]], None],
    allow_private: bool,
) -> None:
    waiting: list[Outcome] = []
    source = iter(deliveries)

    async with httpcore2.AsyncConnectionPool(
        network_backend=PublicNetwork(allow_private=allow_private),
        max_connections=CONNECTIONS,
        max_keepalive_connections=CONNECTIONS,
    ) as pool:

        async def work() -> None:
            # Iterating takes no step of the event loop, so no two workers get the same delivery.
            for delivery in source:
                waiting.append(await _attempt(pool, endpoint, secrets, delivery))
                if len(waiting) >= RECORDED_AT_ONCE:
                    record([waiting.pop() for _ in range(len(waiting))])

        async with anyio.create_task_group() as tasks:
            for _ in range(min(CONNECTIONS, len(deliveries))):
                tasks.start_soon(work)
    record(waiting)


async def _attempt(
    pool: httpcore2.AsyncConnectionPool, endpoint: Endpoint, secrets: Sequence[str], delivery: Delivery
) -> Outcome:
    at, began = now(), time.perf_counter()
    status, error = await _explained(lambda: _post(pool, endpoint, secrets, delivery, at))
    milliseconds = round((time.perf_counter() - began) * 1000)
    return Outcome(delivery=delivery, at=at, status=status, error=error, milliseconds=milliseconds)


async def _post(
    pool: httpcore2.AsyncConnectionPool,
    endpoint: Endpoint,
    secrets: Sequence[str],
    delivery: Delivery,
    at: datetime,
) -> int:
    body = event_body(delivery)
    headers = {
        "Host": urlsplit(endpoint.url).netloc,
        "Content-Type": "application/json",
        "User-Agent": f"Testamur/{__version__}",
        "Content-Length": str(len(body)),
        **signature_headers(body, delivery.event_id, secrets, at),
    }
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    # Only the status counts. A short body is read to its end, so that the connection serves again; an endless one is
    # not. Redirects are not followed.
    async with pool.stream("POST", endpoint.url.encode(), headers=sent, content=body) as response:
        size = 0
        async for part in response.aiter_stream():
            size += len(part)
            if size > ANSWER_BYTES_READ:
                break
        return int(response.status)


async def _explained(post: Callable[[], Awaitable[int]]) -> tuple[int | None, str | None]:
    """The status, and what went wrong in words (None if nothing did)."""
    try:
        with anyio.fail_after(ATTEMPT_SECONDS_MAX):
            status = await post()
    except TimeoutError:
        reason = f"No answer within {ATTEMPT_SECONDS_MAX} seconds"
    except ForbiddenAddress as failure:
        reason = str(failure)
    except (httpcore2.ConnectError, OSError) as failure:
        reason = f"No connection: {failure}"
    except (httpcore2.NetworkError, httpcore2.ProtocolError):
        reason = "The receiver broke the connection, or did not answer in HTTP"
    except Exception as failure:  # noqa: BLE001 - whatever a receiver does must not stop the others.
        reason = f"{type(failure).__name__}: {failure}"
    else:
        return status, _told(status)
    return None, reason[:500]


def _told(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return "A redirect, which is not followed" if 300 <= status < 400 else f"Answered {status}"
