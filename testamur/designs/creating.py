from datetime import datetime

from sqlalchemy import insert

from testamur.db import Transaction
from testamur.designs.assets import WorkspaceAssets
from testamur.designs.model import Design
from testamur.designs.queries import get_design, get_version
from testamur.designs.tables import design_versions, designs
from testamur.ids import new_id
from testamur.rendering.document import DesignFile, parse_document, to_json
from testamur.rendering.renderer import Renderer
from testamur.storage import Storage
from testamur.text import checked, clean_line

NAME_LENGTH_MAX = 255
_INSERT = insert(designs)
_INSERT_VERSION = insert(design_versions)


def create_design(
    tx: Transaction, storage: Storage, workspace_id: str, drawn: DesignFile, *, starter: str | None = None, at: datetime
) -> Design:
    """A new design, as its first version. Every picture in the document must be one of the workspace's assets.

    Raises Invalid if the name or the document cannot be used.
    """
    design = Design(
        id=new_id(),
        workspace_id=workspace_id,
        name=checked("name", clean_line, drawn.name, length_max=NAME_LENGTH_MAX),
        type=drawn.type,
        version=1,
        starter=starter,
        created_at=at,
        updated_at=at,
    )
    renderer = Renderer(drawn.document, WorkspaceAssets(storage, workspace_id))
    tx.execute(_INSERT, {field: getattr(design, field) for field in design.__struct_fields__})
    version = {
        "workspace_id": workspace_id,
        "design_id": design.id,
        "number": design.version,
        "document": to_json(drawn.document).decode(),
        "tags": sorted(renderer.tags),
        "created_at": at,
    }
    tx.execute(_INSERT_VERSION, version)
    return design


def duplicate_design(
    tx: Transaction, storage: Storage, workspace_id: str, design_id: str, *, name: str, at: datetime
) -> Design:
    """A new design that is drawn as that one is now. Raises NotFound, or Invalid for a name that cannot be used."""
    source = get_design(tx, workspace_id, design_id)
    stored = get_version(tx, workspace_id, source.id, source.version)
    document = parse_document(stored.document, fonts=None)
    drawn = DesignFile(name=name, type=source.type, document=document)
    return create_design(tx, storage, workspace_id, drawn, at=at)
