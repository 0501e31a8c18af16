"""Pictures and PDFs of a credential: which there are, and how each is made when it is first asked for.

A rendering is named by a digest over the design's last change and the values that the design shows. Its row keeps those
values, so its address goes on serving the same picture after the credential or the design has changed.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec
from sqlalchemy import bindparam, select

from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import find_credential_templates
from testamur.credentials.links import files_key
from testamur.credentials.model import Credential
from testamur.credentials.pins import Pin, find_pins
from testamur.credentials.tables import renderings
from testamur.credentials.values import attribute_values, types_for
from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.designs.model import Design
from testamur.designs.queries import ShownVersion, find_designs, find_shown
from testamur.designs.renderers import DesignRenderer
from testamur.errors import NotFound
from testamur.rendering.languages import DEFAULT_LANGUAGE
from testamur.rendering.renderer import Standard
from testamur.rendering.values import Value, as_text, decode_values, encode_values
from testamur.storage import Storage
from testamur.workspaces.model import Workspace

Format = Literal["png", "pdf", "jpg", "webp", "svg"]
# Those that are made of pixels, as the renderer calls them.
PIXEL_FORMATS: Mapping[str, Literal["png", "jpeg", "webp"]] = {"png": "png", "jpg": "jpeg", "webp": "webp"}
DIGEST_LENGTH = 10
PNG_WIDTH_PX = 1600

_INSERT = insert_if_new(renderings)
_PLACE = (
    renderings.c.workspace_id == bindparam("workspace_id"),
    renderings.c.credential_id == bindparam("credential_id"),
    renderings.c.design_id == bindparam("design_id"),
    renderings.c.digest == bindparam("digest"),
)
_BY_DIGEST = select(renderings).where(*_PLACE)
_TITLE = select(renderings.c.title).where(*_PLACE)
_DIGESTS = select(renderings.c.design_id, renderings.c.digest).where(
    renderings.c.workspace_id == bindparam("workspace_id"), renderings.c.credential_id == bindparam("credential_id")
)
_TIMES = select(renderings.c.credential_id, renderings.c.design_id, renderings.c.digest, renderings.c.created_at).where(
    renderings.c.workspace_id == bindparam("workspace_id"),
    renderings.c.credential_id.in_(bindparam("credential_ids", expanding=True)),
)


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """One design of a credential as it looks now."""

    credential: Credential
    design: Design
    title: str
    values: dict[str, Value]
    language: str
    digest: str

    @property
    def created_at(self) -> datetime:
        """What its PDF is dated: the day of the award and not that of the drawing, so that its bytes never differ."""
        return self.credential.issued_at or self.credential.created_at


class RecordedRendering(msgspec.Struct, frozen=True, kw_only=True):
    """A rendering as it was when its address was given out."""

    workspace_id: str
    credential_id: str
    design_id: str
    digest: str
    design_version: int
    title: str
    values: dict[str, Value]
    language: str
    created_at: datetime


class Variant(msgspec.Struct, frozen=True):
    """One of the files that a rendering can be had as.

    Whatever makes another file of the same values has its place here and in `ending`, under which the file is stored.
    """

    format: Format
    # Of a picture made of pixels; None is its usual width.
    width_px: int | None = None
    # Of a PDF: the archival standard it keeps to, whether the sheet has a bleed, whether the workspace signs it.
    standard: Standard = ""
    has_bleed: bool = False
    is_signed: bool = False

    @property
    def ending(self) -> str:
        options = {
            str(self.width_px): self.width_px is not None,
            self.standard: self.standard,
            "bleed": self.has_bleed,
            "signed": self.is_signed,
        }
        return ".".join([*(name for name, is_on in options.items() if is_on), self.format])


def current_renderings(tx: Transaction, workspace: Workspace, credential: Credential, base_url: str) -> list[Rendering]:
    """The credential's designs in the order of its template, as they look now; nothing is rendered or stored.

    One that was pinned when it was issued looks as it did then.
    """
    return renderings_of(tx, workspace, [credential], base_url)[0]


def renderings_of(
    tx: Transaction, workspace: Workspace, credentials: Sequence[Credential], base_url: str
) -> list[list[Rendering]]:
    """The current renderings of each credential of the workspace; there are as many queries for a thousand as for one."""
    pins = find_pins(tx, workspace.id, [credential.id for credential in credentials])
    following = [credential for credential in credentials if credential.id not in pins]
    types = types_for(tx, workspace.id, following)
    templates = find_credential_templates(tx, workspace.id, {item.credential_template_id for item in following})
    design_ids = {design_id for template in templates.values() for design_id in template.design_ids}
    pinned = {(design.id, design.version) for pin in pins.values() for design in pin.designs}
    designs = find_designs(tx, workspace.id, design_ids | {design_id for design_id, _ in pinned})
    current = {(design_id, designs[design_id].version) for design_id in design_ids}
    shown = find_shown(tx, workspace.id, current | pinned)
    made = []
    for credential in credentials:
        pin = pins.get(credential.id)
        if pin is not None:
            made.append(
                [
                    pinned_rendering(credential, pin, designs[item.id], shown[item.id, item.version])
                    for item in pin.designs
                ]
            )
            continue
        template = templates[credential.credential_template_id]
        values = attribute_values(credential, template, workspace, base_url, types)
        of_template = [designs[design_id] for design_id in template.design_ids]
        made.append(
            [
                following_rendering(credential, template, design, shown[design.id, design.version], values)
                for design in of_template
            ]
        )
    return made


def are_recorded(tx: Transaction, items: list[Rendering]) -> bool:
    """Whether the addresses of these renderings will be answered already."""
    if not items:
        return True
    credential = items[0].credential
    place = {"workspace_id": credential.workspace_id, "credential_id": credential.id}
    known = {(row.design_id, row.digest) for row in tx.execute(_DIGESTS, place)}
    return all((item.design.id, item.digest) in known for item in items)


def record_renderings(tx: Transaction, items: list[Rendering]) -> None:
    """Keep what is needed to make these renderings when they are asked for."""
    if items:
        rows = [msgspec.structs.asdict(to_recorded(item)) for item in items]
        tx.execute(_INSERT, [{**row, "values": encode_values(row["values"])} for row in rows])


def to_recorded(item: Rendering) -> RecordedRendering:
    """What is kept of a rendering."""
    return RecordedRendering(
        workspace_id=item.credential.workspace_id,
        credential_id=item.credential.id,
        design_id=item.design.id,
        digest=item.digest,
        design_version=item.design.version,
        title=item.title,
        values=item.values,
        language=item.language,
        created_at=item.created_at,
    )


def find_recorded(
    tx: Transaction, workspace_id: str, credential_ids: Sequence[str]
) -> dict[tuple[str, str, str], datetime]:
    """What was recorded of these credentials, by credential, design and digest, with what each is dated."""
    rows = tx.execute(_TIMES, {"workspace_id": workspace_id, "credential_ids": credential_ids})
    return {(row.credential_id, row.design_id, row.digest): row.created_at for row in rows}


def get_recorded(
    tx: Transaction, *, workspace_id: str, credential_id: str, design_id: str, digest: str
) -> RecordedRendering:
    """Raises NotFound if there is no such rendering, or no such credential any more."""
    place = {"workspace_id": workspace_id, "credential_id": credential_id, "design_id": design_id, "digest": digest}
    row = tx.execute(_BY_DIGEST, place).one_or_none()
    if row is None:
        raise NotFound
    columns = dict(row._mapping)  # noqa: SLF001
    return RecordedRendering(**{**columns, "values": decode_values(columns["values"])})


def get_recorded_title(tx: Transaction, *, workspace_id: str, credential_id: str, design_id: str, digest: str) -> str:
    """Raises NotFound as `get_recorded` does; it is asked for each time a file is served, so it reads no more."""
    place = {"workspace_id": workspace_id, "credential_id": credential_id, "design_id": design_id, "digest": digest}
    row = tx.execute(_TITLE, place).one_or_none()
    if row is None:
        raise NotFound
    return str(row.title)


def render(recorded: RecordedRendering, renderer: DesignRenderer, variant: Variant) -> bytes:
    """A file of a recorded rendering: the same bytes each time."""
    if variant.format == "pdf":
        return renderer.pdf(
            recorded.values,
            title=recorded.title,
            language=recorded.language,
            at=recorded.created_at,
            standard=variant.standard,
            has_bleed=variant.has_bleed,
        )
    return render_picture(recorded.values, renderer, variant, usual_width_px=PNG_WIDTH_PX, language=recorded.language)


def render_picture(
    values: Mapping[str, Value],
    renderer: DesignRenderer,
    variant: Variant,
    *,
    usual_width_px: int,
    language: str = DEFAULT_LANGUAGE,
) -> bytes:
    if variant.format == "svg":
        return renderer.svg(values, language=language)
    return renderer.raster(
        values,
        width_px=variant.width_px or usual_width_px,
        format_=PIXEL_FORMATS[variant.format],
        language=language,
    )


def delete_files(storage: Storage, workspace_id: str, credential_id: str) -> None:
    """Remove everything that was rendered from a credential; call it before the credential is deleted."""
    storage.delete_all(files_key(workspace_id, credential_id))


def digest_of(design: Design, values: Mapping[str, Value], language: str) -> str:
    """Ten base64url characters over the design's last change and the values it shows (wire contract, section 8).

    Values count as they are written in English, and English itself does not count: so it was when all values were
    texts, and addresses that were given out then are those of today.
    """
    shown = {tag: as_text(value) for tag, value in values.items()}
    parts = [design.id, design.updated_at, shown, *([] if language == DEFAULT_LANGUAGE else [language])]
    content = msgspec.json.encode(parts, order="sorted")
    return urlsafe_b64encode(sha256(content).digest()).decode()[:DIGEST_LENGTH]


def _rendering(  # noqa: PLR0917 - all of it is what a rendering is made of.
    credential: Credential,
    design: Design,
    title: str,
    tags: Sequence[str],
    values: Mapping[str, Value],
    language: str,
) -> Rendering:
    shown = {tag: values.get(tag, "") for tag in tags}
    digest = digest_of(design, shown, language)
    return Rendering(credential=credential, design=design, title=title, values=shown, language=language, digest=digest)


def following_rendering(
    credential: Credential,
    template: CredentialTemplate,
    design: Design,
    version: ShownVersion,
    values: Mapping[str, Value],
) -> Rendering:
    """A design as it is now, of a credential that is not pinned; `values` are those of all attributes."""
    title = f"{template.name} - {credential.recipient.name}"
    return _rendering(credential, design, title, version.tags, values, template.language)


def pinned_rendering(credential: Credential, pin: Pin, design: Design, version: ShownVersion) -> Rendering:
    """A design as it was when the credential was issued; `version` is the one that the pin names."""
    # The last change of what is shown is when that version was drawn, whatever was done to the design since.
    drawn = msgspec.structs.replace(design, version=version.number, updated_at=version.created_at)
    return _rendering(credential, drawn, pin.title, version.tags, pin.values, pin.language)
