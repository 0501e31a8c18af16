"""Pictures and PDFs, at addresses that never change what they serve. They are rendered when first asked for."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.clock import now
from testamur.credentials.links import rendering_key
from testamur.credentials.renderings import (
    PIXEL_FORMATS,
    PNG_WIDTH_PX,
    Format,
    RecordedRendering,
    Rendering,
    Variant,
    get_recorded,
    get_recorded_title,
    render,
    render_picture,
    to_recorded,
)
from testamur.db import Transaction
from testamur.designs.gallery import gallery_design
from testamur.designs.links import gallery_key, preview_key
from testamur.designs.queries import get_design
from testamur.designs.renderers import DesignRenderer, check_version
from testamur.errors import Invalid, NotFound
from testamur.ids import normalize_id
from testamur.rendering.renderer import Attachment
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.web.files import attachment
from testamur.web.platform import Platform
from testamur.web.threads import run_query
from testamur.workspaces.pdf_certificate import signed_pdf

Result = TypeVar("Result")

MEDIA_TYPES: dict[Format, str] = {
    "png": "image/png",
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "svg": "image/svg+xml",
}
# Each is a file more on the disk, so there are only these.
WIDTHS_PX = (200, 400, 600, 800, 1200, 1600, 2400, 3200)
DESIGN_PREVIEW_WIDTH_PX = 1200
KEPT_BYTES_MAX = 32 * 1024 * 1024
KEPT_FILE_BYTES_MAX = 1024 * 1024
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_DIGEST = re.compile(r"[A-Za-z0-9_-]{10,43}", re.ASCII)
_CREDENTIAL_FILE = "/files/credentials/{workspace_id}/{credential_id}/{design_id}/{digest}.{format}"
_DESIGN_PREVIEW = "/files/designs/{workspace_id}/{design_id}/{version:int}.{format}"

_GALLERY_PREVIEW = "/files/gallery/{digest}/{name}.{format}"


class Files:
    """Serves what is stored, and makes what is not on the threads for rendering."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._kept = _KeptFiles()
        self._being_made: dict[str, asyncio.Task[bytes]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(_CREDENTIAL_FILE, self.credential_file),
            Route(_DESIGN_PREVIEW, self.design_preview),
            Route(_GALLERY_PREVIEW, self.gallery_preview),
        ]

    async def credential_file(self, request: Request) -> Response:
        path = request.path_params
        variant = _variant(request, MEDIA_TYPES, usual_width_px=PNG_WIDTH_PX)
        if not _DIGEST.fullmatch(path["digest"]):
            raise NotFound
        place = {name: _id(path[name]) for name in ("workspace_id", "credential_id", "design_id")}
        place["digest"] = path["digest"]

        def opened() -> tuple[RecordedRendering, DesignRenderer]:
            with self._platform.database.read() as tx:
                recorded = get_recorded(tx, **place)
                _check_format(tx, variant, recorded.workspace_id, recorded.design_id)
                return recorded, self._platform.renderers.get(
                    tx, recorded.workspace_id, recorded.design_id, recorded.design_version
                )

        def prepare() -> None:
            recorded, renderer = opened()
            renderer.fetch_pictures(recorded.values)

        def make() -> bytes:
            recorded, renderer = opened()
            content = render(recorded, renderer, variant)
            if variant.is_signed:
                with self._platform.database.read() as tx:
                    key = self._platform.master_key
                    content = signed_pdf(tx, recorded.workspace_id, content, master_key=key, at=now())
            return content

        # The row is asked for each time: the file of a deleted credential must not be served.
        title = await run_query(self._platform.database, lambda: self._read(lambda tx: get_recorded_title(tx, **place)))
        key = rendering_key(**place, ending=variant.ending)
        name = f"{title}.{variant.format}" if "download" in request.query_params else None
        return await self._serve(request, key, variant, make, prepare=prepare, name=name)

    async def design_preview(self, request: Request) -> Response:
        path = request.path_params
        # A design is no document that anybody keeps.
        variant = _variant(request, MEDIA_TYPES.keys() - {"pdf"}, usual_width_px=DESIGN_PREVIEW_WIDTH_PX)
        workspace_id, design_id, version = _id(path["workspace_id"]), _id(path["design_id"]), path["version"]

        def make() -> bytes:
            with self._platform.database.read() as tx:
                _check_format(tx, variant, workspace_id, design_id)
                renderer = self._platform.renderers.get(tx, workspace_id, design_id, version)
            return render_picture(SAMPLE_VALUES, renderer, variant, usual_width_px=DESIGN_PREVIEW_WIDTH_PX)

        def check(tx: Transaction) -> None:
            check_version(tx, workspace_id, design_id, version)

        await run_query(self._platform.database, lambda: self._read(check))
        return await self._serve(request, preview_key(workspace_id, design_id, version, variant.ending), variant, make)

    async def gallery_preview(self, request: Request) -> Response:
        path = request.path_params
        variant = _variant(request, MEDIA_TYPES.keys() - {"pdf", "svg"}, usual_width_px=DESIGN_PREVIEW_WIDTH_PX)
        # The first time, files are read.
        design = await run_sync(gallery_design, path["name"])
        if path["digest"] != design.digest:
            raise NotFound

        def make() -> bytes:
            renderer = self._platform.renderers.pool.renderer(f"gallery/{design.digest}", lambda: design.definition)
            made: bytes = renderer.raster(
                SAMPLE_VALUES,
                width_px=variant.width_px or DESIGN_PREVIEW_WIDTH_PX,
                format_=PIXEL_FORMATS[variant.format],
                language=design.language,
            )
            return made

        return await self._serve(request, gallery_key(design.name, design.digest, variant.ending), variant, make)

    async def picture(self, item: Rendering, format_: Format) -> bytes:
        """A picture of a credential as it looks now, in its usual size; stored like every other. Raises NotFound."""
        recorded, variant = to_recorded(item), Variant(format_)
        place = (recorded.workspace_id, recorded.design_id, recorded.design_version)

        def renderer() -> DesignRenderer:
            with self._platform.database.read() as tx:
                _check_format(tx, variant, recorded.workspace_id, recorded.design_id)
                return self._platform.renderers.get(tx, *place)

        def prepare() -> None:
            renderer().fetch_pictures(recorded.values)

        key = rendering_key(
            recorded.workspace_id, recorded.credential_id, recorded.design_id, recorded.digest, variant.ending
        )
        return await self._content(key, lambda: render(recorded, renderer(), variant), prepare)

    async def archival_pdf(self, item: Rendering, attachments: Sequence[Attachment]) -> bytes:
        """A PDF/A-3 with files in it. It is drawn each time, since what is attached may change while its look does not.

        Raises Invalid for letters that no font has.
        """
        recorded = to_recorded(item)

        def renderer() -> DesignRenderer:
            with self._platform.database.read() as tx:
                place = (recorded.workspace_id, recorded.design_id, recorded.design_version)
                return self._platform.renderers.get(tx, *place)

        def make() -> bytes:
            return renderer().pdf(
                recorded.values,
                title=recorded.title,
                language=recorded.language,
                at=recorded.created_at,
                standard="a-3b",
                attachments=attachments,
            )

        await run_sync(lambda: renderer().fetch_pictures(recorded.values))
        return await self._platform.rendering_threads.run(make)

    def _read(self, work: Callable[[Transaction], Result]) -> Result:
        with self._platform.database.read() as tx:
            return work(tx)

    async def _serve(
        self,
        request: Request,
        key: str,
        variant: Variant,
        make: Callable[[], bytes],
        *,
        prepare: Callable[[], None] | None = None,
        name: str | None = None,
    ) -> Response:
        etag = f'"{key.rpartition("/")[2]}"'
        headers = {**_HEADERS, "ETag": etag}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if name is not None:
            headers["Content-Disposition"] = attachment(name)
        content = await self._content(key, make, prepare)
        return Response(content, headers=headers, media_type=MEDIA_TYPES[variant.format])

    async def _content(self, key: str, make: Callable[[], bytes], prepare: Callable[[], None] | None) -> bytes:
        content = self._kept.get(key)
        if content is None:
            content = await run_sync(self._platform.storage.read, key)
            if content is None:
                content = await self._made(key, make, prepare)
            self._kept.keep(key, content)
        return content

    async def _made(self, key: str, make: Callable[[], bytes], prepare: Callable[[], None] | None) -> bytes:
        """Make and store a file, once for all who ask for it at the same time."""

        def make_and_store() -> bytes:
            content = make()
            self._platform.storage.write(key, content)
            return content

        async def make_prepared() -> bytes:
            if prepare is not None:
                # A picture may come from a slow server: whoever waits for it keeps nobody from drawing.
                await run_sync(prepare)
            return await self._platform.rendering_threads.run(make_and_store)

        task = self._being_made.get(key)
        if task is None:
            task = asyncio.create_task(make_prepared())
            self._being_made[key] = task
            task.add_done_callback(lambda _: self._being_made.pop(key))
        # Whoever goes away ends the waiting of nobody else.
        return await asyncio.shield(task)


