"""The public page of a credential."""

from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.clock import now, today
from testamur.credentials.links import baked_url, bundle_url, document_url, page_url, rendering_url
from testamur.credentials.model import Status
from testamur.credentials.queries import get_public_credential
from testamur.credentials.renderings import (
    PNG_WIDTH_PX,
    Format,
    Rendering,
    record_renderings,
)
from testamur.credentials.sending import set_delivery_states
from testamur.credentials.showing import Shown, get_shown
from testamur.credentials.versions import began_at
from testamur.delivery.outbox import record_opened
from testamur.errors import Invalid, NotFound
from testamur.rendering.document import DesignType
from testamur.rendering.values import as_text
from testamur.wallet.badges import CREDENTIAL_TYPES, JWT_TYPES, Badges
from testamur.wallet.brands import brand_url, logo_path
from testamur.wallet.files import WIDTHS_PX
from testamur.wallet.public_ids import to_public_id
from testamur.wallet.sharing import Shared, linkedin_url, oembed, quoted, share_links, structured_data
from testamur.web.documents import document, preferred
from testamur.web.errors import error_page
from testamur.web.html import VARY_LANGUAGE, page
from testamur.web.platform import Platform
from testamur.web.threads import run_query
from testamur.web.translating import gettext as _
from testamur.web.translating import locale_in_use

# A page that embeds it sees a revocation after this time.
EMBED_SECONDS = 3600


class ShownDate(msgspec.Struct, frozen=True):
    """A day, for machines and for people in the language of the page."""

    iso: str
    text: str


class ShownDesign(msgspec.Struct, frozen=True, kw_only=True):
    """A design of the credential as the page shows it."""

    name: str
    type: DesignType
    png_url: str
    pdf_url: str
    width_px: int
    height_px: int
    alt: str


