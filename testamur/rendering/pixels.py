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
# The library draws for one thread at a time.
_pdfium_lock = Lock()


class Layer(msgspec.Struct, frozen=True):
    """Pixels row by row from the top: red, green, blue and, if it is see-through, alpha, a byte each."""

    width_px: int
    height_px: int
    pixels: bytes
    is_see_through: bool


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


def encode(layer: Layer, format_: RasterFormat) -> bytes:
    """The pixels as a file."""
    if format_ == "png":
        return _png(layer)
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


def _png(layer: Layer) -> bytes:
    """PNG with each row stored as its difference from the row above, which the fast compressor then finds repeated.

    Pillow's own encoder tries all filters and compresses with zlib: five to ten times as slow for a few per cent.
    """
    across = len(layer.pixels) // layer.height_px
    rows = Image.frombytes("L", (across, layer.height_px), layer.pixels)
    above = Image.new("L", rows.size)
    above.paste(rows, (0, 1))
    # Each row begins with the number of its filter, 2 for "up".
    filtered = Image.new("L", (across + 1, layer.height_px), 2)
    filtered.paste(ImageChops.subtract_modulo(rows, above), (1, 0))
    color_type = 6 if layer.is_see_through else 2
    header = struct.pack(">IIBBBBB", layer.width_px, layer.height_px, 8, color_type, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", isal_zlib.compress(filtered.tobytes(), 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
