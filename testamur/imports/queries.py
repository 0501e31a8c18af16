from typing import Any

from sqlalchemy import Row, bindparam, select

from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.errors import NotFound
from testamur.imports.model import Import
from testamur.imports.tables import import_chunks, imports

_COLUMNS = [imports.c[field] for field in Import.__struct_fields__]
_OF_WORKSPACE = select(*_COLUMNS).where(imports.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(imports.c.id == bindparam("id"))
_PAGER = Pager(_OF_WORKSPACE, imports.c.created_at, imports.c.id)
_CHUNK = select(import_chunks.c.results).where(
    import_chunks.c.workspace_id == bindparam("workspace_id"),
    import_chunks.c.import_id == bindparam("import_id"),
    import_chunks.c.number == bindparam("number"),
)


def get_import(tx: Transaction, workspace_id: str, import_id: str) -> Import:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": import_id}).one_or_none()
    if row is None:
        raise NotFound
    return to_import(row)


def list_imports(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[Import]:
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: [to_import(row) for row in rows])


def find_chunk_results(tx: Transaction, workspace_id: str, import_id: str, number: int) -> list[list[Any]] | None:
    """Line, outcome, credential's id, public id and error of each row of a chunk; None if it is not done."""
    place = {"workspace_id": workspace_id, "import_id": import_id, "number": number}
    found: list[list[Any]] | None = tx.execute(_CHUNK, place).scalar()
    return found


def to_import(row: Row[Any]) -> Import:
    return Import(**row._mapping)  # noqa: SLF001
