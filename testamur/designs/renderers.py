"""The renderers of designs, which draw in worker processes."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import cast

from sqlalchemy import bindparam, select

from testamur.attributes.defining import PREFIX
from testamur.db import Database, Transaction
from testamur.designs.assets import WorkspaceAssets
from testamur.designs.fetched_pictures import FetchedPictures
from testamur.designs.fonts import font_folder, workspace_fonts
from testamur.designs.model import FontRef
from testamur.designs.queries import ShownVersion, get_version
from testamur.designs.tables import design_versions
from testamur.errors import Invalid, NotFound, Problem
from testamur.rendering.document import fonts_in, parse_document, picture_sources
from testamur.rendering.elements import ASSET
from testamur.rendering.fonts import FAMILIES
from testamur.rendering.languages import DEFAULT_LANGUAGE
from testamur.rendering.pixels import RasterFormat
from testamur.rendering.renderer import Attachment, Finding, Font, Standard
from testamur.rendering.values import Value
from testamur.rendering.worker import Definition
from testamur.rendering.workers import PooledRenderer, RenderingPool
from testamur.storage import Storage

VERSIONS_MAX = 10_000
VERSION_MAX = 2**31 - 1
_PICTURE_VALUES = ("https://", "http://", "asset:")

_EXISTS = select(design_versions.c.number).where(
    design_versions.c.workspace_id == bindparam("workspace_id"),
    design_versions.c.design_id == bindparam("design_id"),
    design_versions.c.number == bindparam("number"),
)


class DrawnVersion(ShownVersion, frozen=True):
    """What a version of a design shows, and the size of its page (width and height)."""

    size_mm: tuple[float, float]

    def height_px(self, width_px: int) -> int:
        """How high a picture of that width is, without asking a process that may be busy."""
        return round(width_px * self.size_mm[1] / self.size_mm[0])


class Renderers:
    """A renderer for each version of a design. Safe to use from many threads."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        pool: RenderingPool,
        *,
        fonts_below: Path,
        allow_private_networks: bool,
    ) -> None:
        self.pool = pool
        self._fetched = FetchedPictures(database, storage, allow_private=allow_private_networks)
        self._database = database
        self._fonts_below = fonts_below
        self._storage = storage
        self._versions: OrderedDict[tuple[str, str, int], DrawnVersion] = OrderedDict()
        self._lock = Lock()

    def get(self, tx: Transaction, workspace_id: str, design_id: str, version: int) -> "DesignRenderer":
        """The renderer of one version of a workspace's design. Raises NotFound."""
        check_version(tx, workspace_id, design_id, version)

        def define() -> Definition:
            with self._database.read() as reading:
                document = get_version(reading, workspace_id, design_id, version).document
                uploaded = workspace_fonts(reading, workspace_id)
            parsed = parse_document(document, fonts=None)
            digests = [source.removeprefix("asset:") for source in picture_sources(parsed) if ASSET.fullmatch(source)]
            assets = WorkspaceAssets(self._storage, workspace_id)
            try:
                pictures = {digest: assets.read(digest) for digest in digests}
            except FileNotFoundError as error:
                raise Invalid(f"The design cannot be drawn: {error}") from None
            return Definition(
                document=document,
                pictures=pictures,
                fonts=self._fonts(workspace_id, [ref for ref in uploaded if ref.family in fonts_in(parsed)]),
            )

        pooled = self.pool.renderer(f"{workspace_id}/{design_id}/{version}", define)
        return DesignRenderer(workspace_id, pooled, self._fetched, self._storage)

    def version(self, tx: Transaction, workspace_id: str, design_id: str, number: int) -> "DrawnVersion":
        """What a version of a workspace's design shows, which never changes and is read once. Raises NotFound.

        It may tell of a design that was deleted since, so whoever asks has found the design itself.
        """
        key = (workspace_id, design_id, number)
        with self._lock:
            found = self._versions.get(key)
        if found is None:
            read = get_version(tx, *key)
            size_mm = parse_document(read.document, fonts=None).page.size_mm
            found = DrawnVersion(number, read.tags, read.created_at, size_mm)
            with self._lock:
                self._versions[key] = found
                if len(self._versions) > VERSIONS_MAX:
                    self._versions.popitem(last=False)
        return found

    def close(self) -> None:
        self.pool.close()

    def _fonts(self, workspace_id: str, refs: Sequence[FontRef]) -> tuple[Font, ...]:
        """The workspace's fonts as files that the worker processes read; bundled ones go before those of their name."""
        wanted = [ref for ref in refs if ref.family not in FAMILIES]
        folder = font_folder(self._storage, workspace_id, wanted, self._fonts_below)
        return tuple(Font(family, str(folder)) for family in dict.fromkeys(ref.family for ref in wanted))


