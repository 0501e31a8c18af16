"""Who a workspace is as an issuer: `did:web:HOST:i:SLUG`.

What was signed names its issuer for good, so every DID that was ever signed under is kept, and its document is served
under the slug and the host that it is made of.
"""

from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select

from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.openbadges.dids import web_did
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import issuer_identities as table

PATH = "i"

_FIND = select(table.c.did).where(table.c.workspace_id == bindparam("workspace_id"), table.c.did == bindparam("did"))
_RECORD = insert_if_new(table)
_OF_SLUG = (
    select(table.c.did, table.c.host)
    .where(table.c.workspace_id == bindparam("workspace_id"), table.c.slug == bindparam("slug"))
    .order_by(table.c.created_at.desc(), table.c.did)
)
_IS_HOST = select(table.c.did).where(table.c.host == bindparam("host")).limit(1)
_IS_DID = select(table.c.did).where(table.c.did == bindparam("did"))


def issuer_did(tx: Transaction, workspace: Workspace, base_url: str, *, at: datetime) -> str:
    """The DID that a workspace signs under, which is recorded. Needs a transaction that writes."""
    did = current_did(workspace.slug, base_url)
    if tx.execute(_FIND, {"workspace_id": workspace.id, "did": did}).one_or_none() is None:
        row = {"did": did, "workspace_id": workspace.id, "host": _host(base_url), "slug": workspace.slug}
        tx.execute(_RECORD, {**row, "created_at": at})
    return did


def served_did(tx: Transaction, workspace: Workspace, slug: str, *, host: str, base_url: str) -> str:
    """The DID that is meant by an address with this slug, one of the workspace's, at this host (and port).

    It is the one of the server's address, unless the host is another one at which the workspace has signed.
    """
    host = host.lower()
    if host != _host(base_url):
        for did, its_host in tx.execute(_OF_SLUG, {"workspace_id": workspace.id, "slug": slug}):
            if its_host == host:
                return str(did)
    return current_did(slug, base_url)


def current_did(slug: str, base_url: str) -> str:
    """The DID of a slug at the server's address, recorded or not. Settings are such that there is one."""
    return web_did(base_url, PATH, slug)


def is_issuer(tx: Transaction, did: str) -> bool:
    """Whether a workspace of this server, whichever, has signed under that DID."""
    return tx.execute(_IS_DID, {"did": did}).one_or_none() is not None


def is_own_host(tx: Transaction, host: str, base_url: str) -> bool:
    """Whether this server is at that host (and port), or was when a workspace signed there."""
    host = host.lower()
    return host == _host(base_url) or tx.execute(_IS_HOST, {"host": host}).one_or_none() is not None


def _host(base_url: str) -> str:
    return urlsplit(base_url).netloc.lower()
