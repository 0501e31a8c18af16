"""Pictures that people upload: what they are, whether it is safe to draw them, and in which form they are kept."""

import io

from PIL import Image

from testamur.errors import Invalid
from testamur.rendering.raster_pictures import PIXELS_MAX, SIDE_PX_MAX, Prepared, prepare_raster
from testamur.rendering.trial import Ending
from testamur.rendering.vector_pictures import faded, prepare_svg

__all__ = [
    "PICTURE_BYTES_MAX",
    "PIXELS_MAX",
    "SIDE_PX_MAX",
    "Prepared",
    "file_ending",
    "prepare_picture",
    "with_opacity",
]

PICTURE_BYTES_MAX = 10 * 1024 * 1024


def prepare_picture(content: bytes) -> Prepared:
    """The picture as it is to be stored: a PNG or JPEG in sRGB or grey, or a cleaned SVG; without metadata.

    What is so already stays byte for byte; the same file always becomes the same bytes. Raises Invalid for anything
    else than one whole still picture (PNG, JPEG, WebP, GIF, SVG) of moderate size.
    """
    if len(content) > PICTURE_BYTES_MAX:
        raise Invalid(f"The picture is larger than {PICTURE_BYTES_MAX // 1024 // 1024} MiB; make it smaller")
    if content.startswith(b"\x1f\x8b"):
        raise Invalid("The file is compressed; if it is an SVGZ picture, save it as SVG")
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return prepare_svg(content)
    return prepare_raster(content)


def file_ending(content: bytes) -> Ending:
    """`png`, `jpg` or `svg`: what a prepared picture is, by its first bytes, in the words of typst."""
    if content.startswith(b"\x89PNG"):
        return "png"
    return "jpg" if content.startswith(b"\xff\xd8") else "svg"


def with_opacity(content: bytes, opacity: float) -> bytes:
    """A prepared picture, seen through to 1 - `opacity`: typst itself draws every picture at its full strength."""
    if file_ending(content) == "svg":
        return faded(content, opacity)
    with Image.open(io.BytesIO(content)) as image:
        see_through = image.convert("RGBA")
    see_through.putalpha(see_through.getchannel("A").point(lambda value: round(value * opacity)))
    made = io.BytesIO()
    see_through.save(made, "PNG")
    return made.getvalue()