class DesignRenderer:
    """Draws one version of a workspace's design, with the pictures that stand in the values.

    To be used outside of transactions: a picture may have to be fetched first. Raises Invalid or Unavailable if it
    cannot be had, RenderingFailed if drawing fails, and what the methods of the engine's Renderer raise.
    """

    def __init__(self, workspace_id: str, pooled: PooledRenderer, fetched: FetchedPictures, storage: Storage) -> None:
        self._workspace_id = workspace_id
        self._pooled = pooled
        self._fetched = fetched
        self._assets = WorkspaceAssets(storage, workspace_id)

    def pdf(
        self,
        values: Mapping[str, Value],
        *,
        title: str,
        language: str = DEFAULT_LANGUAGE,
        at: datetime,
        standard: Standard = "",
        attachments: Sequence[Attachment] = (),
        has_bleed: bool = False,
    ) -> bytes:
        shown, pictures = self._with_pictures(values)
        made = self._pooled.pdf(
            shown,
            title=title,
            language=language,
            at=at,
            standard=standard,
            attachments=attachments,
            has_bleed=has_bleed,
            pictures=pictures,
        )
        return cast("bytes", made)

    def raster(
        self,
        values: Mapping[str, Value],
        *,
        width_px: int,
        format_: RasterFormat = "png",
        language: str = DEFAULT_LANGUAGE,
    ) -> bytes:
        shown, pictures = self._with_pictures(values)
        made = self._pooled.raster(shown, width_px=width_px, format_=format_, language=language, pictures=pictures)
        return cast("bytes", made)

    def svg(self, values: Mapping[str, Value], *, language: str = DEFAULT_LANGUAGE) -> bytes:
        shown, pictures = self._with_pictures(values)
        return cast("bytes", self._pooled.svg(shown, language=language, pictures=pictures))

    def findings(self, values: Mapping[str, Value], *, language: str = DEFAULT_LANGUAGE) -> list[Finding]:
        """What would be wrong with a certificate of these values; pictures that cannot be had among it."""
        found = cast("list[Finding]", self._pooled.findings(values, language=language))
        return found + [
            Finding("missing", "", "", (str(problem.path[-1]),), problem.message)
            for problem in self.lost_pictures(values)
        ]

    def lost_pictures(self, values: Mapping[str, Value]) -> list[Problem]:
        """Which pictures in the values cannot be had; each path ends in its attribute's tag."""
        return self._fetched.problems(self._workspace_id, values, self._picture_tags(values))

    def fetch_pictures(self, values: Mapping[str, Value]) -> None:
        """See to it that the pictures which stand in the values are the workspace's, so that drawing need not wait."""
        self._fetched.resolve(self._workspace_id, values, self._picture_tags(values))

    def _with_pictures(self, values: Mapping[str, Value]) -> tuple[Mapping[str, Value], dict[str, bytes]]:
        tags = self._picture_tags(values)
        if not tags:
            return values, {}
        sources = self._fetched.resolve(self._workspace_id, values, tags)
        digests = {source.removeprefix("asset:") for source in sources.values()}
        try:
            return {**values, **sources}, {digest: self._assets.read(digest) for digest in digests}
        except FileNotFoundError as error:
            raise Invalid(f"The certificate cannot be drawn: {error}") from None

    def _picture_tags(self, values: Mapping[str, Value]) -> set[str]:
        # Most certificates have no such value, and then the worker need not be asked what the design shows.
        likely = {
            tag
            for tag, value in values.items()
            if tag.startswith(PREFIX) and isinstance(value, str) and value.startswith(_PICTURE_VALUES)
        }
        return likely & self._pooled.picture_tags if likely else likely


def check_version(tx: Transaction, workspace_id: str, design_id: str, version: int) -> None:
    """Raises NotFound unless the workspace has that version of a design."""
    place = {"workspace_id": workspace_id, "design_id": design_id, "number": version}
    # A number that no integer column holds would be the database's error, not an answer.
    if version > VERSION_MAX or tx.execute(_EXISTS, place).one_or_none() is None:
        raise NotFound
