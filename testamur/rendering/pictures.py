"""Pictures that people upload: what they are, and whether it is safe to draw them."""

import io
import warnings

import msgspec
from PIL import Image, UnidentifiedImageError

from testamur.errors import Invalid

PICTURE_BYTES_MAX = 10 * 1024 * 1024
SIDE_PX_MAX = 8000
PIXELS_MAX = 30_000_000
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


class Picture(msgspec.Struct, frozen=True):
    """What is known of a picture that passed."""

    media_type: str
    width_px: int
    height_px: int


def check_picture(content: bytes) -> Picture:
    """Raises Invalid unless this is a whole PNG or JPEG of moderate size, in grey or RGB."""
    if len(content) > PICTURE_BYTES_MAX:
        raise Invalid(f"The picture is larger than {PICTURE_BYTES_MAX // 1024 // 1024} MiB; make it smaller")
    if b"<svg" in content[:1000]:
        raise Invalid("SVG pictures are not accepted yet; export it as PNG")
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures near its own limit; ours is lower and checked before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=tuple(_MEDIA_TYPES)) as image:
                return _checked(image)
    except Invalid:
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise Invalid("The file is not a PNG or JPEG picture") from None
    except Exception:  # noqa: BLE001 - a broken file can make a decoder raise anything.
        raise Invalid("The picture is broken or incomplete; export it again") from None


def with_opacity(content: bytes, opacity: float) -> bytes:
    """A checked picture as PNG, seen through to 1 - `opacity`: typst itself draws every picture at its full strength."""
    with Image.open(io.BytesIO(content)) as image:
        see_through = image.convert("RGBA")
    see_through.putalpha(see_through.getchannel("A").point(lambda value: round(value * opacity)))
    made = io.BytesIO()
    see_through.save(made, "PNG")
    return made.getvalue()


def _checked(image: Image.Image) -> Picture:
    width, height = image.size
    if max(width, height) > SIDE_PX_MAX or width * height > PIXELS_MAX:
        raise _too_many_pixels()
    if getattr(image, "n_frames", 1) > 1:
        raise Invalid("The picture is animated; export one frame")
    if image.mode == "CMYK":
        raise Invalid("The picture is in CMYK; export it in RGB")
    image.load()  # Decodes all of it, so that a truncated file is found now and not on a certificate.
    return Picture(_MEDIA_TYPES[str(image.format)], width, height)


def _too_many_pixels() -> Invalid:
    return Invalid(f"The picture has too many pixels; make it at most {SIDE_PX_MAX} wide and high")
