from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from testamur.db import Transaction
from testamur.designs.assets import add_asset
from testamur.designs.creating import create_design
from testamur.designs.model import Design
from testamur.designs.packages import DesignPackage
from testamur.errors import Invalid
from testamur.rendering.document import DesignFile, picture_sources, with_sources
from testamur.rendering.elements import ASSET
from testamur.rendering.pictures import Prepared, prepare_picture
from testamur.storage import Storage


def import_design(
    tx: Transaction,
    storage: Storage,
    workspace_id: str,
    drawn: DesignFile,
    *,
    folder: Path,
    starter: str | None = None,
    at: datetime,
) -> Design:
    """A new design from a file, with the pictures that it names beside it in `folder`. Raises Invalid."""
    return _import(tx, storage, workspace_id, drawn, lambda name: _read_picture(folder, name), starter=starter, at=at)


def import_package(
    tx: Transaction, storage: Storage, workspace_id: str, package: DesignPackage, *, at: datetime
) -> Design:
    """A new design from what an archive held. Raises Invalid."""

    def read(name: str) -> Prepared:
        if name not in package.pictures:
            raise _missing(name)
        return package.pictures[name]

    return _import(tx, storage, workspace_id, package.drawn, read, starter=None, at=at)


def _import(
    tx: Transaction,
    storage: Storage,
    workspace_id: str,
    drawn: DesignFile,
    read: Callable[[str], Prepared],
    *,
    starter: str | None,
    at: datetime,
) -> Design:
    sources = {
        source: "asset:" + add_asset(tx, storage, workspace_id, read(source), at=at)
        for source in picture_sources(drawn.document)
        if not ASSET.fullmatch(source)
    }
    document = with_sources(drawn.document, sources)
    drawn = msgspec.structs.replace(drawn, document=document)
    return create_design(tx, storage, workspace_id, drawn, starter=starter, at=at)


def _read_picture(folder: Path, name: str) -> Prepared:
    """A design file may come from anybody, so it names pictures in its own folder and nothing else on the machine."""
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise _missing(name)
    return prepare_picture(path.read_bytes())


def _missing(name: str) -> Invalid:
    return Invalid(f'There is no picture "{name[:100]}" beside the design file')
