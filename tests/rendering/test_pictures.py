"""Pictures that people upload: each that cannot be drawn is refused with a reason."""

import io
import struct
import zlib

import pytest
from PIL import Image

from testamur.errors import Invalid
from testamur.rendering.pictures import PICTURE_BYTES_MAX, check_picture


def saved(image, format_, **options):
    made = io.BytesIO()
    image.save(made, format_, **options)
    return made.getvalue()


def bomb(side=20_000):
    """A PNG of a few hundred bytes that says it has 400 million pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


SMALL = Image.effect_noise((300, 200), 40).convert("RGB")


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_a_whole_picture_passes(format_):
    found = check_picture(saved(SMALL, format_))
    assert (found.media_type, found.width_px, found.height_px) == (f"image/{format_.lower()}", 300, 200)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a PNG or JPEG"),
        (b"Hello, this is text", "not a PNG or JPEG"),
        (b"%PDF-1.7", "not a PNG or JPEG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
        (saved(SMALL, "GIF"), "not a PNG or JPEG"),
        (saved(SMALL, "PNG")[:-4000], "broken"),
        (saved(SMALL, "JPEG")[:3000], "broken"),
        (bomb(), "too many pixels"),
        (bomb(9000), "too many pixels"),
        (saved(Image.new("L", (8001, 1)), "PNG"), "too many pixels"),
        (saved(SMALL.convert("CMYK"), "JPEG"), "CMYK"),
        (saved(SMALL, "PNG", save_all=True, append_images=[SMALL.rotate(90)]), "animated"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * PICTURE_BYTES_MAX, "larger than 10 MiB"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(content, reason):
    with pytest.raises(Invalid, match=reason):
        check_picture(content)
