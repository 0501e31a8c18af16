from sqlalchemy import bindparam, select

from testamur.db import Transaction
from testamur.designs.assets import WorkspaceAssets
from testamur.designs.queries import get_design, get_version
from testamur.designs.tables import assets
from testamur.rendering.document import DesignFile, parse_document, picture_sources, with_sources
from testamur.rendering.elements import ASSET
from testamur.storage import Storage

_MEDIA_TYPES = select(assets.c.digest, assets.c.media_type).where(
    assets.c.workspace_id == bindparam("workspace_id"), assets.c.digest.in_(bindparam("digests", expanding=True))
)


def export_design(
    tx: Transaction, storage: Storage, workspace_id: str, design_id: str
) -> tuple[DesignFile, dict[str, bytes]]:
    """A design as it is now, and its pictures as files beside it, by their names. Raises NotFound."""
    design = get_design(tx, workspace_id, design_id)
    document = parse_document(get_version(tx, workspace_id, design_id, design.version).document, fonts=None)
    sources = [source for source in picture_sources(document) if ASSET.fullmatch(source)]
    digests = {source: source.removeprefix("asset:") for source in sources}
    found = tx.execute(_MEDIA_TYPES, {"workspace_id": workspace_id, "digests": list(digests.values())})
    types = {row.digest: row.media_type for row in found}
    names = {
        source: f"picture-{number}.{_extension(types[digest])}"
        for number, (source, digest) in enumerate(digests.items(), start=1)
    }
    read = WorkspaceAssets(storage, workspace_id).read
    drawn = DesignFile(name=design.name, type=design.type, document=with_sources(document, names))
    return drawn, {names[source]: read(digest) for source, digest in digests.items()}


def _extension(media_type: str) -> str:
    """`png` of image/png, `svg` of image/svg+xml: the same on every machine, which its own table of them is not."""
    return media_type.partition("/")[2].partition("+")[0]
