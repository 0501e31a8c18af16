"""Proof bundles of our credentials, for download."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.errors import NotFound
from testamur.openbadges.bundles import write_bundle
from testamur.openbadges.dids import web_did_address
from testamur.openbadges.transparency import document_digest
from testamur.transparency.proving import inclusion_proof
from testamur.wallet.badges import Badges
from testamur.wallet.own_documents import OwnDocuments
from testamur.wallet.public_ids import to_public_id
from testamur.web.documents import document
from testamur.web.files import attachment
from testamur.web.platform import Platform
from testamur.web.threads import run_query


def routes(platform: Platform, badges: Badges, own: OwnDocuments) -> list[Route]:
    async def bundle(request: Request) -> Response:
        public_id = to_public_id(request.path_params["public_id"])
        if public_id is None:
            raise NotFound
        content = await run_query(platform.database, lambda: _bundle(platform, public_id, badges, own))
        response = document(request, content, "application/zip")
        response.headers["Content-Disposition"] = attachment("bundle.zip")
        return response

    return [Route("/credentials/{public_id}/bundle.zip", bundle)]


def _bundle(platform: Platform, public_id: str, badges: Badges, own: OwnDocuments) -> bytes:
    """Raises NotFound, Gone."""
    signed = badges.signed(public_id)
    stated = signed.parsed()
    status = stated["credentialStatus"]
    with platform.database.read() as tx:
        # There is none in the first seconds.
        log_proof = inclusion_proof(tx, digest=document_digest(stated))
    return write_bundle(
        credential=signed.document,
        jwt=badges.jwt(signed),
        did_document=own.fetch(web_did_address(signed.did)),
        status_list=own.fetch(status["statusListCredential"]),
        log_proof=log_proof,
    )
