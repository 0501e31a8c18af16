"""Badges in pictures: putting an Open Badge into a PNG or SVG, and taking it out again.

Open Badges 3.0, section 5.3, and the Open Badges Baking Specification of 2.0. The picture itself is not drawn anew: a
PNG gets another chunk, an SVG another element. Pictures that are read may come from anybody, so nothing in them is
decompressed, run or looked up.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

import msgspec

IMAGE_BYTES_MAX = 10_000_000

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNKS_MAX = 50_000
_TEXT_CHUNKS = {b"iTXt", b"tEXt", b"zTXt"}
_CREDENTIAL, _ASSERTION = b"openbadgecredential", b"openbadges"

_PIECE_BYTES = 1_000_000
_DEPTH_MAX = 500
_SVG_ROOT = "http://www.w3.org/2000/svg svg"
_SVG_3, _SVG_2 = "https://purl.imsglobal.org/ob/v3p0", "http://openbadges.org"
_CREDENTIAL_ELEMENT, _ASSERTION_ELEMENT = f"{_SVG_3} credential", f"{_SVG_2} assertion"
_TAG = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_DECLARATION = re.compile(rb"""\s+xmlns:openbadges\s*=\s*(?:"[^"]*"|'[^']*')""")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Unreadable(ValueError):
    """No badge can be taken out of the picture, or none can be put in; the message tells a person why."""


class NothingBaked(Unreadable):
    """It is a whole picture, and there is no badge in it."""


class Baked(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture holds.

    `credential` is an Open Badge 3.0: its JSON with an embedded proof, or a compact JWS. `assertion` is an Open Badge
    2.0: the address of a hosted assertion, its JSON, or a JWS.
    """

    credential: str | None = None
    assertion: str | None = None


def bake(image: bytes, badge: Baked) -> bytes:
    """The PNG or SVG with the badge in it, and with no other badge. Raises Unreadable."""
    return _bake_png(image, badge) if image.startswith(_SIGNATURE) else _bake_svg(image, badge)


def unbake(image: bytes) -> Baked:
    """What badge a PNG or SVG holds. Raises Unreadable, and NothingBaked if it holds none."""
    if len(image) > IMAGE_BYTES_MAX:
        raise Unreadable(f"The picture is larger than {IMAGE_BYTES_MAX // 1_000_000} MB")
    badge = _unbake_png(image) if image.startswith(_SIGNATURE) else _unbake_svg(image)
    if badge == Baked():
        raise NothingBaked("There is no badge in this picture. Programs that edit or send pictures often take it out")
    return badge


# PNG


def _bake_png(image: bytes, badge: Baked) -> bytes:
    written = [_SIGNATURE]
    is_placed = False
    for kind, data in _chunks(image):
        if kind == b"IDAT" and not is_placed:
            is_placed = True
            written += [
                _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text.encode())
                for keyword, text in ((_CREDENTIAL, badge.credential), (_ASSERTION, badge.assertion))
                if text is not None
            ]
        if not _keyword(kind, data):
            written.append(_chunk(kind, data))
    if not is_placed:
        raise Unreadable("The PNG is broken: there is no picture in it")
    return b"".join(written)


def _unbake_png(image: bytes) -> Baked:
    found: dict[bytes, str] = {}
    for kind, data in _chunks(image):
        if not (keyword := _keyword(kind, data)):
            continue
        if keyword in found:
            raise Unreadable("There are two badges of one kind in this picture, so it is not clear which one is meant")
        found[keyword] = _chunk_text(kind, data.removeprefix(keyword))
    return Baked(credential=found.get(_CREDENTIAL), assertion=found.get(_ASSERTION))


def _keyword(kind: bytes, data: bytes) -> bytes:
    """Under which keyword a chunk holds a badge; empty if it holds none."""
    keyword = data[:80].partition(b"\0")[0] if kind in _TEXT_CHUNKS else b""
    return keyword if keyword in {_CREDENTIAL, _ASSERTION} else b""


def _chunk_text(kind: bytes, data: bytes) -> str:
    if kind != b"iTXt" or data[1:2] != b"\0":
        raise Unreadable(
            "The badge is compressed or in the wrong kind of chunk: Open Badges wants an uncompressed iTXt"
        )
    _language, _, rest = data[3:].partition(b"\0")
    _translated, end, text = rest.partition(b"\0")
    try:
        if end:
            return text.decode()
    except UnicodeDecodeError:
        pass
    raise Unreadable("The badge in this picture is broken: its text cannot be read")


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and data of each chunk up to IEND (PNG, section 5.3). What follows it is no part of the picture."""
    at = len(_SIGNATURE)
    for number in range(_CHUNKS_MAX):
        if at + 12 > len(image):
            raise Unreadable("The PNG is cut off")
        length, kind = struct.unpack_from(">I4s", image, at)
        if at + 12 + length > len(image):
            raise Unreadable("The PNG is cut off")
        data = image[at + 8 : at + 8 + length]
        if zlib.crc32(data, zlib.crc32(kind)) != int.from_bytes(image[at + 8 + length : at + 12 + length], "big"):
            raise Unreadable("The PNG is damaged: a checksum in it is wrong")
        if (kind == b"IHDR") != (number == 0):
            raise Unreadable("The PNG is broken: its header is not where it must be")
        yield kind, data
        if kind == b"IEND":
            return
        at += 12 + length
    raise Unreadable("The PNG has too many parts")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


# SVG


class _Element(msgspec.Struct, kw_only=True):
    """An element that holds a badge: where it begins and ends in the file, and what it says."""

    name: str
    start: int
    end: int = 0
    verify: str | None
    text: list[str] = []


def _bake_svg(image: bytes, badge: Baked) -> bytes:
    reader = _SvgReader(image)
    start = reader.root or 0
    tag_end = _tag_end(image, start)
    tag, body = image[start:tag_end], _without(image[tag_end:], tag_end, reader.elements)
    if tag.endswith(b"/>"):
        raise Unreadable("There is no picture in this SVG")
    namespace = _SVG_2 if badge.credential is None else _SVG_3
    # The closing bracket is all that is surely not part of an attribute.
    tag = _DECLARATION.sub(b"", tag)[:-1] + f' xmlns:openbadges="{namespace}">'.encode()
    written = ""
    if badge.credential is not None:
        written += _credential_element(badge.credential)
    if badge.assertion is not None:
        declared = "" if namespace == _SVG_2 else f' xmlns:openbadges="{_SVG_2}"'
        written += f"<openbadges:assertion{declared} verify={quoteattr(badge.assertion)}></openbadges:assertion>"
    return image[:start] + tag + written.encode() + body


def _credential_element(credential: str) -> str:
    if not credential.lstrip().startswith("{"):
        return f"<openbadges:credential verify={quoteattr(credential)}></openbadges:credential>"
    # The JSON stays the same JSON: these can only stand within its strings.
    text = _NOT_IN_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", credential.replace("]]>", "]]\\u003e"))
    return f"<openbadges:credential><![CDATA[{text}]]></openbadges:credential>"


