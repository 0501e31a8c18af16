"""Whether the process lives (/healthz), and whether it can serve (/readyz)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.db.migrating import is_current
from testamur.errors import Unavailable
from testamur.storage import Storage
from testamur.web.platform import Platform
from testamur.web.threads import run_query


def routes(platform: Platform) -> list[Route]:
    async def healthz(_request: Request) -> Response:
        return _answer(200, {"status": "ok"})

    async def readyz(_request: Request) -> Response:
        checks = await run_query(platform.database, lambda: _checks(platform), storage=platform.storage)
        is_ready = all(checks.values())
        content = {
            "status": "ok" if is_ready else "unavailable",
            "checks": {name: "ok" if passed else "failed" for name, passed in checks.items()},
        }
        return _answer(200 if is_ready else 503, content)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _checks(platform: Platform) -> dict[str, bool]:
    is_reachable = platform.database.is_reachable()
    return {
        "database": is_reachable,
        "migrations": is_reachable and is_current(platform.database),
        "storage": _is_writable(platform.storage),
    }


def _is_writable(storage: Storage) -> bool:
    try:
        storage.check()
    except Unavailable:
        return False
    return True


def _answer(status: int, content: object) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
