"""Pictures and PDFs, at addresses that never change what they serve. They are rendered when first asked for."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.credentials.links import rendering_key
from testamur.credentials.renderings import Format, RecordedRendering, get_recorded, render
from testamur.designs.links import preview_key
from testamur.designs.model import Design
from testamur.designs.queries import get_design
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.web.files import attachment
from testamur.web.platform import Platform
from testamur.web.threads import RenderingThreads, run_query

MEDIA_TYPES: dict[Format, str] = {"png": "image/png", "pdf": "application/pdf"}
DESIGN_PREVIEW_WIDTH_PX = 1200
_DIGEST = re.compile(r"[A-Za-z0-9_-]{10,43}", re.ASCII)


class Files:
    """Serves what is stored, and makes what is not on the threads for rendering."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._threads = RenderingThreads()

    def routes(self) -> list[Route]:
        return [
            Route(
                "/files/credentials/{workspace_id}/{credential_id}/{design_id}/{digest}.{format}", self.credential_file
            ),
            Route("/files/designs/{workspace_id}/{design_id}/{version:int}.png", self.design_preview),
        ]

    async def credential_file(self, request: Request) -> Response:
        path = request.path_params
        digest: str = path["digest"]
        format_ = path["format"]
        if format_ not in MEDIA_TYPES or not _DIGEST.fullmatch(digest):
            raise NotFound

        def look_up() -> tuple[RecordedRendering, bytes | None]:
            # The row is asked for each time: the file of a deleted credential must not be served.
            with self._platform.database.read() as tx:
                recorded = get_recorded(
                    tx,
                    workspace_id=_id(path["workspace_id"]),
                    credential_id=_id(path["credential_id"]),
                    design_id=_id(path["design_id"]),
                    digest=digest,
                )
            return recorded, self._platform.storage.read(_key(recorded, format_))

        recorded, content = await run_query(self._platform.database, look_up)
        if content is None:
            content = await self._threads.run(lambda: self._render(recorded, format_))
        headers = {}
        if "download" in request.query_params:
            headers["Content-Disposition"] = attachment(f"{recorded.title}.{format_}")
        return _immutable(request, content, f"{digest}.{format_}", MEDIA_TYPES[format_], headers)

    async def design_preview(self, request: Request) -> Response:
        path = request.path_params

        def look_up() -> tuple[Design, bytes | None]:
            with self._platform.database.read() as tx:
                design = get_design(tx, _id(path["workspace_id"]), _id(path["design_id"]))
            if path["version"] != design.version:
                raise NotFound
            return design, self._platform.storage.read(preview_key(design))

        design, content = await run_query(self._platform.database, look_up)
        if content is None:
            content = await self._threads.run(lambda: self._render_preview(design))
        return _immutable(request, content, f"{design.id}-{design.version}", "image/png", {})

    def _render(self, recorded: RecordedRendering, format_: Format) -> bytes:
        with self._platform.database.read() as tx:
            renderer = self._platform.renderers.get(
                tx, recorded.workspace_id, recorded.design_id, recorded.design_version
            )
        content = render(recorded, renderer, format_)
        self._platform.storage.write(_key(recorded, format_), content)
        return content

    def _render_preview(self, design: Design) -> bytes:
        with self._platform.database.read() as tx:
            renderer = self._platform.renderers.get(tx, design.workspace_id, design.id, design.version)
        content = renderer.png(SAMPLE_VALUES, width_px=DESIGN_PREVIEW_WIDTH_PX)
        self._platform.storage.write(preview_key(design), content)
        return content


def _key(recorded: RecordedRendering, format_: Format) -> str:
    return rendering_key(recorded.workspace_id, recorded.credential_id, recorded.design_id, recorded.digest, format_)


def _id(text: str) -> str:
    found = normalize_id(text)
    if found is None:
        raise NotFound
    return found


def _immutable(request: Request, content: bytes, tag: str, media_type: str, headers: dict[str, str]) -> Response:
    etag = f'"{tag}"'
    headers = {
        **headers,
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
