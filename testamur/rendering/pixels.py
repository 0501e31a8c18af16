"""Pixels: what differs between certificates drawn over a picture of what they share, and pictures written quickly."""

import ctypes
import io
import struct
import zlib
from threading import Lock
from typing import Literal

import msgspec
from isal import isal_zlib
from PIL import Image, ImageChops

RasterFormat = Literal["png", "jpeg", "webp"]
QUALITY = 85
_BAND_ROWS = 32
# A stream of zlib (RFC 1950): its first bytes, an empty last block (RFC 1951), and the modulus of its checksum.
_ZLIB_HEADER = b"\x78\x01"
_LAST_BLOCK = b"\x03\x00"
_ADLER_BASE = 65521
# The library draws for one thread at a time.
_pdfium_lock = Lock()


class Layer(msgspec.Struct, frozen=True):
    """Pixels row by row from the top: red, green, blue and, if it is see-through, alpha, a byte each."""

    width_px: int
    height_px: int
    pixels: bytes
    is_see_through: bool


class _Band(msgspec.Struct, frozen=True):
    compressed: bytes
    checksum: int
    size: int


class Lower(msgspec.Struct, frozen=True):
    """A layer that others are drawn over, and its bands as they stand in a PNG."""

    layer: Layer
    bands: tuple[_Band, ...]


def lower_of(layer: Layer) -> Lower:
    """The layer, ready to be drawn over."""
    return Lower(layer, tuple(_band(layer, top) for top in range(0, layer.height_px, _BAND_ROWS)))


def read_png(content: bytes) -> Layer:
    """A PNG of our own making as pixels."""
    with Image.open(io.BytesIO(content)) as image:
        shown = image.convert("RGBA")
    low, _ = shown.getchannel("A").getextrema()
    if low != 255:
        return Layer(shown.width, shown.height, shown.tobytes(), is_see_through=True)
    return Layer(shown.width, shown.height, shown.convert("RGB").tobytes(), is_see_through=False)


def draw_over(lower: Layer, page: bytes) -> Layer:
    """The first page of a PDF, which must be of the same proportions, drawn over a layer."""
    # Loaded by the processes that draw, and by no others.
    import pypdfium2  # noqa: PLC0415
    import pypdfium2.raw as pdfium  # noqa: PLC0415

    width, height = lower.width_px, lower.height_px
    buffer = (ctypes.c_ubyte * len(lower.pixels)).from_buffer_copy(lower.pixels)
    format_ = pdfium.FPDFBitmap_BGRA if lower.is_see_through else pdfium.FPDFBitmap_BGR
    with _pdfium_lock:
        document = pypdfium2.PdfDocument(page)
        try:
            loaded = document[0]
            bitmap = pdfium.FPDFBitmap_CreateEx(width, height, format_, buffer, len(lower.pixels) // height)
            try:
                flags = pdfium.FPDF_REVERSE_BYTE_ORDER | pdfium.FPDF_ANNOT
                pdfium.FPDF_RenderPageBitmap(bitmap, loaded.raw, 0, 0, width, height, 0, flags)
            finally:
                pdfium.FPDFBitmap_Destroy(bitmap)
            loaded.close()
        finally:
            document.close()
    return Layer(width, height, bytes(buffer), lower.is_see_through)


def encode(layer: Layer, format_: RasterFormat, *, lower: Lower | None = None) -> bytes:
    """The pixels as a file. To know what they are drawn over makes it quicker, and changes no byte."""
    if format_ == "png":
        return _png(layer, lower)
    size = (layer.width_px, layer.height_px)
    image = Image.frombytes("RGBA" if layer.is_see_through else "RGB", size, layer.pixels)
    if layer.is_see_through and format_ == "jpeg":
        # JPEG knows no transparency: what lies behind is white, as on paper.
        sheet = Image.new("RGB", size, "white")
        sheet.paste(image, mask=image.getchannel("A"))
        image = sheet
    made = io.BytesIO()
    options = {"method": 2} if format_ == "webp" else {"optimize": False, "subsampling": "4:4:4"}
    image.save(made, format_, quality=QUALITY, **options)
    return made.getvalue()


def _png(layer: Layer, lower: Lower | None) -> bytes:
    """PNG with each row stored as its difference from the row above, which the fast compressor then finds repeated.

    Pillow's own encoder tries all filters and compresses with zlib: five to ten times as slow for a few per cent. Rows
    are compressed in bands that know nothing of each other, so that those which show only the lower layer are ready.
    """
    color_type = 6 if layer.is_see_through else 2
    header = struct.pack(">IIBBBBB", layer.width_px, layer.height_px, 8, color_type, 0, 0, 0)
    parts = [_ZLIB_HEADER]
    checksum = 1
    for at, top in enumerate(range(0, layer.height_px, _BAND_ROWS)):
        band = _band(layer, top) if lower is None or _differ(layer, lower.layer, top) else lower.bands[at]
        parts.append(band.compressed)
        checksum = _adler32_combine(checksum, band.checksum, band.size)
    parts += (_LAST_BLOCK, struct.pack(">I", checksum))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", b"".join(parts)),
            _chunk(b"IEND", b""),
        )
    )


def _differ(one: Layer, other: Layer, top: int) -> bool:
    """Whether the band from that row, or the row above it, which it is stored as the difference from, is another."""
    across = len(one.pixels) // one.height_px
    rows = slice(max(0, top - 1) * across, (top + _BAND_ROWS) * across)
    return one.pixels[rows] != other.pixels[rows]


def _band(layer: Layer, top: int) -> _Band:
    """The rows from `top`, compressed on their own."""
    across = len(layer.pixels) // layer.height_px
    count = min(_BAND_ROWS, layer.height_px - top)
    shown = layer.pixels[top * across : (top + count) * across]
    before = layer.pixels[max(0, top - 1) * across : (top + count - 1) * across]
    rows = Image.frombytes("L", (across, count), shown)
    above = Image.frombytes("L", (across, count), before if top else bytes(across) + before)
    # Each row begins with the number of its filter, 2 for "up".
    filtered = Image.new("L", (across + 1, count), 2)
    filtered.paste(ImageChops.subtract_modulo(rows, above), (1, 0))
    content = filtered.tobytes()
    compressor = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
    compressed = compressor.compress(content) + compressor.flush(isal_zlib.Z_FULL_FLUSH)
    return _Band(compressed, isal_zlib.adler32(content), len(content))


def _adler32_combine(one: int, other: int, size: int) -> int:
    """The checksum of two contents one after the other, from theirs and the second's size in bytes (RFC 1950)."""
    low = (one & 0xFFFF) + (other & 0xFFFF) - 1
    high = (one >> 16) + (other >> 16) + size * ((one & 0xFFFF) - 1)
    return (high % _ADLER_BASE) << 16 | low % _ADLER_BASE


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
