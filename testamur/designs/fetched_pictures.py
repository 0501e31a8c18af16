"""Pictures of image attributes: which picture of the workspace each stands for, fetched where it is named by address."""

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from hashlib import sha256
from threading import Lock

import msgspec
from sqlalchemy import bindparam, select

from testamur.clock import now
from testamur.db import Database, Transaction
from testamur.db.schema import insert_if_new
from testamur.designs.assets import add_asset
from testamur.designs.queries import has_asset
from testamur.designs.tables import fetched_pictures
from testamur.errors import Invalid, Problem, Unavailable
from testamur.outgoing.fetching import FetchFailed, fetch
from testamur.rendering.elements import ASSET
from testamur.rendering.pictures import PICTURE_BYTES_MAX, prepare_picture
from testamur.rendering.values import Value
from testamur.storage import Storage

FETCH_SECONDS_MAX = 10
# So long a failure is remembered and not tried again, whoever asks how often.
FAILURE_SECONDS = 60
FAILURES_MAX = 1000

_INSERT = insert_if_new(fetched_pictures)
_FIND = select(fetched_pictures.c.asset_digest).where(
    fetched_pictures.c.workspace_id == bindparam("workspace_id"), fetched_pictures.c.url_digest == bindparam("digest")
)


class _Failure(msgspec.Struct, frozen=True):
    until: float
    reason: str
    is_final: bool


class FetchedPictures:
    """Turns the values of image attributes into pictures of the workspace. Safe to use from many threads.

    An address is fetched once per workspace and stands for what was there then. It must be called outside of
    transactions, from a thread that may wait for some seconds.
    """

    def __init__(self, database: Database, storage: Storage, *, allow_private: bool) -> None:
        self._database = database
        self._storage = storage
        self._allow_private = allow_private
        self._lock = Lock()
        self._under_way: dict[tuple[str, str], Lock] = {}
        self._failures: OrderedDict[tuple[str, str], _Failure] = OrderedDict()

    def resolve(self, workspace_id: str, values: Mapping[str, Value], tags: Collection[str]) -> dict[str, str]:
        """The picture source (`asset:` and a digest) of each of the tags that has a value.

        Raises Invalid if a value is no picture that can be used, Unavailable if one cannot be had at the moment; both
        name the attribute and say why.
        """
        sources, final, passing = self._try(workspace_id, values, tags)
        if final:
            raise Invalid.of(final)
        if passing:
            raise Unavailable(passing[0].message)
        return sources

    def problems(self, workspace_id: str, values: Mapping[str, Value], tags: Collection[str]) -> list[Problem]:
        """What would keep these values from being drawn: to be asked before a credential is issued."""
        _, final, passing = self._try(workspace_id, values, tags)
        return final + passing

    def _try(
        self, workspace_id: str, values: Mapping[str, Value], tags: Collection[str]
    ) -> tuple[dict[str, str], list[Problem], list[Problem]]:
        sources: dict[str, str] = {}
        final: list[Problem] = []
        passing: list[Problem] = []
        for tag in sorted(tags):
            value = values.get(tag, "")
            if value == "":
                continue
            try:
                sources[tag] = self._source(workspace_id, value)
            except FetchFailed as failure:
                problem = Problem(("custom_attributes", tag), f"The picture of [{tag}] cannot be used: {failure}")
                (final if failure.is_final else passing).append(problem)
        return sources, final, passing

    def _source(self, workspace_id: str, value: Value) -> str:
        if isinstance(value, str) and ASSET.fullmatch(value):
            with self._database.read() as tx:
                if has_asset(tx, workspace_id, value.removeprefix("asset:")):
                    return value
            raise FetchFailed("the workspace has no such picture", is_final=True)
        if not isinstance(value, str) or not value.startswith(("https://", "http://")):
            raise FetchFailed("it is neither an address nor a picture of the workspace", is_final=True)
        digest = sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return "asset:" + (self._known(workspace_id, digest) or self._fetch_once(workspace_id, value, digest))

    def _known(self, workspace_id: str, digest: str) -> str | None:
        with self._database.read() as tx:
            return _find(tx, workspace_id, digest)

    def _fetch_once(self, workspace_id: str, url: str, digest: str) -> str:
        """Fetch it, unless another thread just does: then its result is waited for, good or bad."""
        key = (workspace_id, digest)
        with self._lock:
            mine = self._under_way.setdefault(key, Lock())
        try:
            with mine:
                self._check_failures(key)
                known = self._known(workspace_id, digest)
                return known or self._fetch(workspace_id, url, digest)
        finally:
            with self._lock:
                if self._under_way.get(key) is mine:
                    del self._under_way[key]

    def _fetch(self, workspace_id: str, url: str, digest: str) -> str:
        try:
            content = fetch(
                url,
                accept="image/png, image/jpeg, image/webp, image/svg+xml, image/gif",
                bytes_max=PICTURE_BYTES_MAX,
                seconds=FETCH_SECONDS_MAX,
                allow_private=self._allow_private,
            )
            picture = prepare_picture(content)
            with self._database.write() as tx:
                asset = add_asset(tx, self._storage, workspace_id, picture, at=now())
                row = {"workspace_id": workspace_id, "url_digest": digest, "url": url, "asset_digest": asset}
                tx.execute(_INSERT, {**row, "fetched_at": now()})
                # Another process may have been quicker, and the server may have given it another picture.
                return _find(tx, workspace_id, digest) or asset
        except FetchFailed as failure:
            self._remember((workspace_id, digest), failure)
            raise
        except Invalid as error:
            failed = FetchFailed(error.message, is_final=True)
            self._remember((workspace_id, digest), failed)
            raise failed from None

    def _check_failures(self, key: tuple[str, str]) -> None:
        """Raises FetchFailed again if it failed a moment ago."""
        with self._lock:
            known = self._failures.get(key)
        if known is not None and known.until > time.monotonic():
            raise FetchFailed(known.reason, is_final=known.is_final)

    def _remember(self, key: tuple[str, str], failure: FetchFailed) -> None:
        with self._lock:
            self._failures[key] = _Failure(time.monotonic() + FAILURE_SECONDS, str(failure), failure.is_final)
            self._failures.move_to_end(key)
            while len(self._failures) > FAILURES_MAX:
                self._failures.popitem(last=False)


def _find(tx: Transaction, workspace_id: str, digest: str) -> str | None:
    found: str | None = tx.execute(_FIND, {"workspace_id": workspace_id, "digest": digest}).scalar_one_or_none()
    return found
