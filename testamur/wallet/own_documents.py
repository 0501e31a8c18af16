"""What this server serves to verifiers, without a connection to itself: a server need not be able to reach its own name.

The same functions make it that answer over HTTP.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from testamur.db import Transaction
from testamur.errors import Gone as Withdrawn
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.openbadges.resolving import Gone, Unreachable
from testamur.wallet.badges import Badges
from testamur.wallet.issuers import issuer_document, issuer_key
from testamur.wallet.public_ids import to_public_id
from testamur.wallet.status_lists import StatusLists
from testamur.web.platform import Platform
from testamur.workspaces.issuer_identities import is_issuer, is_own_host
from testamur.workspaces.queries import find_workspace_by_slug

_ENDINGS = (".json", ".jwt", ".png", ".svg")


class OwnDocuments:
    """Reads them. Call it from a thread, or where a query may run."""

    def __init__(self, platform: Platform, badges: Badges, status_lists: StatusLists) -> None:
        self._platform = platform
        self._badges = badges
        self._status_lists = status_lists
        self._base_url = platform.settings.base_url

    def fetch(self, url: str) -> bytes:
        """What is at one of our addresses. Raises Unreachable, and Gone of what is 410 there."""
        content = self.find(url)
        if content is None:
            raise Unreachable("it is an address of another server")
        return content

    def find(self, url: str) -> bytes | None:
        """The same, or None if the address is that of another server. Raises Unreachable, and Gone."""
        place = self._place(url)
        if place is None:
            return None
        host, path = place
        try:
            return self._read(host, path)
        except NotFound:
            raise Unreachable("there is nothing at that address") from None
        except Withdrawn:
            raise Gone from None

    def public_id_of(self, url: str) -> str | None:
        """Of which credential this is an address: its page, or a form of it that programs read."""
        match self._place(url):
            case (_, ["credentials", name]):
                return _public_id(name)
        return None

    def __contains__(self, issuer: object) -> bool:
        """Whether a workspace of this server is meant by a DID, or by the address of an issuer of Open Badges 2.0."""
        if not isinstance(issuer, str):
            return False
        with self._platform.database.read() as tx:
            if is_issuer(tx, issuer):
                return True
            prefix, _, slug = issuer.partition(f"{self._base_url}/ob2/")
            return not prefix and find_workspace_by_slug(tx, slug) is not None

    def _place(self, url: str) -> tuple[str, list[str]] | None:
        """The host and the steps of the path, if this is an address of this server."""
        try:
            parts, base = urlsplit(url), urlsplit(self._base_url)
        except ValueError:
            return None
        # A did:web leads to https, whatever this server is reached by.
        if parts.scheme not in {"https", base.scheme} or not parts.path.startswith(base.path + "/"):
            return None
        with self._platform.database.read() as tx:
            if not is_own_host(tx, parts.netloc, self._base_url):
                return None
        return parts.netloc, [unquote(step) for step in parts.path[len(base.path) + 1 :].split("/")]

    def _read(self, host: str, path: list[str]) -> bytes:
        """Raises NotFound, Withdrawn and, of a revoked assertion, Gone."""
        match path:
            case ["credentials", name] if public_id := _public_id(name):
                signed = self._badges.signed(public_id)
                return self._badges.jwt(signed).encode() if name.endswith(".jwt") else signed.document
            case ["status", text] if list_id := normalize_id(text):
                return self._status_lists.signed(list_id)
        with self._platform.database.read() as tx:
            return msgspec.json.encode(self._described(tx, host, path))

    def _described(self, tx: Transaction, host: str, path: list[str]) -> dict[str, Any]:
        match path:
            case ["i", slug, "did.json"]:
                return issuer_document(tx, slug, host=host, base_url=self._base_url)[0]
            case ["i", slug, "keys", key_id]:
                return issuer_key(tx, slug, key_id)
            case ["ob2", slug]:
                return self._badges.hosted_issuer_content(tx, slug)
            case ["ob2", slug, "badges", template_id]:
                return self._badges.hosted_badge_content(tx, slug, template_id)
            case ["ob2", slug, "assertions", public_id]:
                content, is_revoked = self._badges.hosted_assertion_content(tx, slug, public_id)
                if is_revoked:
                    raise Gone(msgspec.json.encode(content))
                return content
        raise NotFound


def _public_id(name: str) -> str | None:
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return to_public_id(name)
