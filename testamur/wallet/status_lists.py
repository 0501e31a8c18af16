"""Status lists as verifiers ask for them: signed when somebody asks, and again only when a bit has changed."""

from collections import OrderedDict

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testamur.clock import now
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.openbadges.status_lists import encoded_list, status_list_credential
from testamur.openbadges.timestamps import to_timestamp
from testamur.signing_keys.queries import find_active_key
from testamur.status_lists.model import StatusList
from testamur.status_lists.queries import get_status_list, revoked_indexes
from testamur.web.documents import document, preferred
from testamur.web.platform import Platform
from testamur.web.threads import run_query
from testamur.workspaces.queries import get_workspace

# A revocation is known everywhere after this time.
TTL_SECONDS = 300
LIST_TYPES = ("application/vc+ld+json", "application/vc", "application/ld+json", "application/json")
_KEPT = 200


class StatusLists:
    """Serves lists, and keeps those that were signed last."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        # By the list's id: the version and the key that were signed with, and the document.
        self._signed: OrderedDict[str, tuple[int, str, bytes]] = OrderedDict()

    def routes(self) -> list[Route]:
        return [Route("/status/{list_id}", self.status_list)]

    async def status_list(self, request: Request) -> Response:
        list_id = normalize_id(request.path_params["list_id"])
        if list_id is None:
            raise NotFound
        content = await run_query(self._platform.database, lambda: self.signed(list_id))
        media_type = preferred(request.headers.get("accept", ""), LIST_TYPES)
        return document(request, content, media_type, seconds=TTL_SECONDS, is_negotiated=True)

    def signed(self, list_id: str) -> bytes:
        """The list as it is now. Raises NotFound."""
        with self._platform.database.read() as tx:
            found = get_status_list(tx, list_id)
            key = find_active_key(tx, found.workspace_id, "Ed25519", at=now())
        kept = self._signed.get(list_id)
        if kept is not None and key is not None and kept[:2] == (found.version, key.id):
            return kept[2]
        with self._platform.database.write() as tx:
            found = get_status_list(tx, list_id)
            key_id, content = self._sign(tx, found)
        self._signed[list_id] = (found.version, key_id, content)
        while len(self._signed) > _KEPT:
            self._signed.popitem(last=False)
        return content

    def _sign(self, tx: Transaction, found: StatusList) -> tuple[str, bytes]:
        at = now()
        signer = self._platform.signers.of(tx, get_workspace(tx, found.workspace_id), did=found.did, at=at)
        made = status_list_credential(
            list_url=found.url,
            issuer=found.did,
            encoded=encoded_list(revoked_indexes(tx, found)),
            valid_from=to_timestamp(found.changed_at),
            ttl_ms=TTL_SECONDS * 1000,
        )
        return signer.key_id, msgspec.json.encode(signer.sign(made, at=at))
