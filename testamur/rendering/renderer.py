"""Rendering: a document and values in, bytes out."""

import itertools
import os
import re
import shutil
import tempfile
import unicodedata
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Literal, NamedTuple, Protocol

import msgspec
import typst

from testamur.errors import Invalid
from testamur.rendering.attributes_in_text import fill_in, missing_in, tags_in
from testamur.rendering.document import Document, picture_tags
from testamur.rendering.elements import ASSET, Image, QRCode, Run, Signature, Text, attribute_of_source, every_element
from testamur.rendering.fonts import FAMILIES, fallbacks, load_fonts
from testamur.rendering.fonts.coverage import apart, has_all, missing_letters, missing_message
from testamur.rendering.fonts.languages import language_of
from testamur.rendering.languages import subtags, upper_case
from testamur.rendering.pictures import file_ending, with_opacity
from testamur.rendering.pixels import Lower, RasterFormat, draw_over, encode, lower_of, read_png
from testamur.rendering.qr import qr_svg
from testamur.rendering.typst_source import DATA_FILE, LIBRARY_FILE, Slot, Source, typst_source
from testamur.rendering.values import Value

WIDTH_PX_MAX = 5000
PIXELS_MAX = 40_000_000
LAYERS_KEPT = 4
PICTURES_KEPT = 200
TEXTS_KEPT = 500
WORDS_MEASURED = 8
_MM_PER_INCH = 25.4
# Where Linux has what this process has opened.
_OPEN_FILES = Path("/proc/self/fd")
Standard = Literal["", "a-2b", "a-3b"]
_NOTHING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'


class RenderingFailed(Exception):
    """The engine could not draw a document that was found valid: a fault of ours, with typst's words."""


class Assets(Protocol):
    """Where the pictures of a design are."""

    def read(self, digest: str) -> bytes:
        """The picture with this SHA-256 (lower-case hex). Raises FileNotFoundError."""


class Font(msgspec.Struct, frozen=True):
    """An uploaded font that a document may name: its family, and the folder with its files."""

    family: str
    folder: str


class Attachment(msgspec.Struct, frozen=True):
    """A file inside a PDF (PDF/A-3), such as the signed credential."""

    name: str
    content: str
    media_type: str
    description: str
    relationship: Literal["source", "data", "alternative", "supplement"] = "source"


class Finding(msgspec.Struct, frozen=True):
    """What would go wrong in one certificate: in which element, of which attributes, and what."""

    kind: Literal["overflow", "missing", "glyph"]
    path: str
    name: str
    tags: tuple[str, ...]
    message: str


