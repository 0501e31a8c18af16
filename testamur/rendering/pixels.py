"""Pixels: what differs between certificates drawn over a picture of what they share, and pictures written quickly."""

import ctypes
import io
import struct
import zlib
from threading import Lock
from typing import Literal

import msgspec
import pypdfium2
import pypdfium2.raw as pdfium
from isal import isal_zlib
from PIL import Image, ImageChops

RasterFormat = Literal["png", "jpeg", "webp"]
QUALITY = 85
# The library draws for one thread at a time.
_pdfium_lock = Lock()


class Layer(msgspec.Struct, frozen=True):
    """Pixels of four bytes each, row by row from the top: red, green, blue and, if it is see-through, alpha."""

    width_px: int
    height_px: int
    pixels: bytes
    is_see_through: bool


def read_png(content: bytes) -> Layer:
    """A PNG of our own making as pixels."""
    with Image.open(io.BytesIO(content)) as image:
        shown = image.convert("RGBA")
    low, _ = shown.getchannel("A").getextrema()
    return Layer(shown.width, shown.height, shown.tobytes(), is_see_through=low != 255)


def draw_over(lower: Layer, page: bytes) -> Layer:
    """The first page of a PDF, which must be of the same proportions, drawn over a layer."""
    width, height = lower.width_px, lower.height_px
    buffer = (ctypes.c_ubyte * len(lower.pixels)).from_buffer_copy(lower.pixels)
    format_ = pdfium.FPDFBitmap_BGRA if lower.is_see_through else pdfium.FPDFBitmap_BGRx
    with _pdfium_lock:
        document = pypdfium2.PdfDocument(page)
        try:
            loaded = document[0]
            bitmap = pdfium.FPDFBitmap_CreateEx(width, height, format_, buffer, width * 4)
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
    size = (layer.width_px, layer.height_px)
    if layer.is_see_through and format_ != "jpeg":
        image = Image.frombytes("RGBA", size, layer.pixels)
    elif layer.is_see_through:
        # JPEG knows no transparency: what lies behind is white, as on paper.
        see_through = Image.frombytes("RGBA", size, layer.pixels)
        image = Image.new("RGB", size, "white")
        image.paste(see_through, mask=see_through.getchannel("A"))
    else:
        image = Image.frombytes("RGB", size, layer.pixels, "raw", "RGBX")
    if format_ == "png":
        return _png(image)
    made = io.BytesIO()
    options = {"method": 2} if format_ == "webp" else {"optimize": False, "subsampling": "4:4:4"}
    image.save(made, format_, quality=QUALITY, **options)
    return made.getvalue()


def _png(image: Image.Image) -> bytes:
    """PNG with each row stored as its difference from the row above, which the fast compressor then finds repeated.

    Pillow's own encoder tries all filters and compresses with zlib: five to ten times as slow for a few per cent.
    """
    bytes_each = 4 if image.mode == "RGBA" else 3
    across = image.width * bytes_each
    rows = Image.frombytes("L", (across, image.height), image.tobytes())
    above = Image.new("L", rows.size)
    above.paste(rows, (0, 1))
    filtered = Image.new("L", (across + 1, image.height), 2)
    filtered.paste(ImageChops.subtract_modulo(rows, above), (1, 0))
    color_type = 6 if bytes_each == 4 else 2
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, color_type, 0, 0, 0)
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
