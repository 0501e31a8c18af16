"""Pages: Jinja templates of all doors, with the headers that keep a page to this host and to itself."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from isal import igzip
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from testamur.clock import now
from testamur.errors import NotFound
from testamur.rendering.icons import icons
from testamur.web import translating

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
# Everything else is text, of which a third is left.
_COMPRESSED_FROM_BYTES = 1400
_COMPRESSED_ALREADY = frozenset({"woff2"})


@cache
def _read_static(name: str) -> tuple[bytes, bytes | None, str] | None:
    """The bytes of a static file, the same compressed, and the digest that its address carries."""
    folder = files("testamur.web") / "static"
    known = {entry.name: entry for part in (folder, folder / "vendor") for entry in part.iterdir() if entry.is_file()}
    if name not in known:
        return None
    content = known[name].read_bytes()
    is_text = name.rpartition(".")[2] not in _COMPRESSED_ALREADY
    compressed = igzip.compress(content, 3, mtime=0) if is_text else None
    return content, compressed, sha256(content).hexdigest()[:10]


def static_url(name: str) -> str:
    """An address that changes with the file, so that browsers may keep it for ever."""
    found = _read_static(name)
    if found is None:
        raise LookupError(name)
    return f"/static/{name}?v={found[2]}"


def static_files() -> Route:
    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        found = _read_static(name)
        media_type = _MEDIA_TYPES.get("." + name.rpartition(".")[2])
        if found is None or media_type is None:
            raise NotFound
        content, compressed, digest = found
        is_pinned = request.query_params.get("v") == digest
        caching = "public, max-age=31536000, immutable" if is_pinned else "no-cache"
        headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
        if compressed is not None and takes_gzip(request):
            content, headers["Content-Encoding"] = compressed, "gzip"
        return Response(content, headers=headers, media_type=media_type)

    return Route("/static/{name}", static)


def takes_gzip(request: Request) -> bool:
    """Whether a client takes answers compressed with gzip (RFC 9110, section 12.5.3)."""
    offered = [part.strip().partition(";") for part in request.headers.get("accept-encoding", "").split(",")]
    return any(
        name.strip() == "gzip" and quality.replace(" ", "") not in {"q=0", "q=0.0"} for name, _, quality in offered
    )


def icon(name: str, *, size: int = 20) -> Markup:
    """A bundled icon in the colour of the text around it, of `size` CSS pixels. It says nothing to a screen reader."""
    return Markup(
        '<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{drawing}</svg>'
    ).format(size=size, drawing=Markup(icons()[name]))  # noqa: S704 - the drawing is one of ours.


def moment(at: datetime) -> Markup:
    """Day and time in the time zone of the page, for people and for programs."""
    shown = translating.shown_moment(at)
    return Markup('<time datetime="{machine}">{shown}</time>').format(machine=at.isoformat(), shown=shown)


def ago(at: datetime) -> Markup:
    """How long ago, with the moment itself for whoever points at it."""
    return Markup('<time datetime="{machine}" title="{exact}">{shown}</time>').format(
        machine=at.isoformat(), exact=translating.shown_moment(at), shown=translating.shown_ago(at, now())
    )


def day(on: date) -> Markup:
    return Markup('<time datetime="{machine}">{shown}</time>').format(
        machine=on.isoformat(), shown=translating.shown_date(on)
    )


_environment = Environment(
    loader=ChoiceLoader([PackageLoader(f"testamur.{door}", "pages") for door in ("web", "wallet", "dashboard", "api")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
    # A running server's pages do not change, and each look at their files is four calls of the system.
    auto_reload=False,
)
_environment.policies["ext.i18n.trimmed"] = True
# Looked up at each call, so one environment serves all languages.
install: Any = getattr(_environment, "install_gettext_callables")  # noqa: B009 - given by the extension.
install(
    translating.gettext,
    translating.ngettext,
    newstyle=True,
    pgettext=translating.pgettext,
    npgettext=translating.npgettext,
)
_environment.globals |= {
    "static_url": static_url,
    "icon": icon,
    "locale": translating.locale_in_use,
    "LANGUAGES": translating.LANGUAGES,
}
_environment.filters |= {
    "moment": moment,
    "ago": ago,
    "day": day,
    "number": translating.shown_number,
    "told": translating.told,
}


def render(name: str, context: Mapping[str, Any]) -> str:
    """A template filled in. Everything that people wrote is escaped."""
    return _environment.get_template(name).render(**context)


def page(request: Request, name: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """A page from a template, compressed for whoever takes it. Everything that people wrote is escaped."""
    content, headers = render(name, context).encode(), {**_HEADERS, "Vary": "Accept-Encoding"}
    if len(content) > _COMPRESSED_FROM_BYTES and takes_gzip(request):
        content, headers["Content-Encoding"] = igzip.compress(content, 1, mtime=0), "gzip"
    return HTMLResponse(content, status, headers)
