"""The renderers of designs, which draw in worker processes."""

from collections import OrderedDict
from threading import Lock

from sqlalchemy import bindparam, select

from testamur.db import Database, Transaction
from testamur.designs.assets import WorkspaceAssets
from testamur.designs.queries import get_version
from testamur.designs.tables import design_versions
from testamur.errors import NotFound
from testamur.rendering.document import ASSET, parse_document, picture_sources
from testamur.rendering.worker import Definition
from testamur.rendering.workers import PooledRenderer, RenderingPool
from testamur.storage.folder import Folder

PAGES_MAX = 10_000

_EXISTS = select(design_versions.c.number).where(
    design_versions.c.workspace_id == bindparam("workspace_id"),
    design_versions.c.design_id == bindparam("design_id"),
    design_versions.c.number == bindparam("number"),
)


class Renderers:
    """A renderer for each version of a design. Safe to use from many threads."""

    def __init__(self, database: Database, storage: Folder, pool: RenderingPool) -> None:
        self.pool = pool
        self._database = database
        self._storage = storage
        self._pages: OrderedDict[tuple[str, str, int], tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def get(self, tx: Transaction, workspace_id: str, design_id: str, version: int) -> PooledRenderer:
        """The renderer of one version of a workspace's design. Raises NotFound."""
        check_version(tx, workspace_id, design_id, version)

        def define() -> Definition:
            with self._database.read() as reading:
                document = get_version(reading, workspace_id, design_id, version).document
            sources = picture_sources(parse_document(document))
            digests = [source.removeprefix("asset:") for source in sources if ASSET.fullmatch(source)]
            assets = WorkspaceAssets(self._storage, workspace_id)
            return Definition(document=document, pictures={digest: assets.read(digest) for digest in digests})

        return self.pool.renderer(f"{workspace_id}/{design_id}/{version}", define)

    def height_px(self, tx: Transaction, workspace_id: str, design_id: str, version: int, *, width_px: int) -> int:
        """How high a picture of that width is, without asking a process that may be busy. Raises NotFound."""
        key = (workspace_id, design_id, version)
        with self._lock:
            page = self._pages.get(key)
        if page is None:
            page = parse_document(get_version(tx, *key).document).page.size_mm
            with self._lock:
                self._pages[key] = page
                if len(self._pages) > PAGES_MAX:
                    self._pages.popitem(last=False)
        return round(width_px * page[1] / page[0])

    def close(self) -> None:
        self.pool.close()


def check_version(tx: Transaction, workspace_id: str, design_id: str, version: int) -> None:
    """Raises NotFound unless the workspace has that version of a design."""
    place = {"workspace_id": workspace_id, "design_id": design_id, "number": version}
    if tx.execute(_EXISTS, place).one_or_none() is None:
        raise NotFound