class _KeptFiles:
    """The files that were served last, as long as they are small. They never change, so none is ever out of date."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> bytes | None:
        content = self._files.get(key)
        if content is not None:
            self._files.move_to_end(key)
        return content

    def keep(self, key: str, content: bytes) -> None:
        if len(content) > KEPT_FILE_BYTES_MAX or key in self._files:
            return
        self._files[key] = content
        self._bytes += len(content)
        while self._bytes > KEPT_BYTES_MAX:
            self._bytes -= len(self._files.popitem(last=False)[1])


def _variant(request: Request, formats: Collection[Format], *, usual_width_px: int) -> Variant:
    """Which file is asked for: here options of an address are read. Raises NotFound, Invalid."""
    format_: Format = request.path_params["format"]
    if format_ not in formats:
        raise NotFound
    query = request.query_params
    width = query.get("width")
    if width is not None and format_ not in PIXEL_FORMATS:
        raise Invalid(f"A {format_.upper()} has no width; leave it out", ("width",))
    if width is not None and width not in map(str, WIDTHS_PX):
        raise Invalid(f"The width must be one of {', '.join(map(str, WIDTHS_PX))}", ("width",))
    if query.get("standard", "a-2b") != "a-2b":
        raise Invalid("The standard must be a-2b", ("standard",))
    for name in ("standard", "bleed", "signed"):
        if name in query and format_ != "pdf":
            raise Invalid(f"Only a PDF can have it; a {format_.upper()} cannot", (name,))
        if name != "standard" and query.get(name, "1") != "1":
            raise Invalid("Must be 1 or left out", (name,))
    return Variant(
        format_,
        None if width is None or int(width) == usual_width_px else int(width),
        standard="a-2b" if "standard" in query else "",
        has_bleed="bleed" in query,
        is_signed="signed" in query,
    )


def _check_format(tx: Transaction, variant: Variant, workspace_id: str, design_id: str) -> None:
    """Badges are put on web sites, where an SVG is wanted; nobody needs one of a certificate. Raises NotFound."""
    if variant.format == "svg" and get_design(tx, workspace_id, design_id).type != "badge":
        raise NotFound


def _id(text: str) -> str:
    found = normalize_id(text)
    if found is None:
        raise NotFound
    return found