class Renderer:
    """Draws one document again and again. Safe to use from many threads, which then really draw at once.

    Raises Invalid, when made, for a picture that the assets do not have.
    """

    def __init__(self, document: Document, assets: Assets, fonts: Sequence[Font] = ()) -> None:
        self._document = document
        self._assets = assets
        self._families = {**FAMILIES, **{font.family: font.family for font in fonts}}
        self._font_folders = tuple(dict.fromkeys(font.folder for font in fonts))
        self.tags = frozenset(_tags(document))
        self.picture_tags = frozenset(picture_tags(document))
        self._folder = tempfile.mkdtemp(prefix="testamur-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        picture = document.background.placed_picture
        own = [(picture.source, picture.opacity)] if picture else []
        self._placed_pictures = list(dict.fromkeys([*own, *_pictures_in(document.elements, 1.0)]))
        self._files = self._write_pictures()
        self._source: Source = typst_source(document, self._files, self._families)
        Path(self._folder, LIBRARY_FILE).write_text(self._source.definitions, encoding="utf-8")
        # A compiler is used by one thread at a time; there are as many as were ever needed at once.
        self._idle: list[_Compiler] = []
        self._compiler_numbers = itertools.count()
        self._lock = Lock()
        self._tags_of_texts = {
            slot.path: sorted(_tags_of(slot.element)) for slot in self._source.slots if isinstance(slot.element, Text)
        }
        self._texts: dict[tuple[object, ...], Mapping[str, Any]] = {}
        self._layers: OrderedDict[tuple[int, str], Lower] = OrderedDict()
        self._value_pictures: OrderedDict[tuple[str, float], str] = OrderedDict()

    def pdf(
        self,
        values: Mapping[str, Value],
        *,
        title: str,
        language: str = "en",
        at: datetime,
        standard: Standard = "",
        attachments: Sequence[Attachment] = (),
        has_bleed: bool = False,
        pictures: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """A tagged PDF with that title and language, dated `at`; the same bytes for the same arguments.

        With a standard it is an archival PDF/A, which may not lack a glyph; `attachments` need PDF/A-3. With bleed, the
        sheet is larger by what the design wants to have cut off. `pictures` are those that values name, by digest.

        Raises Invalid for letters that no font has, if a standard is asked for.
        """
        if attachments and standard != "a-3b":
            raise ValueError("attachments need PDF/A-3")
        if standard and (letters := sorted(self._missing_letters(values, language))):
            raise Invalid(f"PDF/A needs a glyph for each letter. {missing_message(letters)}")
        bleed = self._document.page.bleed if has_bleed else 0.0
        data = self._data(
            values,
            language,
            title=title,
            bleed=bleed,
            pictures=pictures,
            attachments=[
                {
                    "name": item.name,
                    "content": item.content,
                    "mime": item.media_type,
                    "description": item.description,
                    "relationship": item.relationship,
                }
                for item in attachments
            ],
        )
        options = {"pdf_standards": [standard]} if standard else {}
        return self._compile("pdf", data, timestamp=int(at.timestamp()), **options)

    def png(
        self,
        values: Mapping[str, Value],
        *,
        width_px: int = 1200,
        language: str = "en",
        pictures: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """A picture of that width; its height follows from the page."""
        return self.raster(values, width_px=width_px, format_="png", language=language, pictures=pictures)

    def raster(
        self,
        values: Mapping[str, Value],
        *,
        width_px: int = 1200,
        format_: RasterFormat = "png",
        language: str = "en",
        pictures: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """A picture as PNG, JPEG or WebP. What is the same in all certificates is drawn once per width.

        Raises Invalid if it would have more than 40 million pixels.
        """
        if not 1 <= width_px <= WIDTH_PX_MAX:
            raise ValueError(f"width_px must be 1 to {WIDTH_PX_MAX}")
        if width_px * self.height_px(width_px) > PIXELS_MAX:
            raise Invalid(f"The page is too high to be drawn {width_px} pixels wide; ask for a smaller width")
        if not self._source.is_layered:
            drawn = self._compile("png", self._data(values, language, pictures=pictures), ppi=self._ppi(width_px))
            return drawn if format_ == "png" else encode(read_png(drawn), format_)
        # Text that is the same in all certificates may still depend on the language.
        lower = self._lower_layer(width_px, language)
        data = self._data(values, language, layer="upper", pictures=pictures)
        upper = self._compile("pdf", data, timestamp=0, pdf_tags=False)
        return encode(draw_over(lower.layer, upper), format_, lower=lower)

    def svg(
        self, values: Mapping[str, Value], *, language: str = "en", pictures: Mapping[str, bytes] | None = None
    ) -> bytes:
        """A vector picture that needs no fonts: its letters are outlines."""
        return self._compile("svg", self._data(values, language, pictures=pictures))

    def findings(self, values: Mapping[str, Value], *, language: str = "en") -> list[Finding]:
        """What would be wrong with a certificate of these values: too long, missing, or in letters no font has."""
        found = [finding for slot in self._source.slots for finding in self._findings_of(slot, values, language)]
        for over in self._overflows(values, language):
            slot = self._source.slots[over["index"]]
            what = "cut off" if isinstance(slot.element, Text) and slot.element.fit == "ellipsis" else "set too small"
            found.append(_finding("overflow", slot, f"The text is too long for its box and is {what}"))
        return found

    def _findings_of(self, slot: Slot, values: Mapping[str, Value], language: str) -> Iterator[Finding]:
        element = slot.element
        for tag in sorted(_missing_tags(element, values)):
            yield Finding("missing", slot.path, element.name, (tag,), f"[{tag}] has no value")
        if isinstance(element, QRCode):
            try:
                qr_svg(fill_in(element.content, values, language) or " ", element)
            except Invalid as error:
                yield _finding("overflow", slot, error.message)
        elif isinstance(element, Text) and (letters := self._missing_of(element, values, language)):
            with_them = (tag for tag in _tags_of(element) if set(str(values.get(tag, ""))) & set(letters))
            yield Finding("glyph", slot.path, element.name, tuple(sorted(with_them)), missing_message(letters))

    def height_px(self, width_px: int) -> int:
        """How high a picture of that width is."""
        width, height = self._document.page.size_mm
        return round(width_px * height / width)

    def _ppi(self, width_px: int) -> float:
        return width_px / (self._document.page.size_mm[0] / _MM_PER_INCH)

    def _lower_layer(self, width_px: int, language: str) -> Lower:
        key = (width_px, language)
        with self._lock:
            if key in self._layers:
                self._layers.move_to_end(key)
                return self._layers[key]
        data = self._data({}, language, layer="lower")
        made = lower_of(read_png(self._compile("png", data, ppi=self._ppi(width_px))))
        with self._lock:
            self._layers[key] = made
            while len(self._layers) > LAYERS_KEPT:
                self._layers.popitem(last=False)
        return made

    def _overflows(self, values: Mapping[str, Value], language: str) -> list[dict[str, Any]]:
        data = self._data(values, language, check=True)
        with self._compiler(data) as compiler:
            _run(compiler, format="png", ppi=1.0)
            fits = msgspec.json.decode(compiler.query("<fit>", field="value"))
        return [fit for fit in fits if fit["over"]]

    def _missing_of(self, element: Text, values: Mapping[str, Value], language: str) -> list[str]:
        missing: dict[str, None] = {}
        for run in element.styled_runs:
            text = _shown(run, element, values, language)
            missing |= dict.fromkeys(missing_letters(text, run.font or element.font, extra=self._font_folders))
        return list(missing)

    def _missing_letters(self, values: Mapping[str, Value], language: str) -> set[str]:
        texts = [slot.element for slot in self._source.slots if isinstance(slot.element, Text)]
        return {letter for text in texts for letter in self._missing_of(text, values, language)}

    def _data(
        self,
        values: Mapping[str, Value],
        language: str,
        *,
        title: str = "",
        layer: Literal["all", "lower", "upper"] = "all",
        bleed: float = 0.0,
        check: bool = False,
        attachments: Sequence[Mapping[str, str]] = (),
        pictures: Mapping[str, bytes] | None = None,
    ) -> bytes:
        # Where texts are only measured, or what does not differ is drawn, neither QR codes nor pictures are needed.
        is_whole = not check and layer != "lower"
        files = self._value_files(values, pictures or {}) if is_whole else {}
        items = [
            self._item(slot, values, language, files)
            if is_whole or not isinstance(slot.element, QRCode)
            else {"svg": _NOTHING, "alt": "", "file": None}
            for slot in self._source.slots
        ]
        return msgspec.json.encode(
            {
                "title": title,
                "lang": subtags(language),
                "layer": layer,
                "bleed": bleed,
                "check": check,
                "attachments": attachments,
                "items": items,
            }
        )

    def _item(
        self,
        slot: Slot,
        values: Mapping[str, Value],
        language: str,
        files: Mapping[tuple[str, float], str],
    ) -> Mapping[str, Any]:
        """What the typst source is given for an element; `files` are those of pictures, by source and opacity."""
        match element := slot.element:
            case Text():
                return self._kept_text(slot.path, element, values, language)
            case QRCode():
                content = fill_in(element.content, values, language) or " "
                return {
                    "svg": qr_svg(content, element),
                    "alt": element.alt or f"QR code: {content}",
                    "file": files.get((element.logo or "", 1.0)),
                }
            case Image() | Signature():
                alt = element.alt or ("Signature" if isinstance(element, Signature) else "")
                return {"alt": alt, "file": files.get((element.source, element.opacity))}
            case _:
                return {"alt": element.alt}

    def _kept_text(self, path: str, element: Text, values: Mapping[str, Value], language: str) -> Mapping[str, Any]:
        """Most texts of a certificate are those of the one before."""
        # As they are written: 40 and 40.0 are equal, and not the same text.
        key = (path, language, *(repr(values.get(tag)) for tag in self._tags_of_texts[path]))
        found = self._texts.get(key)
        if found is None:
            found = self._text_item(element, values, language)
            # Two threads may make the same, and either will do.
            if len(self._texts) >= TEXTS_KEPT:
                self._texts.clear()
            self._texts[key] = found
        return found

    def _text_item(self, element: Text, values: Mapping[str, Value], language: str) -> Mapping[str, Any]:
        """What typst needs of a text."""
        lines: list[list[dict[str, Any]]] = [[]]
        words: list[tuple[str, int]] = []
        texts = [_shown(run, element, values, language) for run in element.styled_runs]
        named = [run.font or element.font for run in element.styled_runs]
        for style, (shown, font) in enumerate(zip(texts, named, strict=True)):
            words += [(word, style) for word in _UNBREAKABLE.findall(shown)]
            first, *others = shown.split("\n")
            lines[-1] += self._pieces(first, style, font)
            lines += [self._pieces(other, style, font) for other in others]
        whole = "".join(texts)
        spoken = language_of(whole, language)
        longest = sorted(set(words), key=lambda word: (-len(word[0]), word))[:WORDS_MEASURED]
        return {
            "lines": lines,
            "words": [{"t": word, "s": style} for word, style in longest],
            "joined": sorted({run["s"] for line in lines for run in line if _JOINED.search(run["t"])}),
            "rtl": element.direction == "rtl" or (element.direction == "auto" and _is_right_to_left(whole)),
            "lang": subtags(spoken),
            "fonts": [self._fallbacks(shown, font, spoken) for shown, font in zip(texts, named, strict=True)],
        }

    def _fallbacks(self, text: str, font: str, language: str) -> tuple[str, ...]:
        """The fonts to try after a design's own: none if that has all letters, as typst hashes them with each text."""
        # A text that is cut ends with three dots that are one letter.
        if has_all(text.replace("\n", "") + "\u2026", font, extra=self._font_folders):
            return ()
        return fallbacks(language, font)

    def _pieces(self, text: str, style: int, font: str) -> list[dict[str, Any]]:
        """A stretch of a line for typst, in pieces where some letters need another font to be tried first."""
        pieces = apart(text, font, extra=self._font_folders) or [(text, None)]
        return [{"t": piece, "s": style} | ({"f": first} if first else {}) for piece, first in pieces]

    def _compile(self, format_: Literal["pdf", "png", "svg"], data: bytes, **options: Any) -> bytes:
        with self._compiler(data) as compiler:
            made = _run(compiler, format=format_, **options)
        if isinstance(made, str):
            return made.encode()
        if not isinstance(made, bytes):
            raise RenderingFailed("typst gave other than one page")
        return made

    @contextmanager
    def _compiler(self, data: bytes) -> Iterator[typst.Compiler]:
        """A compiler that finds the data in its file.

        As `sys.inputs` it would be a part of typst's library, on which all of its memory depends: with each certificate
        it would forget the layout of what all certificates share.
        """
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        kept = kept or self._new_compiler()
        is_sound = False
        try:
            kept.data_file.write(data)
            yield kept.compiler
            is_sound = True
        finally:
            # Nobody's data stays there, and a compiler that failed is dropped: what state it is in is not known.
            kept.data_file.write(b"")
            if not is_sound:
                kept.data_file.close()
        with self._lock:
            self._idle.append(kept)

    def _new_compiler(self) -> "_Compiler":
        name = f"{next(self._compiler_numbers)}"
        main, data_path = Path(self._folder, f"{name}.typ"), Path(self._folder, f"{name}.json")
        main.write_text(self._source.main.replace(DATA_FILE, data_path.name, 1), encoding="utf-8")
        fonts = load_fonts(self._font_folders)
        compiler = typst.Compiler(main, root=self._folder, font_paths=fonts, ignore_system_fonts=True)
        return _Compiler(compiler, _DataFile(data_path))

    def _write_pictures(self) -> dict[tuple[str, float], str]:
        """The design's own pictures as files that typst can read: source and opacity to file name."""
        return {
            (source, opacity): self._write_picture(_read_picture(source, self._assets.read), opacity)
            for source, opacity in self._placed_pictures
            if attribute_of_source(source) is None
        }

    def _value_files(self, values: Mapping[str, Value], pictures: Mapping[str, bytes]) -> dict[tuple[str, float], str]:
        """The files of the pictures that stand in values, and of those of the design, by source and opacity."""
        files = dict(self._files)
        for source, opacity in self._placed_pictures:
            tag = attribute_of_source(source)
            value = str(values.get(tag, "")) if tag is not None else ""
            if value:
                files[source, opacity] = self._value_file(value, opacity, pictures)
        return files

    def _value_file(self, source: str, opacity: float, pictures: Mapping[str, bytes]) -> str:
        key = (source, opacity)
        with self._lock:
            if key in self._value_pictures:
                self._value_pictures.move_to_end(key)
                return self._value_pictures[key]
        name = self._write_picture(_read_picture(source, pictures.__getitem__), opacity)
        with self._lock:
            self._value_pictures[key] = name
            # The one used longest ago is not in use by a thread that draws now, of which there are fewer by far.
            while len(self._value_pictures) > PICTURES_KEPT:
                _, oldest = self._value_pictures.popitem(last=False)
                if oldest not in self._files.values():
                    Path(self._folder, oldest).unlink(missing_ok=True)
        return name

    def _write_picture(self, content: bytes, opacity: float) -> str:
        if opacity < 1:
            content = with_opacity(content, opacity)
        name = f"picture-{sha256(content).hexdigest()[:32]}.{file_ending(content)}"
        path = Path(self._folder, name)
        if not path.exists():
            path.write_bytes(content)
        return name


class _DataFile:
    """What typst reads a certificate's data from, by a path; it stays open, and in memory where the system has a way.

    On a disk it costs ten times as much: a file that was emptied and is closed again has ext4 write it out there and then.
    """

    def __init__(self, path: Path) -> None:
        if hasattr(os, "memfd_create") and _OPEN_FILES.is_dir():
            number = os.memfd_create("testamur-data")
            path.symlink_to(_OPEN_FILES / str(number))
        else:
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._path = path
        self._file = os.fdopen(number, "wb")
        self._end = weakref.finalize(self, self._file.close)

    def write(self, content: bytes) -> None:
        """Instead of what is in it."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(content)
        self._file.flush()

    def close(self) -> None:
        self._end()
        self._path.unlink()


class _Compiler(NamedTuple):
    compiler: typst.Compiler
    data_file: _DataFile


def _run(compiler: typst.Compiler, **options: Any) -> Any:
    try:
        return compiler.compile(**options)
    except typst.TypstError as error:
        raise RenderingFailed(str(error)) from error


def _tags(document: Document) -> set[str]:
    return {tag for element in every_element(document.elements) for tag in _tags_of(element)}


def _tags_of(element: Any) -> set[str]:
    match element:
        case Text():
            return {tag for run in element.styled_runs for tag in tags_in(run.text)}
        case QRCode():
            return tags_in(element.content) | tags_in(element.logo or "")
        case Image() | Signature():
            return tags_in(element.source)
        case _:
            return set()


def _finding(kind: Literal["overflow"], slot: Slot, message: str) -> Finding:
    return Finding(kind, slot.path, slot.element.name, tuple(sorted(_tags_of(slot.element))), message)


def _missing_tags(element: Any, values: Mapping[str, Value]) -> set[str]:
    match element:
        case Text():
            return {tag for run in element.styled_runs for tag in missing_in(run.text, values)}
        case QRCode():
            return set(missing_in(element.content, values)) | set(missing_in(element.logo or "", values))
        case Image() | Signature():
            return set(missing_in(element.source, values))
        case _:
            return set()


def _pictures_in(elements: Sequence[Any], opacity: float) -> list[tuple[str, float]]:
    """Sources and the opacity at which each is drawn, that of the groups around it worked in."""
    found: list[tuple[str, float]] = []
    for element in elements:
        drawn_at = opacity * element.opacity
        if isinstance(element, Image | Signature):
            found.append((element.source, drawn_at))
        elif isinstance(element, QRCode) and element.logo:
            found.append((element.logo, 1.0))
        elif hasattr(element, "elements"):
            found += _pictures_in(element.elements, drawn_at)
    return found


def _shown(run: Run, element: Text, values: Mapping[str, Value], language: str) -> str:
    text = _printable(fill_in(run.text, values, language))
    return upper_case(text, language) if element.uppercase else text


# A stretch without spaces, except that Chinese, Japanese, Korean, Thai and their like break anywhere, and that lines
# also break behind a hyphen between two letters (not of Hebrew).
_SOLID = r"[^\s\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
_BEHIND_HYPHEN = r"(?<=[^\W\d_\u0590-\u05ff]-)(?=[^\W\d_])"
_UNBREAKABLE = re.compile(rf"{_SOLID}(?:(?!{_BEHIND_HYPHEN}){_SOLID})*|\S")


# Letters that hang together, by their strokes or by a line above them: space between them would tear words apart.
_JOINED = re.compile("[\u0600-\u07ff\u0840-\u0a7f\ufb50-\ufdff\ufe70-\ufefc]")


def _printable(text: str) -> str:
    """Line breaks in one form and no other controls: a font has no glyph for them, so they would print as boxes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = text.replace("\t", " ")
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs", "Cn", "Co"})


def _is_right_to_left(text: str) -> bool:
    """By the first letter that has a direction (Unicode Bidirectional Algorithm, rules P2 and P3)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in {"R", "AL"}:
            return True
        if direction == "L":
            return False
    return False


def _read_picture(source: str, read: Callable[[str], bytes]) -> bytes:
    if not ASSET.fullmatch(source):
        raise Invalid(f'The picture "{source[:100]}" is not stored; give the file beside the design')
    try:
        return read(source.removeprefix("asset:"))
    except (FileNotFoundError, KeyError):
        raise Invalid(f"There is no picture {source}") from None
