"""Fonts of a workspace: files that it uploaded, stored under the digest of what is kept of them."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select

from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.db.schema import insert_if_new
from testamur.designs.model import Font, FontRef
from testamur.designs.tables import design_versions, designs, fonts
from testamur.errors import Conflict, Invalid, NotFound
from testamur.ids import new_id
from testamur.rendering.font_files import FontFile
from testamur.storage import Storage
from testamur.storage.folder import write_file

# Each of them is read before anything of the workspace is rendered.
FONTS_MAX = 100

_INSERT = insert_if_new(fonts)
_OF_WORKSPACE = select(fonts).where(fonts.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(fonts.c.id == bindparam("id"))
_BY_DIGEST = _OF_WORKSPACE.where(fonts.c.digest == bindparam("digest"))
_COUNT = select(func.count()).select_from(fonts).where(fonts.c.workspace_id == bindparam("workspace_id"))
_REFS = (
    select(fonts.c.family, fonts.c.digest)
    .where(fonts.c.workspace_id == bindparam("workspace_id"))
    .order_by(fonts.c.family, fonts.c.digest)
)
_PAGER = Pager(_OF_WORKSPACE, fonts.c.created_at, fonts.c.id)
_DELETE = delete(fonts).where(fonts.c.workspace_id == bindparam("of_workspace"), fonts.c.id == bindparam("of_id"))
# Documents are kept as compact JSON; a family holds nothing that JSON would write otherwise, nor a wildcard.
_DESIGN_WITH_FONT = (
    select(designs.c.name)
    .join(design_versions, design_versions.c.design_id == designs.c.id)
    .where(designs.c.workspace_id == bindparam("workspace_id"), design_versions.c.document.like(bindparam("named")))
    .limit(1)
)


def add_font(tx: Transaction, storage: Storage, workspace_id: str, file: FontFile, *, at: datetime) -> Font:
    """Keep a font that was checked; the same one again is the one that is there. Raises Conflict if there are too many.

    The file is written before the row is committed, as with pictures.
    """
    digest = sha256(file.content).hexdigest()
    font = Font(
        id=new_id(),
        workspace_id=workspace_id,
        family=file.family,
        style=file.style,
        weight=file.weight,
        is_italic=file.is_italic,
        may_subset=file.may_subset,
        digest=digest,
        size_bytes=len(file.content),
        created_at=at,
    )
    storage.write(_key(workspace_id, digest), file.content)
    tx.execute(_INSERT, {field: getattr(font, field) for field in font.__struct_fields__})
    if tx.execute(_COUNT, {"workspace_id": workspace_id}).scalar_one() > FONTS_MAX:
        raise Conflict(f"The workspace has {FONTS_MAX} fonts; delete one that no design uses")
    return _model(tx.execute(_BY_DIGEST, {"workspace_id": workspace_id, "digest": digest}).one())


def list_fonts(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[Font]:
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: [_model(row) for row in rows])


def delete_font(tx: Transaction, workspace_id: str, font_id: str) -> Font:
    """Raises NotFound, or Conflict while a version of a design names its family, also an older one.

    The file stays until `delete_font_file` is called, after the commit.
    """
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": font_id}).one_or_none()
    if row is None:
        raise NotFound
    font = _model(row)
    named = f'%"font":"{font.family}"%'
    using = tx.execute(_DESIGN_WITH_FONT, {"workspace_id": workspace_id, "named": named}).scalar_one_or_none()
    if using is not None:
        raise Conflict(f'The design "{using}" uses the font {font.family}, now or in an older version; delete it first')
    tx.execute(_DELETE, {"of_workspace": workspace_id, "of_id": font_id})
    return font


def delete_font_file(storage: Storage, font: Font) -> None:
    storage.delete_all(_key(font.workspace_id, font.digest))


def workspace_fonts(tx: Transaction, workspace_id: str) -> tuple[FontRef, ...]:
    """The fonts of a workspace, always in the same order."""
    return tuple(FontRef(row.family, row.digest) for row in tx.execute(_REFS, {"workspace_id": workspace_id}))


def font_names(tx: Transaction, workspace_id: str) -> set[str]:
    """What design documents of the workspace may name beside the bundled fonts."""
    return {ref.family for ref in workspace_fonts(tx, workspace_id)}


def font_folder(storage: Storage, workspace_id: str, refs: Sequence[FontRef], below: Path) -> Path | None:
    """A folder with these fonts as files, for `load_fonts`; None if there are none.

    It is named after what is in it and made once, `below` a folder of ours on this machine: typst reads fonts from
    files, and they may be stored elsewhere. Raises Invalid if a font is missing from the storage.
    """
    if not refs:
        return None
    folder = below / workspace_id / sha256("\n".join(sorted(ref.digest for ref in refs)).encode()).hexdigest()
    for ref in refs:
        path = folder / f"{ref.digest}.ttf"
        if path.exists():
            continue
        content = storage.read(_key(workspace_id, ref.digest))
        if content is None:
            raise Invalid(f"The font {ref.family} is missing from the storage; upload it again")
        write_file(path, content)
    return folder


def _key(workspace_id: str, digest: str) -> str:
    return f"fonts/{workspace_id}/{digest}"


def _model(row: Row[Any]) -> Font:
    return Font(**row._mapping)  # noqa: SLF001
