"""What everybody may know of issuers: the documents of their DIDs, their keys, and who they are."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.openbadges.dids import did_document
from testamur.signing_keys.creating import ALGORITHMS
from testamur.signing_keys.model import DOCUMENT_CACHE
from testamur.signing_keys.publishing import jwt_jwk, public_jwk, verification_methods
from testamur.signing_keys.queries import get_key, list_jwt_keys, list_keys
from testamur.wallet.brands import brand_url
from testamur.web.documents import document, preferred
from testamur.web.html import VARY_LANGUAGE, page
from testamur.web.platform import Platform
from testamur.web.threads import Result, run_query
from testamur.workspaces.issuer_identities import current_did, served_did
from testamur.workspaces.issuer_profile import issuer_profile
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import find_workspace_by_slug

DID_TYPES = ("application/did+json", "application/json")
PROFILE_TYPES = ("text/html", "application/ld+json", "application/json")
PROFILE_CONTEXTS = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)
# What reads keys accepts this everywhere, and the more exact application/jwk+json not.
JWK_TYPE = "application/json"
# A set has no pages. Each key has an address of its own beside it.
JWKS_KEYS_MAX = 1000
# The key of a new workspace is wanted soon.
JWKS_SECONDS = 300
_KEPT_SECONDS = int(DOCUMENT_CACHE.total_seconds())
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def routes(platform: Platform) -> list[Route]:
    base_url = platform.settings.base_url

    async def read(work: Callable[[Transaction], Result]) -> Result:
        def run() -> Result:
            with platform.database.read() as tx:
                return work(tx)

        return await run_query(platform.database, run)

    async def did_json(request: Request) -> Response:
        host, slug = request.headers.get("host", ""), request.path_params["slug"]
        content, is_complete = await read(lambda tx: issuer_document(tx, slug, host=host, base_url=base_url))
        media_type = preferred(request.headers.get("accept", ""), DID_TYPES)
        # A first key signs as soon as it is made, so nobody may have a document without it.
        seconds = _KEPT_SECONDS if is_complete else 0
        return document(request, _json(content), media_type, seconds=seconds, is_negotiated=True)

    async def key(request: Request) -> Response:
        content = await read(lambda tx: issuer_key(tx, request.path_params["slug"], request.path_params["key_id"]))
        return document(request, _json(content), JWK_TYPE, seconds=_KEPT_SECONDS)

    async def jwks(request: Request) -> Response:
        content = await read(lambda tx: _jwks(tx, base_url))
        return document(request, _json(content), JWK_TYPE, seconds=JWKS_SECONDS)

    async def issuer(request: Request) -> Response:
        workspace, profile = await read(lambda tx: _profile(tx, request, base_url))
        media_type = preferred(request.headers.get("accept", ""), PROFILE_TYPES)
        if media_type != "text/html":
            content = _json({"@context": PROFILE_CONTEXTS, **profile})
            return document(request, content, media_type, is_negotiated=True)
        url = f"{base_url}/i/{workspace.slug}"
        context = {
            "issuer": workspace,
            "did": profile["id"],
            "url": url,
            "brand_url": brand_url(workspace),
        }
        response = page(request, "issuer.html", context)
        response.headers.update(
            {
                "Cache-Control": "no-cache",
                "X-Robots-Tag": "noindex",
                "Vary": f"Accept, Accept-Encoding, {VARY_LANGUAGE}",
            }
        )
        return response

    return [
        Route("/i/{slug}", issuer),
        Route("/i/{slug}/did.json", did_json),
        Route("/i/{slug}/keys/{key_id}", key),
        Route("/.well-known/jwks.json", jwks),
    ]


def issuer_document(tx: Transaction, slug: str, *, host: str, base_url: str) -> tuple[dict[str, Any], bool]:
    """The DID document at a slug and host, and whether the workspace has a key of each algorithm. Raises NotFound."""
    workspace = _workspace(tx, slug)
    did = served_did(tx, workspace, slug, host=host, base_url=base_url)
    keys = list_keys(tx, workspace.id)
    is_complete = {key.algorithm for key in keys if key.can_sign} == set(ALGORITHMS)
    return did_document(did, verification_methods(did, keys)), is_complete


def issuer_key(tx: Transaction, slug: str, key_id: str) -> dict[str, Any]:
    """One key by itself, as the kid of a JWT may lead to it. Raises NotFound."""
    workspace = _workspace(tx, slug)
    if not _KEY_ID.fullmatch(key_id):
        raise NotFound
    key = get_key(tx, workspace.id, key_id)
    if key.compromised_at is not None:
        raise NotFound
    return public_jwk(key)


def _jwks(tx: Transaction, base_url: str) -> dict[str, Any]:
    """The JWT keys of all issuers; `iss` says whose each is, as the Open Badges implementation guide asks."""
    found = list_jwt_keys(tx, limit=JWKS_KEYS_MAX)
    return {"keys": [{**jwt_jwk(key), "iss": key.did or current_did(key.slug, base_url)} for key in found]}


def _profile(tx: Transaction, request: Request, base_url: str) -> tuple[Workspace, dict[str, Any]]:
    host, slug = request.headers.get("host", ""), request.path_params["slug"]
    workspace = _workspace(tx, slug)
    return workspace, issuer_profile(workspace, served_did(tx, workspace, slug, host=host, base_url=base_url))


def _workspace(tx: Transaction, slug: str) -> Workspace:
    workspace = find_workspace_by_slug(tx, slug)
    if workspace is None:
        raise NotFound
    return workspace


def _json(content: dict[str, Any]) -> bytes:
    return msgspec.json.encode(content)
