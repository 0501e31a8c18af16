"""Renderers of the designs in use, kept because making one costs several times what one certificate costs."""

from collections import OrderedDict
from threading import Lock

from testamur.db import Transaction
from testamur.designs.assets import WorkspaceAssets
from testamur.designs.queries import get_version
from testamur.rendering.document import parse_document
from testamur.rendering.renderer import Renderer
from testamur.storage import Storage

RENDERERS_MAX = 32


class Renderers:
    """The renderers used last, one per design version. Safe to use from many threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._kept: OrderedDict[tuple[str, int], Renderer] = OrderedDict()
        self._lock = Lock()

    def get(self, tx: Transaction, workspace_id: str, design_id: str, version: int) -> Renderer:
        """The renderer of one version of a workspace's design. Raises NotFound."""
        stored = get_version(tx, workspace_id, design_id, version)
        key = (design_id, version)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        renderer = Renderer(parse_document(stored.document), WorkspaceAssets(self._storage, workspace_id))
        with self._lock:
            self._kept[key] = renderer
            while len(self._kept) > RENDERERS_MAX:
                self._kept.popitem(last=False)
        return renderer
