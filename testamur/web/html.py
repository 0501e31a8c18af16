"""Pages: Jinja templates of all doors, with the headers that keep a page to this host and to itself."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from testamur.errors import NotFound

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def _read_static(name: str) -> tuple[bytes, str] | None:
    """The bytes of a static file and the digest that its address carries."""
    folder = files("testamur.web") / "static"
    known = {entry.name: entry for entry in folder.iterdir()}
    if name not in known:
        return None
    content = known[name].read_bytes()
    return content, sha256(content).hexdigest()[:10]


def static_url(name: str) -> str:
    """An address that changes with the file, so that browsers may keep it for ever."""
    found = _read_static(name)
    if found is None:
        raise LookupError(name)
    return f"/static/{name}?v={found[1]}"


def static_files() -> Route:
    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        found = _read_static(name)
        media_type = _MEDIA_TYPES.get("." + name.rpartition(".")[2])
        if found is None or media_type is None:
            raise NotFound
        content, digest = found
        is_pinned = request.query_params.get("v") == digest
        caching = "public, max-age=31536000, immutable" if is_pinned else "no-cache"
        headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
        return Response(content, headers=headers, media_type=media_type)

    return Route("/static/{name}", static)


_environment = Environment(
    loader=ChoiceLoader([PackageLoader(f"testamur.{door}", "pages") for door in ("web", "wallet", "dashboard", "api")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    # A running server's pages do not change, and each look at their files is four calls of the system.
    auto_reload=False,
)
_environment.globals["static_url"] = static_url


def page(_request: Request, name: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """A page from a template. Everything that people wrote is escaped."""
    return HTMLResponse(_environment.get_template(name).render(**context), status, _HEADERS)
