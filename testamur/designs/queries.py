from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, select, tuple_

from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.designs.model import Design, DesignVersion
from testamur.designs.tables import assets, design_versions, designs
from testamur.errors import NotFound
from testamur.rendering.document import DesignType

_OF_WORKSPACE = select(designs).where(designs.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(designs.c.id == bindparam("id"))
_BY_IDS = _OF_WORKSPACE.where(designs.c.id.in_(bindparam("ids", expanding=True)))
_STARTERS = _OF_WORKSPACE.where(designs.c.starter.is_not(None)).order_by(designs.c.id)
# Nothing deletes these until the transaction ends; SQLite writes one at a time anyway.
_HELD = (
    select(designs.c.id, designs.c.version)
    .where(designs.c.workspace_id == bindparam("workspace_id"), designs.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True, key_share=True)
)
_LOCKED = _BY_ID.with_for_update()
_PAGER = Pager(_OF_WORKSPACE, designs.c.created_at, designs.c.id)
_VERSION = select(design_versions).where(
    design_versions.c.workspace_id == bindparam("workspace_id"),
    design_versions.c.design_id == bindparam("design_id"),
    design_versions.c.number == bindparam("number"),
)
_ASSET = select(assets.c.media_type).where(
    assets.c.workspace_id == bindparam("workspace_id"), assets.c.digest == bindparam("digest")
)
_VERSIONS_PAGER = Pager(
    select(design_versions).where(
        design_versions.c.workspace_id == bindparam("workspace_id"),
        design_versions.c.design_id == bindparam("of_design"),
    ),
    design_versions.c.number,
    design_versions.c.design_id,
)
_SHOWN = select(
    design_versions.c.design_id, design_versions.c.number, design_versions.c.tags, design_versions.c.created_at
).where(
    design_versions.c.workspace_id == bindparam("workspace_id"),
    tuple_(design_versions.c.design_id, design_versions.c.number).in_(bindparam("versions", expanding=True)),
)


def get_design(tx: Transaction, workspace_id: str, design_id: str) -> Design:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": design_id}).one_or_none()
    if row is None:
        raise NotFound
    return _model(row)


def lock_design(tx: Transaction, workspace_id: str, design_id: str) -> Design:
    """The design, which nobody else changes, deletes or pins until the transaction ends. Raises NotFound."""
    row = tx.execute(_LOCKED, {"workspace_id": workspace_id, "id": design_id}).one_or_none()
    if row is None:
        raise NotFound
    return _model(row)


def hold_designs(tx: Transaction, workspace_id: str, design_ids: Iterable[str]) -> dict[str, int]:
    """The newest version of each design, by id; the designs are there until the transaction ends."""
    rows = tx.execute(_HELD, {"workspace_id": workspace_id, "ids": list(design_ids)})
    return {row.id: row.version for row in rows}


def find_designs(tx: Transaction, workspace_id: str, design_ids: Iterable[str]) -> dict[str, Design]:
    """Those of the ids that are designs of the workspace, by id."""
    rows = tx.execute(_BY_IDS, {"workspace_id": workspace_id, "ids": list(design_ids)})
    return {row.id: _model(row) for row in rows}


def list_designs(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[Design]:
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: [_model(row) for row in rows])


def search_designs(
    tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int, *, type_: DesignType | None, named: str
) -> Page[Design]:
    """Newest first: those of a type, if one is given, in whose name that text stands, in capitals or not."""
    statement = _OF_WORKSPACE
    if type_ is not None:
        statement = statement.where(designs.c.type == type_)
    if named:
        statement = statement.where(designs.c.name.icontains(named, autoescape=True))
    page = Pager(statement, designs.c.created_at, designs.c.id).rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: [_model(row) for row in rows])


def list_starters(tx: Transaction, workspace_id: str) -> list[Design]:
    """The workspace's copies of the starter designs, in the order in which they were made."""
    return [_model(row) for row in tx.execute(_STARTERS, {"workspace_id": workspace_id})]


def get_version(tx: Transaction, workspace_id: str, design_id: str, number: int) -> DesignVersion:
    """Raises NotFound."""
    place = {"workspace_id": workspace_id, "design_id": design_id, "number": number}
    row = tx.execute(_VERSION, place).one_or_none()
    if row is None:
        raise NotFound
    return DesignVersion(**row._mapping)  # noqa: SLF001


def has_asset(tx: Transaction, workspace_id: str, digest: str) -> bool:
    """Whether a picture of that digest is the workspace's."""
    return find_asset_type(tx, workspace_id, digest) is not None


def find_asset_type(tx: Transaction, workspace_id: str, digest: str) -> str | None:
    """The media type of the workspace's picture of that digest."""
    return tx.execute(_ASSET, {"workspace_id": workspace_id, "digest": digest}).scalar_one_or_none()


def list_versions(
    tx: Transaction, workspace_id: str, design_id: str, cursor: Cursor | None, limit: int
) -> Page[DesignVersion]:
    """A design's versions, newest first; none if there is no such design."""
    page = _VERSIONS_PAGER.rows(tx, {"workspace_id": workspace_id, "of_design": design_id}, cursor, limit)
    return map_page(page, lambda rows: [DesignVersion(**row._mapping) for row in rows])  # noqa: SLF001


class ShownVersion(msgspec.Struct, frozen=True):
    """What a version of a design shows, without its document."""

    number: int
    tags: list[str]
    created_at: datetime


def find_shown(
    tx: Transaction, workspace_id: str, versions: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], ShownVersion]:
    """Those of the versions (design id and number) that the workspace has."""
    rows = tx.execute(_SHOWN, {"workspace_id": workspace_id, "versions": list(versions)})
    return {(row.design_id, row.number): ShownVersion(row.number, row.tags, row.created_at) for row in rows}


def _model(row: Row[Any]) -> Design:
    return Design(**row._mapping)  # noqa: SLF001
