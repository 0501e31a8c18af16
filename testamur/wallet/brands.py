"""What issuers' pages look like: the colour and the logo that they chose."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.db import Transaction
from testamur.designs.assets import asset_key
from testamur.designs.queries import find_asset_type
from testamur.errors import NotFound
from testamur.web.brand import brand_css
from testamur.web.platform import Platform
from testamur.web.threads import run_query
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import find_workspace_by_slug


def routes(platform: Platform) -> list[Route]:
    async def brand(request: Request) -> Response:
        workspace = await run_query(platform.database, lambda: _find(platform, request.path_params["slug"]))
        if workspace is None or workspace.brand_color is None:
            raise NotFound
        # Only the address that names the colour may be kept: the next colour has another one.
        is_pinned = request.query_params.get("v") == workspace.brand_color.removeprefix("#")
        caching = "public, max-age=31536000, immutable" if is_pinned else "no-cache"
        headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
        return Response(brand_css(workspace.brand_color), headers=headers, media_type="text/css")

    async def logo(request: Request) -> Response:
        slug, digest = request.path_params["slug"], request.path_params["digest"]
        found = await run_query(platform.database, lambda: _read_logo(platform, slug, digest), storage=platform.storage)
        if found is None:
            raise NotFound
        content, media_type = found
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            # A picture that is opened by itself is no page of ours.
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            # Whoever shows a credential shows the issuer's logo.
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return Response(content, headers=headers, media_type=media_type)

    return [Route("/i/{slug}/brand.css", brand), Route("/i/{slug}/logo/{digest}", logo)]


def brand_url(workspace: Workspace) -> str | None:
    """The style sheet with the issuer's colour, if it has one."""
    if workspace.brand_color is None:
        return None
    return f"/i/{workspace.slug}/brand.css?v={workspace.brand_color.removeprefix('#')}"


def logo_path(workspace: Workspace, base_url: str) -> str | None:
    """The path of the issuer's logo, if it is kept by this server."""
    url = workspace.logo_url or ""
    return url.removeprefix(base_url) if url.startswith(f"{base_url}/i/") else None


def _logo(tx: Transaction, slug: str, digest: str) -> tuple[str, str] | None:
    """Workspace and media type of a picture, None if there is none.

    Credentials state the address of the logo as it was when they were signed, so all that ever was one goes on
    answering: who knows the SHA-256 of a picture has seen it.
    """
    workspace = find_workspace_by_slug(tx, slug)
    if workspace is None:
        return None
    media_type = find_asset_type(tx, workspace.id, digest)
    return None if media_type is None else (workspace.id, media_type)


def _find(platform: Platform, slug: str) -> Workspace | None:
    with platform.database.read() as tx:
        return find_workspace_by_slug(tx, slug)


def _read_logo(platform: Platform, slug: str, digest: str) -> tuple[bytes, str] | None:
    with platform.database.read() as tx:
        found = _logo(tx, slug, digest)
    content = None if found is None else platform.storage.read(asset_key(found[0], digest))
    return None if found is None or content is None else (content, found[1])
