from datetime import datetime
from pathlib import Path

import msgspec

from testamur.db import Transaction
from testamur.designs.assets import add_asset
from testamur.designs.creating import create_design
from testamur.designs.model import Design
from testamur.errors import Invalid
from testamur.rendering.document import ASSET, DesignFile, picture_sources, with_sources
from testamur.rendering.pictures import Prepared, prepare_picture
from testamur.storage.folder import Folder


def import_design(
    tx: Transaction, storage: Folder, workspace_id: str, drawn: DesignFile, *, folder: Path, at: datetime
) -> Design:
    """A new design from a file, with the pictures that it names beside it in `folder`. Raises Invalid."""
    sources = {
        source: "asset:" + add_asset(tx, storage, workspace_id, _read_picture(folder, source), at=at)
        for source in picture_sources(drawn.document)
        if not ASSET.fullmatch(source)
    }
    document = with_sources(drawn.document, sources)
    return create_design(tx, storage, workspace_id, msgspec.structs.replace(drawn, document=document), at=at)


def _read_picture(folder: Path, name: str) -> Prepared:
    """A design file may come from anybody, so it names pictures in its own folder and nothing else on the machine."""
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise Invalid(f'There is no picture "{name[:100]}" beside the design file')
    return prepare_picture(path.read_bytes())
