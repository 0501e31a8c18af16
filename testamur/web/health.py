"""Whether the process lives (/healthz), whether it can serve (/readyz), and how its drawing goes (/metrics)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.db.migrating import is_current
from testamur.errors import Unavailable
from testamur.storage import Storage
from testamur.web.platform import Platform
from testamur.web.threads import run_query

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


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

    async def metrics(_request: Request) -> Response:
        return Response(_metrics(platform), headers={"Cache-Control": "no-store"}, media_type=METRICS_TYPE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


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


def _metrics(platform: Platform) -> str:
    """Figures of this server process in the format of Prometheus; none of them is about one workspace."""
    counters = platform.renderers.pool.counters()
    counters.waiting += platform.rendering_threads.waiting
    lines = []
    for name, value in msgspec.structs.asdict(counters).items():
        is_state = name in {"processes", "waiting"}
        metric = f"testamur_rendering_{name}{'' if is_state else '_total'}"
        lines += [f"# TYPE {metric} {'gauge' if is_state else 'counter'}", f"{metric} {value}"]
    return "\n".join(lines) + "\n"


def _answer(status: int, content: object) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
