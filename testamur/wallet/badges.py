"""Credentials and achievements for programs: Open Badges 3.0 as JSON, JWT and baked pictures, and Open Badges 2.0.

Whoever can see a credential's page gets these too, and nobody else: there is none of a draft. One that is deleted is
gone for good, which verifiers of 2.0 learn from the answer 410.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.clock import now
from testamur.credential_templates.queries import find_template_of_any_workspace
from testamur.credentials.achievements import achievement_of
from testamur.credentials.badges import SignedCredential, find_signed, get_shown_credential, jwt_of, sign_anew
from testamur.credentials.hosted import assertion_of, badge_class_of, hosted_issuer_of
from testamur.credentials.links import hosted_url
from testamur.credentials.model import Credential
from testamur.credentials.queries import get_public_credential
from testamur.credentials.renderings import Rendering, current_renderings
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.openbadges.baking import Baked, bake
from testamur.openbadges.documents import achievement_document
from testamur.openbadges.open_badges_2 import revoked_assertion_document
from testamur.rendering.renderer import Attachment
from testamur.status_lists.queries import find_revoked_place
from testamur.wallet.files import Files
from testamur.wallet.public_ids import to_public_id
from testamur.web.documents import document, preferred
from testamur.web.files import attachment
from testamur.web.platform import Platform
from testamur.web.threads import run_query
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import find_workspace_by_slug, get_workspace

Result = TypeVar("Result")

CREDENTIAL_TYPES = ("application/vc+ld+json", "application/vc", "application/ld+json", "application/json")
JWT_TYPES = ("application/vc+jwt", "application/jwt", "text/plain")
DOCUMENT_TYPES = ("application/ld+json", "application/json")


class Badges:
    """Serves what programs read."""

    def __init__(self, platform: Platform, files: Files) -> None:
        self._platform = platform
        self._files = files

    def routes(self) -> list[Route]:
        return [
            Route("/credentials/{public_id}.json", self.credential_json),
            Route("/credentials/{public_id}.jwt", self.credential_jwt),
            Route("/credentials/{public_id}.png", self.baked_png),
            Route("/credentials/{public_id}.svg", self.baked_svg),
            Route("/credentials/{public_id}.pdf", self.archival_pdf),
            Route("/achievements/{template_id}", self.achievement),
            Route("/ob2/{slug}", self.hosted_issuer),
            Route("/ob2/{slug}/badges/{template_id}", self.hosted_badge),
            Route("/ob2/{slug}/assertions/{public_id}", self.hosted_assertion),
        ]

    async def credential_json(self, request: Request) -> Response:
        signed = await self._run(lambda: self.signed(_public_id(request)))
        media_type = preferred(request.headers.get("accept", ""), CREDENTIAL_TYPES)
        return document(request, signed.document, media_type, is_negotiated=True)

    async def credential_jwt(self, request: Request) -> Response:
        content = await self._run(lambda: self.jwt(self.signed(_public_id(request))))
        media_type = preferred(request.headers.get("accept", ""), JWT_TYPES[::-1])
        return document(request, content.encode(), media_type, is_negotiated=True)

    async def baked_png(self, request: Request) -> Response:
        return await self._baked(request, "png")

    async def baked_svg(self, request: Request) -> Response:
        return await self._baked(request, "svg")

    async def archival_pdf(self, request: Request) -> Response:
        """The certificate for archives, with its proof in it: PDF/A-3 with the signed credential attached."""

        def read() -> tuple[SignedCredential, Rendering]:
            signed, _, items = self._shown(request)
            return signed, next((item for item in items if item.design.type == "certificate"), items[0])

        signed, shown = await self._run(read)
        attached = Attachment(
            name="credential.json",
            content=signed.document.decode(),
            media_type=CREDENTIAL_TYPES[0],
            description="Signed credential (Open Badges 3.0)",
            relationship="alternative",
        )
        response = document(request, await self._files.archival_pdf(shown, [attached]), "application/pdf")
        if "download" in request.query_params:
            response.headers["Content-Disposition"] = attachment(f"{shown.title}.pdf")
        return response

    async def achievement(self, request: Request) -> Response:
        def read(tx: Transaction) -> dict[str, Any]:
            template_id = normalize_id(request.path_params["template_id"])
            template = template_id and find_template_of_any_workspace(tx, template_id)
            if not template:
                raise NotFound
            workspace = get_workspace(tx, template.workspace_id)
            return achievement_document(achievement_of(tx, template, workspace, self._base_url))

        content = await self._run(lambda: self._read(read))
        return self._document(request, content)

    async def hosted_issuer(self, request: Request) -> Response:
        slug = request.path_params["slug"]
        content = await self._run(lambda: self._read(lambda tx: self.hosted_issuer_content(tx, slug)))
        return self._document(request, content)

    async def hosted_badge(self, request: Request) -> Response:
        slug, template_id = request.path_params["slug"], request.path_params["template_id"]
        content = await self._run(lambda: self._read(lambda tx: self.hosted_badge_content(tx, slug, template_id)))
        return self._document(request, content)

    async def hosted_assertion(self, request: Request) -> Response:
        slug, public_id = request.path_params["slug"], request.path_params["public_id"]
        content, is_revoked = await self._run(
            lambda: self._read(lambda tx: self.hosted_assertion_content(tx, slug, public_id))
        )
        response = self._document(request, content)
        if is_revoked and response.status_code == 200:
            response.status_code = 410
        return response

    def signed(self, public_id: str) -> SignedCredential:
        """The signed form of a credential; it is signed now if it was issued before there were signatures.

        Raises NotFound if there is none or it was not issued yet, Gone if it was deleted.
        """
        with self._platform.database.read() as tx:
            credential = get_shown_credential(tx, public_id)
            found = find_signed(tx, credential.workspace_id, credential.id)
        if found is None:
            with self._platform.database.write() as tx:
                workspace = get_workspace(tx, credential.workspace_id)
                sign_anew(tx, workspace, credential, signers=self._platform.signers, at=now())
                found = find_signed(tx, workspace.id, credential.id)
        assert found is not None
        return found

    def jwt(self, signed: SignedCredential) -> str:
        """The same credential as a JWT."""
        if signed.jwt is not None:
            return signed.jwt
        with self._platform.database.write() as tx:
            workspace = get_workspace(tx, signed.workspace_id)
            return jwt_of(tx, workspace, signed, signers=self._platform.signers, at=now())

    def hosted_issuer_content(self, tx: Transaction, slug: str) -> dict[str, Any]:
        """The issuer of Open Badges 2.0. Raises NotFound."""
        return hosted_issuer_of(_workspace(tx, slug), slug, self._platform.settings)

    def hosted_badge_content(self, tx: Transaction, slug: str, template_id: str) -> dict[str, Any]:
        """The badge class of Open Badges 2.0. Raises NotFound."""
        workspace, found = _workspace(tx, slug), normalize_id(template_id)
        template = found and find_template_of_any_workspace(tx, found)
        if not template or template.workspace_id != workspace.id:
            raise NotFound
        return badge_class_of(tx, template, workspace, slug, self._base_url)

    def hosted_assertion_content(self, tx: Transaction, slug: str, public_id: str) -> tuple[dict[str, Any], bool]:
        """The assertion of Open Badges 2.0, or the stub and True if it is revoked. Raises NotFound."""
        workspace, found = _workspace(tx, slug), to_public_id(public_id)
        if found is None:
            raise NotFound
        address = hosted_url(self._base_url, slug, "assertions", found)
        try:
            credential = get_public_credential(tx, found)
        except NotFound:
            left = find_revoked_place(tx, found)
            if left is None or left.workspace_id != workspace.id:
                raise
            return revoked_assertion_document(address), True
        signed = find_signed(tx, workspace.id, credential.id)
        if signed is None:
            raise NotFound
        if credential.revoked_at is not None:
            return revoked_assertion_document(address, credential.revocation_reason), True
        return assertion_of(credential, signed, slug, self._base_url), False

    async def _baked(self, request: Request, format_: Any) -> Response:
        def read() -> tuple[Baked, Rendering]:
            signed, assertion, items = self._shown(request)
            # A badge is what is put on web sites; where there is none, the certificate stands for it.
            shown = next((item for item in items if item.design.type == "badge"), items[0])
            return Baked(credential=signed.document.decode(), assertion=assertion), shown

        badge, shown = await self._run(read)
        picture = await self._files.picture(shown, format_)
        media_type = "image/png" if format_ == "png" else "image/svg+xml"
        response = document(request, bake(picture, badge), media_type)
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response

    def _shown(self, request: Request) -> tuple[SignedCredential, str | None, list[Rendering]]:
        """The signed form, where it is as an Open Badge 2.0, and how it looks now."""
        signed = self.signed(_public_id(request))
        with self._platform.database.read() as tx:
            credential = get_public_credential(tx, _public_id(request))
            workspace = get_workspace(tx, credential.workspace_id)
            items = current_renderings(tx, workspace, credential, self._base_url)
        return signed, self._assertion(credential, workspace), items

    def _assertion(self, credential: Credential, workspace: Workspace) -> str | None:
        """Where the credential is as an Open Badge 2.0, which needs an address that it was awarded to."""
        if credential.recipient.email is None or workspace.emails_in_credentials == "hidden":
            return None
        return hosted_url(self._base_url, workspace.slug, "assertions", credential.public_id)

    @property
    def _base_url(self) -> str:
        return self._platform.settings.base_url

    def _document(self, request: Request, content: dict[str, Any]) -> Response:
        media_type = preferred(request.headers.get("accept", ""), DOCUMENT_TYPES)
        return document(request, msgspec.json.encode(content), media_type, is_negotiated=True)

    def _read(self, work: Callable[[Transaction], Result]) -> Result:
        with self._platform.database.read() as tx:
            return work(tx)

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await run_query(self._platform.database, work)


def _public_id(request: Request) -> str:
    public_id = to_public_id(request.path_params["public_id"])
    if public_id is None:
        raise NotFound
    return public_id


def _workspace(tx: Transaction, slug: str) -> Workspace:
    workspace = find_workspace_by_slug(tx, slug)
    if workspace is None:
        raise NotFound
    return workspace
