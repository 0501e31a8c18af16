from datetime import datetime, timedelta

import msgspec
from sqlalchemy import bindparam, delete, insert, update

from testamur.db import Transaction
from testamur.designs.assets import WorkspaceAssets
from testamur.designs.creating import NAME_LENGTH_MAX
from testamur.designs.model import Design
from testamur.designs.queries import get_version, lock_design
from testamur.designs.tables import design_versions, designs
from testamur.errors import Conflict
from testamur.rendering.document import Document, parse_document, to_json
from testamur.rendering.renderer import Renderer
from testamur.storage import Storage
from testamur.text import checked, clean_line

_PLACE = (designs.c.workspace_id == bindparam("of_workspace"), designs.c.id == bindparam("of_id"))
_UPDATE = (
    update(designs)
    .where(*_PLACE)
    .values(name=bindparam("new_name"), version=bindparam("new_version"), updated_at=bindparam("new_updated_at"))
)
_DELETE = delete(designs).where(*_PLACE)
_INSERT_VERSION = insert(design_versions)


def update_design(
    tx: Transaction,
    storage: Storage,
    workspace_id: str,
    design_id: str,
    *,
    name: str | None = None,
    document: Document | None = None,
    if_version: int | None = None,
    at: datetime,
) -> Design:
    """Rename a design, or draw it anew: that adds a version, and what was rendered from older ones stays as it is.

    Raises NotFound, Invalid, or Conflict if the newest version is another than `if_version`: somebody has drawn
    meanwhile, and what was drawn from an older version would undo it.
    """
    before = lock_design(tx, workspace_id, design_id)
    if if_version is not None and if_version != before.version:
        raise Conflict(
            f"The design is at version {before.version}, not {if_version}: it was changed meanwhile. Read it again, "
            "and make the change there"
        )
    after = msgspec.structs.replace(
        before, name=before.name if name is None else checked("name", clean_line, name, length_max=NAME_LENGTH_MAX)
    )
    # Addresses of pictures tell designs apart by their last change, so no two changes may have the same time.
    at = max(at, before.updated_at + timedelta(milliseconds=1))
    encoded = None if document is None else to_json(document).decode()
    if encoded == get_version(tx, workspace_id, design_id, before.version).document:
        encoded = None
    if document is not None and encoded is not None:
        tags = sorted(Renderer(document, WorkspaceAssets(storage, workspace_id)).tags)
        after = msgspec.structs.replace(after, version=before.version + 1)
        version = {
            "workspace_id": workspace_id,
            "design_id": design_id,
            "number": after.version,
            "document": encoded,
            "tags": tags,
            "created_at": at,
        }
        tx.execute(_INSERT_VERSION, version)
    if after == before:
        return before
    after = msgspec.structs.replace(after, updated_at=at)
    values = {"new_name": after.name, "new_version": after.version, "new_updated_at": at}
    tx.execute(_UPDATE, {"of_workspace": workspace_id, "of_id": design_id, **values})
    return after


def restore_version(
    tx: Transaction, storage: Storage, workspace_id: str, design_id: str, number: int, *, at: datetime
) -> Design:
    """What was drawn in an older version becomes the next one. Raises NotFound."""
    stored = get_version(tx, workspace_id, design_id, number)
    return update_design(
        tx, storage, workspace_id, design_id, document=parse_document(stored.document, fonts=None), at=at
    )


def remove_design(tx: Transaction, workspace_id: str, design_id: str) -> None:
    """Of a design that nothing uses any more; who calls knows that."""
    tx.execute(_DELETE, {"of_workspace": workspace_id, "of_id": design_id})
