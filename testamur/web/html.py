"""Pages: Jinja templates of all doors, with the headers that keep a page to this host and to itself."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from isal import igzip
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape
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
# What the language of a page is chosen by, for its `Vary`.
VARY_LANGUAGE = "Accept-Language, Cookie"
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


@cache
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
    return _day(on, translating.shown_date(on))


@lru_cache(maxsize=4096)
def _day(on: date, shown: str) -> Markup:
    """Tables show the same few days in many rows."""
    return Markup('<time datetime="{machine}">{shown}</time>').format(machine=on.isoformat(), shown=shown)


class _TextsPutIn(NodeTransformer):
    """Puts translations where a template asks for a text; what stands in its places is put out between its parts."""

    def __init__(self, language: str) -> None:
        self._language = language

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 - the name is Jinja's.
        node.nodes = [part for child in node.nodes for part in self._parts(child)]
        self.generic_visit(node)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        text = _text_of(node)
        if text is None or node.kwargs:
            return node
        return nodes.Const(_plain(translating.translated(self._language, text)), lineno=node.lineno)

    def _parts(self, node: nodes.Expr) -> list[nodes.Expr]:
        text = _text_of(node)
        if text is None or not isinstance(node, nodes.Call):
            return [node]
        values = {argument.key: argument.value for argument in node.kwargs}
        found = re.split(r"%\((\w+)\)s", translating.translated(self._language, text))
        return [
            values[part] if position % 2 else nodes.Const(_plain(part), lineno=node.lineno)
            for position, part in enumerate(found)
            if part
        ]


def _text_of(node: nodes.Expr) -> str | None:
    """What `_("…")` or a block `trans` without plural asks for."""
    match node:
        case nodes.Call(node=nodes.Name(name="_" | "gettext"), args=[nodes.Const(value=str(text))], dyn_kwargs=None):
            return text
    return None


def _plain(text: str) -> Markup:
    """A text of ours that has no places to fill in (any more)."""
    return Markup(text.replace("%%", "%"))  # noqa: S704 - it may have elements in it.


class _Generator(CodeGenerator):
    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        language: str = getattr(self.environment, "language")  # noqa: B009 - Jinja's type knows of none.
        super().visit_Template(_TextsPutIn(language).visit(node), frame)


def _text(text: str, /, **values: Any) -> Markup:
    """`_()` for texts that are not put in: those with places, and those that a table has."""
    # As Markup does it, which takes several times as long.
    escaped = {name: escape(value) for name, value in values.items()}
    return Markup(translating.gettext(text) % escaped)  # noqa: S704 - the texts are our own.


@cache
def _environment(language: str) -> Environment:
    """Templates are compiled for each language, so that most texts cost a page nothing."""
    made = Environment(
        loader=ChoiceLoader(
            [PackageLoader(f"testamur.{door}", "pages") for door in ("web", "wallet", "dashboard", "api")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        # A running server's pages do not change, and each look at their files is four calls of the system.
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.code_generator_class = _Generator
    made.extend(language=language)
    install: Any = getattr(made, "install_gettext_callables")  # noqa: B009 - given by the extension.
    install(
        translating.gettext,
        translating.ngettext,
        newstyle=True,
        pgettext=translating.pgettext,
        npgettext=translating.npgettext,
    )
    made.globals |= {
        "_": _text,
        "gettext": _text,
        "static_url": static_url,
        "icon": icon,
        "locale": translating.locale_in_use,
        "LANGUAGES": translating.LANGUAGES,
    }
    made.filters |= {
        "moment": moment,
        "ago": ago,
        "day": day,
        "number": translating.shown_number,
        "told": translating.told,
    }
    return made


def render(name: str, context: Mapping[str, Any]) -> str:
    """A template filled in. Everything that people wrote is escaped."""
    return _environment(translating.locale_in_use().language).get_template(name).render(**context)


def use_language_of(request: Request) -> None:
    """Pages of this request are in the language of the visitor's cookie, or else the one that the browser asks for."""
    chosen = request.cookies.get("language") if "cookie" in request.headers else None
    if chosen not in translating.LANGUAGES:
        chosen = translating.preferred_language(request.headers.get("accept-language", ""))
    translating.use_locale(chosen)


def page(request: Request, name: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """A page from a template, compressed for whoever takes it. Everything that people wrote is escaped."""
    content, headers = render(name, context).encode(), {**_HEADERS, "Vary": "Accept-Encoding"}
    if len(content) > _COMPRESSED_FROM_BYTES and takes_gzip(request):
        content, headers["Content-Encoding"] = igzip.compress(content, 1, mtime=0), "gzip"
    return HTMLResponse(content, status, headers)
