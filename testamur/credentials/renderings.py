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

from testamur.credential_templates.queries import find_credential_templates
from testamur.credentials.links import files_key
from testamur.credentials.model import Credential
from testamur.credentials.tables import renderings
from testamur.credentials.values import attribute_values
from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.designs.model import Design
from testamur.designs.queries import find_designs, find_tags
from testamur.errors import NotFound
from testamur.rendering.renderer import Renderer
from testamur.storage.folder import Folder
from testamur.workspaces.model import Workspace

Format = Literal["png", "pdf"]
DIGEST_LENGTH = 10
PNG_WIDTH_PX = 1600

_INSERT = insert_if_new(renderings)
_BY_DIGEST = select(renderings).where(
    renderings.c.workspace_id == bindparam("workspace_id"),
    renderings.c.credential_id == bindparam("credential_id"),
    renderings.c.design_id == bindparam("design_id"),
    renderings.c.digest == bindparam("digest"),
)
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
    values: dict[str, str]
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
    values: dict[str, str]
    created_at: datetime


def current_renderings(tx: Transaction, workspace: Workspace, credential: Credential, base_url: str) -> list[Rendering]:
    """The credential's designs in the order of its template, as they look now; nothing is rendered or stored."""
    return renderings_of(tx, workspace, [credential], base_url)[0]


def renderings_of(
    tx: Transaction, workspace: Workspace, credentials: Sequence[Credential], base_url: str
) -> list[list[Rendering]]:
    """The current renderings of each credential of the workspace; there are as many queries for a thousand as for one."""
    templates = find_credential_templates(tx, workspace.id, {item.credential_template_id for item in credentials})
    design_ids = {design_id for template in templates.values() for design_id in template.design_ids}
    designs = find_designs(tx, workspace.id, design_ids)
    tags = find_tags(tx, workspace.id, {(design.id, design.version) for design in designs.values()})
    made = []
    for credential in credentials:
        template = templates[credential.credential_template_id]
        values = attribute_values(credential, template, workspace, base_url)
        title = f"{template.name} - {credential.recipient.name}"
        shown = [designs[design_id] for design_id in template.design_ids]
        made.append(
            [_rendering(credential, design, title, tags[design.id, design.version], values) for design in shown]
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
        tx.execute(_INSERT, [msgspec.structs.asdict(to_recorded(item)) for item in items])


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
    return RecordedRendering(**row._mapping)  # noqa: SLF001


def render(recorded: RecordedRendering, renderer: Renderer, format_: Format) -> bytes:
    """The file of a recorded rendering: the same bytes each time."""
    if format_ == "pdf":
        return renderer.pdf(recorded.values, title=recorded.title, at=recorded.created_at)
    return renderer.png(recorded.values, width_px=PNG_WIDTH_PX)


def delete_files(storage: Folder, workspace_id: str, credential_id: str) -> None:
    """Remove everything that was rendered from a credential; call it after the deletion is committed."""
    storage.delete_all(files_key(workspace_id, credential_id))


def digest_of(design: Design, values: Mapping[str, str]) -> str:
    """Ten base64url characters over the design's last change and the values it shows (wire contract, section 8)."""
    content = msgspec.json.encode([design.id, design.updated_at, dict(values)], order="sorted")
    return urlsafe_b64encode(sha256(content).digest()).decode()[:DIGEST_LENGTH]


def _rendering(
    credential: Credential, design: Design, title: str, tags: Sequence[str], values: Mapping[str, str]
) -> Rendering:
    shown = {tag: values.get(tag, "") for tag in tags}
    return Rendering(credential=credential, design=design, title=title, values=shown, digest=digest_of(design, shown))
