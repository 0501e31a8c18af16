"""The public page of a credential."""

from datetime import date, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.clock import now, today
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.badges import get_shown_credential
from testamur.credentials.links import page_url, rendering_url
from testamur.credentials.model import Status
from testamur.credentials.pins import find_pin
from testamur.credentials.queries import get_public_credential
from testamur.credentials.renderings import (
    PNG_WIDTH_PX,
    Format,
    Rendering,
    are_recorded,
    current_renderings,
    record_renderings,
)
from testamur.credentials.sending import set_delivery_states
from testamur.credentials.versions import began_at
from testamur.db import Transaction
from testamur.delivery.outbox import record_opened
from testamur.errors import NotFound
from testamur.rendering.document import DesignType
from testamur.rendering.values import as_text
from testamur.wallet.badges import CREDENTIAL_TYPES, JWT_TYPES, Badges
from testamur.wallet.public_ids import to_public_id
from testamur.web.documents import preferred
from testamur.web.errors import error_page
from testamur.web.html import page
from testamur.web.platform import Platform
from testamur.web.threads import run_query
from testamur.workspaces.queries import get_workspace


class ShownDate(msgspec.Struct, frozen=True):
    """A day, for machines and for people."""

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
                title="This credential can't be found",
                message="The link may be incomplete, or the credential was withdrawn by its issuer. "
                "Ask whoever gave you the link, or the organisation that issued the credential.",
            )
        response = page(request, "credential.html", {"credential": shown})
        # What the page says may change (a corrected name, an expiry), so a copy is always checked again.
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Accept"
        if not shown.is_indexed:
            response.headers["X-Robots-Tag"] = "noindex"
        return response

    return [Route("/credentials/{public_id}", credential_page)]


def show_credential(platform: Platform, public_id: str, at: datetime, *, is_recipient: bool = False) -> ShownCredential:
    """What the page says; a recipient who comes by the link in a mail has opened it.

    Raises NotFound if there is no issued credential of that id, Gone if it was deleted.
    """
    with platform.database.read() as tx:
        shown, renderings, is_recorded = _read(tx, platform, public_id, at)
    if is_recipient:
        with platform.database.write() as tx:
            credential = get_public_credential(tx, public_id)
            if record_opened(tx, credential.workspace_id, credential.id, at=at):
                set_delivery_states(tx, credential.workspace_id, {credential.id: "opened"})
    if not is_recorded:
        with platform.database.write() as tx:
            record_renderings(tx, renderings)
    return shown


def _read(
    tx: Transaction, platform: Platform, public_id: str, at: datetime
) -> tuple[ShownCredential, list[Rendering], bool]:
    base_url = platform.settings.base_url
    credential = get_shown_credential(tx, public_id)
    workspace = get_workspace(tx, credential.workspace_id)
    template = get_credential_template(tx, workspace.id, credential.credential_template_id)
    renderings = current_renderings(tx, workspace, credential, base_url)
    designs = [
        _shown_design(
            item,
            base_url,
            platform.renderers.height_px(tx, workspace.id, item.design.id, item.design.version, width_px=PNG_WIDTH_PX),
        )
        for item in renderings
    ]
    # The page says what the pictures on it say.
    pin = find_pin(tx, workspace.id, credential.id)
    issuer_name = workspace.name if pin is None else as_text(pin.values["issuer.name"])
    corrected_at = began_at(tx, credential) if credential.version > 1 else None
    shown = ShownCredential(
        name=template.name if pin is None else as_text(pin.values["group.name"]),
        recipient_name=credential.recipient.name,
        issuer_name=issuer_name,
        issuer_url=workspace.website_url,
        issuer_initials=_initials(issuer_name),
        status=credential.status_on(today(workspace.time_zone, at)),
        revoked_on=_shown_date(credential.revoked_at.date()) if credential.revoked_at else None,
        revocation_reason=credential.revocation_reason,
        issue_date=_shown_date(credential.issue_date),
        expiry_date=_shown_date(credential.expiry_date) if credential.expiry_date else None,
        version=credential.version,
        corrected_on=_shown_date(today(workspace.time_zone, corrected_at)) if corrected_at else None,
        public_id=credential.public_id,
        public_url=page_url(base_url, credential.public_id),
        learning_event_url=template.learning_event_url,
        designs=designs,
        image_url=designs[0].png_url,
        is_indexed=workspace.is_indexed,
    )
    return shown, renderings, are_recorded(tx, renderings)


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
    return ShownDate(day.isoformat(), as_text(day))


def _initials(name: str) -> str:
    """Two letters that stand for an organisation."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "·"
