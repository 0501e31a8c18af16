"""Pictures of a workspace, stored under the digest of their bytes."""

from datetime import datetime
from hashlib import sha256

from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.designs.tables import assets
from testamur.rendering.pictures import Prepared
from testamur.storage import Storage

_INSERT = insert_if_new(assets)


def add_asset(tx: Transaction, storage: Storage, workspace_id: str, picture: Prepared, *, at: datetime) -> str:
    """Keep a picture and return its digest: lower-case hex of SHA-256, of what is stored (not of what was uploaded).

    The file is written before the row is committed: should the transaction fail, a file that nothing names is left,
    which harms nobody, while a row without its file would.
    """
    digest = sha256(picture.content).hexdigest()
    key = asset_key(workspace_id, digest)
    # The key says what the bytes are; sending a bucket the same picture again would only take time.
    if storage.size_bytes(key) != len(picture.content):
        storage.write(key, picture.content)
    row = {
        "workspace_id": workspace_id,
        "digest": digest,
        "media_type": picture.media_type,
        "size_bytes": len(picture.content),
        "width_px": picture.width_px,
        "height_px": picture.height_px,
        "created_at": at,
    }
    tx.execute(_INSERT, row)
    return digest


class WorkspaceAssets:
    """The pictures of one workspace, as the rendering engine asks for them."""

    def __init__(self, storage: Storage, workspace_id: str) -> None:
        self._storage = storage
        self._workspace_id = workspace_id

    def read(self, digest: str) -> bytes:
        """Raises FileNotFoundError if the workspace has no such picture."""
        content = self._storage.read(asset_key(self._workspace_id, digest))
        if content is None:
            raise FileNotFoundError(f"the picture {digest} is missing from the storage")
        return content


def asset_key(workspace_id: str, digest: str) -> str:
    return f"assets/{workspace_id}/{digest}"