def _unbake_svg(image: bytes) -> Baked:
    found: dict[str, str] = {}
    for element in _SvgReader(image).elements:
        if element.name in found:
            raise Unreadable("There are two badges of one kind in this picture, so it is not clear which one is meant")
        text, verify = "".join(element.text).strip(), (element.verify or "").strip()
        if text and verify and element.name == _CREDENTIAL_ELEMENT:
            raise Unreadable("The badge is in this picture in two forms, so it is not clear which one is meant")
        # A 2.0 assertion may be written out beside its address; only what the address serves counts.
        found[element.name] = verify or text
    return Baked(credential=found.get(_CREDENTIAL_ELEMENT), assertion=found.get(_ASSERTION_ELEMENT))


class _SvgReader:
    """Finds where the root element begins, and all elements that hold a badge. Raises Unreadable."""

    def __init__(self, image: bytes) -> None:
        self._image = image
        self._open: _Element | None = None
        self._depth = 0
        self.root: int | None = None
        self.elements: list[_Element] = []
        parser = self._parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        try:
            # The parser goes on to the end of what it has even after an error, so it is not given everything at once.
            for at in range(0, len(image), _PIECE_BYTES):
                parser.Parse(image[at : at + _PIECE_BYTES], False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            if self.root is None:
                raise Unreadable("This is neither a PNG nor an SVG") from None
            raise Unreadable(f"The SVG is broken at line {error.lineno}") from None

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        # What is read here as UTF-8 would be read by others as something else.
        if encoding is not None and encoding.lower() != "utf-8":
            raise Unreadable("The SVG is not in UTF-8; export it again")

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_internal_subset: int) -> None:
        # The DOCTYPE that drawing programs write only names the standard, and is not followed.
        if has_internal_subset:
            raise Unreadable("The SVG declares entities in its DOCTYPE; export it without them")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self.root is None:
            if name != _SVG_ROOT:
                raise Unreadable("This is neither a PNG nor an SVG")
            self.root = self._parser.CurrentByteIndex
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise Unreadable(f"The SVG is nested more than {_DEPTH_MAX} levels deep; simplify it")
        if self._open is not None:
            raise Unreadable("The badge in this SVG is broken: there are elements in it")
        if name in {_CREDENTIAL_ELEMENT, _ASSERTION_ELEMENT}:
            self._open = _Element(name=name, start=self._parser.CurrentByteIndex, verify=attributes.get("verify"))
            self.elements.append(self._open)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._open is not None:
            first = _tag_end(self._image, self._open.start)
            is_empty = self._image[first - 2 : first] == b"/>"
            self._open.end = first if is_empty else _tag_end(self._image, self._parser.CurrentByteIndex)
            self._open = None

    def _data(self, text: str) -> None:
        if self._open is not None:
            self._open.text.append(text)


def _tag_end(image: bytes, start: int) -> int:
    """Where the tag that begins here ends. Only called where the parser has seen one."""
    found = _TAG.match(image, start)
    return found.end() if found else len(image)


def _without(body: bytes, offset: int, elements: list[_Element]) -> bytes:
    for element in reversed(elements):
        body = body[: element.start - offset] + body[element.end - offset :]
    return body