class ShownCredential(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page says."""

    name: str
    recipient_name: str
    issuer_name: str
    issuer_url: str | None
    issuer_initials: str
    # Of this server, since pages load nothing from elsewhere; None where there is none.
    logo_path: str | None
    brand_url: str | None
    status: Status
    revoked_on: ShownDate | None
    revocation_reason: str | None
    issue_date: ShownDate
    expiry_date: ShownDate | None
    version: int
    corrected_on: ShownDate | None
    public_id: str
    public_url: str
    learning_event_url: str | None
    designs: list[ShownDesign]
    image_url: str
    is_indexed: bool
    description: str
    linkedin_url: str
    share_links: Mapping[str, str]
    structured_data: str
    oembed_url: str
    verify_url: str
    json_url: str
    jwt_url: str
    baked_png_url: str
    baked_svg_url: str | None
    archival_pdf_url: str
    bundle_url: str


def routes(platform: Platform, badges: Badges) -> list[Route]:
    async def credential_page(request: Request) -> Response:
        media_type = preferred(request.headers.get("accept", ""), ("text/html", *CREDENTIAL_TYPES, *JWT_TYPES[:2]))
        if media_type in CREDENTIAL_TYPES:
            return await badges.credential_json(request)
        if media_type in JWT_TYPES:
            return await badges.credential_jwt(request)
        public_id = to_public_id(request.path_params["public_id"])
        try:
            if public_id is None:
                raise NotFound
            is_recipient = request.query_params.get("recipient") == "true"
            shown = await run_query(
                platform.database, lambda: show_credential(platform, public_id, now(), is_recipient=is_recipient)
            )
        except NotFound:
            return error_page(
                request,
                404,
                title=_("This credential can't be found"),
                message=_(
                    "The link may be incomplete, or the credential was withdrawn by its issuer. "
                    "Ask whoever gave you the link, or the organisation that issued the credential."
                ),
            )
        response = page(request, "credential.html", {"credential": shown})
        # What the page says may change (a corrected name, an expiry), so a copy is always checked again.
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = f"Accept, Accept-Encoding, {VARY_LANGUAGE}"
        if not shown.is_indexed:
            response.headers["X-Robots-Tag"] = "noindex"
        return response

    async def embed(request: Request) -> Response:
        query = request.query_params
        public_id = _public_id_of(query.get("url", ""), platform.settings.base_url)
        if public_id is None:
            raise NotFound
        if query.get("format", "json") != "json":
            raise Invalid("Must be json, or be left out", ("format",))
        width = _embedded_width(query.get("maxwidth"))
        shown = await run_query(platform.database, lambda: show_credential(platform, public_id, now()))
        content = msgspec.json.encode(_oembed(shown, width, platform.settings.base_url))
        return document(request, content, "application/json", seconds=EMBED_SECONDS)

    return [Route("/credentials/{public_id}", credential_page), Route("/oembed", embed)]


def show_credential(platform: Platform, public_id: str, at: datetime, *, is_recipient: bool = False) -> ShownCredential:
    """What the page says; a recipient who comes by the link in a mail has opened it.

    Raises NotFound if there is no issued credential of that id, Gone if it was deleted.
    """
    base_url = platform.settings.base_url
    with platform.database.read() as tx:
        found = get_shown(tx, public_id, base_url, platform.renderers)
        corrected_at = began_at(tx, found.credential) if found.credential.version > 1 else None
    if is_recipient:
        with platform.database.write() as tx:
            credential = get_public_credential(tx, public_id)
            if record_opened(tx, credential.workspace_id, credential.id, at=at):
                set_delivery_states(tx, credential.workspace_id, {credential.id: "opened"})
    if not found.is_recorded:
        with platform.database.write() as tx:
            record_renderings(tx, [rendering for rendering, _ in found.renderings])
    return _shown(found, corrected_at, base_url, at)


def _shown(found: Shown, corrected_at: datetime | None, base_url: str, at: datetime) -> ShownCredential:
    credential, workspace, name, issuer_name = found.credential, found.workspace, found.name, found.issuer_name
    designs = [
        _shown_design(rendering, base_url, version.height_px(PNG_WIDTH_PX)) for rendering, version in found.renderings
    ]
    public_url = page_url(base_url, credential.public_id)
    # A badge is what is put on web sites; where there is none, the certificate stands for it.
    types = {design.type for design in designs}
    shared = Shared(
        name=name,
        description=found.description or f"{issuer_name} awarded {name} to {credential.recipient.name}.",
        recipient_name=credential.recipient.name,
        issuer_name=issuer_name,
        issuer_url=workspace.website_url,
        issue_date=credential.issue_date,
        expiry_date=credential.expiry_date,
        public_id=credential.public_id,
        public_url=public_url,
        image_url=designs[0].png_url,
        category="certificate" if "certificate" in types else "badge",
    )
    return ShownCredential(
        name=name,
        recipient_name=credential.recipient.name,
        issuer_name=issuer_name,
        issuer_url=workspace.website_url,
        issuer_initials=_initials(issuer_name),
        logo_path=logo_path(workspace, base_url),
        brand_url=brand_url(workspace),
        status=credential.status_on(today(workspace.time_zone, at)),
        revoked_on=_shown_date(credential.revoked_at.date()) if credential.revoked_at else None,
        revocation_reason=credential.revocation_reason,
        issue_date=_shown_date(credential.issue_date),
        expiry_date=_shown_date(credential.expiry_date) if credential.expiry_date else None,
        version=credential.version,
        corrected_on=_shown_date(today(workspace.time_zone, corrected_at)) if corrected_at else None,
        public_id=credential.public_id,
        public_url=public_url,
        learning_event_url=found.learning_event_url,
        designs=designs,
        image_url=designs[0].png_url,
        is_indexed=workspace.is_indexed,
        description=shared.description,
        linkedin_url=linkedin_url(shared),
        share_links=share_links(shared),
        structured_data=structured_data(shared),
        oembed_url=f"{base_url}/oembed?url={quoted(public_url)}",
        verify_url=f"{base_url}/verify?url={quoted(public_url)}",
        json_url=document_url(base_url, credential.public_id),
        jwt_url=f"{public_url}.jwt",
        baked_png_url=baked_url(base_url, credential.public_id),
        archival_pdf_url=f"{public_url}.pdf",
        bundle_url=bundle_url(base_url, credential.public_id),
        baked_svg_url=f"{public_url}.svg" if "badge" in types else None,
    )


def _oembed(shown: ShownCredential, width_px: int, base_url: str) -> dict[str, object]:
    design = shown.designs[0]
    return oembed(
        title=f"{shown.name} - {shown.recipient_name}",
        author_name=shown.issuer_name,
        author_url=shown.issuer_url,
        image_url=design.png_url if width_px == PNG_WIDTH_PX else f"{design.png_url}?width={width_px}",
        width_px=width_px,
        height_px=round(design.height_px * width_px / design.width_px),
        provider_url=base_url,
    )


def _embedded_width(most: str | None) -> int:
    """The largest width there is that is no larger than asked for; the smallest if all are. Raises Invalid."""
    if most is None:
        return PNG_WIDTH_PX
    if not most.isascii() or not most.isdigit() or len(most) > 6:
        raise Invalid("Must be a number of pixels", ("maxwidth",))
    return max((width for width in WIDTHS_PX if width <= min(int(most), PNG_WIDTH_PX)), default=WIDTHS_PX[0])


def _public_id_of(url: str, base_url: str) -> str | None:
    """The id in the address of one of our pages."""
    path = urlsplit(url)._replace(query="", fragment="").geturl().rstrip("/")
    prefix = f"{base_url}/credentials/"
    return to_public_id(path.removeprefix(prefix)) if path.startswith(prefix) else None


def _shown_design(rendering: Rendering, base_url: str, height_px: int) -> ShownDesign:
    credential, design = rendering.credential, rendering.design

    def url(format_: Format) -> str:
        return rendering_url(
            base_url,
            workspace_id=credential.workspace_id,
            credential_id=credential.id,
            design_id=design.id,
            digest=rendering.digest,
            format_=format_,
        )

    return ShownDesign(
        name=design.name,
        type=design.type,
        png_url=url("png"),
        pdf_url=url("pdf"),
        width_px=PNG_WIDTH_PX,
        height_px=height_px,
        alt=f"{design.type.capitalize()} of {credential.recipient.name}",
    )


def _shown_date(day: date) -> ShownDate:
    return ShownDate(day.isoformat(), as_text(day, locale_in_use().language))


def _initials(name: str) -> str:
    """Two letters that stand for an organisation."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "·"
