"""Rendering: a document and values in, bytes out."""

import shutil
import tempfile
import unicodedata
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol

import msgspec
import typst

from testamur.errors import Invalid
from testamur.rendering.attributes_in_text import fill_in, tags_in
from testamur.rendering.document import ASSET, Document, Image, QRCode, Text
from testamur.rendering.fonts import load_fonts
from testamur.rendering.languages import subtags
from testamur.rendering.pictures import with_opacity
from testamur.rendering.qr import qr_svg
from testamur.rendering.typst_source import typst_source
from testamur.rendering.values import Value

PNG_WIDTH_PX_MAX = 5000
_MM_PER_INCH = 25.4


class RenderingFailed(Exception):
    """The engine could not draw a document that was found valid: a fault of ours, with typst's words."""


class Assets(Protocol):
    """Where the pictures of a design are."""

    def read(self, digest: str) -> bytes:
        """The picture with this SHA-256 (lower-case hex). Raises FileNotFoundError."""


class Renderer:
    """Draws one document again and again. Safe to use from many threads, which then really draw at once.

    Raises Invalid, when made, for a picture that the assets do not have.
    """

    def __init__(self, document: Document, assets: Assets) -> None:
        self._document = document
        self.tags = frozenset(_tags(document))
        self._folder = tempfile.mkdtemp(prefix="testamur-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        files = _write_pictures(document, assets, Path(self._folder))
        self._source = Path(self._folder, "main.typ")
        self._source.write_text(typst_source(document, files), encoding="utf-8")
        # A compiler is used by one thread at a time; there are as many as were ever needed at once.
        self._idle: list[typst.Compiler] = []
        self._lock = Lock()

    def pdf(self, values: Mapping[str, Value], *, title: str, language: str = "en", at: datetime) -> bytes:
        """A tagged PDF with that title and language, dated `at`; the same bytes for the same arguments."""
        return self._compile("pdf", values, title, language, timestamp=int(at.timestamp()))

    def png(self, values: Mapping[str, Value], *, width_px: int = 1200, language: str = "en") -> bytes:
        """A picture of that width; its height follows from the page."""
        if not 1 <= width_px <= PNG_WIDTH_PX_MAX:
            raise ValueError(f"width_px must be 1 to {PNG_WIDTH_PX_MAX}")
        ppi = width_px / (self._document.page.size_mm[0] / _MM_PER_INCH)
        return self._compile("png", values, "", language, ppi=ppi)

    def height_px(self, width_px: int) -> int:
        """How high a PNG of that width is."""
        width, height = self._document.page.size_mm
        return round(width_px * height / width)

    def _compile(
        self, format_: Literal["pdf", "png"], values: Mapping[str, Value], title: str, language: str, **options: Any
    ) -> bytes:
        items = [
            _item(element, values, language) for element in self._document.elements if isinstance(element, _WITH_DATA)
        ]
        lang, region = subtags(language)
        data = msgspec.json.encode({"title": title, "lang": lang, "region": region, "items": items}).decode()
        with self._compiler() as compiler:
            try:
                made = compiler.compile(format=format_, sys_inputs={"data": data}, **options)
            except typst.TypstError as error:
                raise RenderingFailed(str(error)) from error
        if not isinstance(made, bytes):
            raise RenderingFailed("typst gave other than one page")
        return made

    @contextmanager
    def _compiler(self) -> Iterator[typst.Compiler]:
        with self._lock:
            compiler = self._idle.pop() if self._idle else None
        if compiler is None:
            compiler = typst.Compiler(
                self._source, root=self._folder, font_paths=load_fonts(), ignore_system_fonts=True
            )
        yield compiler
        # One that failed is dropped: what state it is in is not known.
        with self._lock:
            self._idle.append(compiler)


_WITH_DATA = (Text, QRCode, Image)


def _tags(document: Document) -> set[str]:
    found: set[str] = set()
    for element in document.elements:
        if isinstance(element, Text):
            found |= tags_in(element.text)
        elif isinstance(element, QRCode):
            found |= tags_in(element.content)
    return found


def _item(element: Text | QRCode | Image, values: Mapping[str, Value], language: str) -> Any:
    """What the typst source is given for an element."""
    if isinstance(element, Image):
        return element.alt
    if isinstance(element, QRCode):
        content = fill_in(element.content, values, language) or " "
        return {"svg": qr_svg(content, element), "alt": element.alt or f"QR code: {content}"}
    text = _printable(fill_in(element.text, values, language))
    return {"text": text.upper() if element.uppercase else text, "rtl": _is_right_to_left(text)}


def _printable(text: str) -> str:
    """Line breaks in one form and no other controls: a font has no glyph for them, so they would print as boxes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs", "Cn"})


def _is_right_to_left(text: str) -> bool:
    """By the first letter that has a direction (Unicode Bidirectional Algorithm, rules P2 and P3)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in {"R", "AL"}:
            return True
        if direction == "L":
            return False
    return False


def _write_pictures(document: Document, assets: Assets, folder: Path) -> dict[tuple[str, float], str]:
    """The pictures as files that typst can read: source and opacity to file name."""
    wanted = [(document.background.picture, 1.0)] if document.background.picture else []
    wanted += [(element.source, element.opacity) for element in document.elements if isinstance(element, Image)]
    files: dict[tuple[str, float], str] = {}
    for source, opacity in dict.fromkeys(wanted):
        content = _read_picture(source, assets)
        if opacity < 1:
            content = with_opacity(content, opacity)
        ending = ".png" if content.startswith(b"\x89PNG") else ".jpg"
        files[source, opacity] = f"picture-{len(files)}{ending}"
        (folder / files[source, opacity]).write_bytes(content)
    return files


def _read_picture(source: str, assets: Assets) -> bytes:
    if not ASSET.fullmatch(source):
        raise Invalid(f'The picture "{source[:100]}" is not stored; give the file beside the design')
    try:
        return assets.read(source.removeprefix("asset:"))
    except FileNotFoundError:
        raise Invalid(f"There is no picture {source}") from None
