"""Pictures that people upload: kept in a form that can be drawn and shown in public, or refused with a reason."""

import io
import random
import struct
import subprocess
import sys
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import isal_zlib
from PIL import Image, ImageChops, PngImagePlugin

from testamur.errors import Invalid
from testamur.rendering.pictures import PICTURE_BYTES_MAX, file_ending, prepare_picture, with_opacity
from testamur.rendering.trial import draws


def saved(image, format_, **options):
    made = io.BytesIO()
    image.save(made, format_, **options)
    return made.getvalue()


def opened(picture):
    return Image.open(io.BytesIO(picture.content))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks, width=4, height=4, depth=8, color=2, rows=None):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    rows = rows if rows is not None else (b"\0" + b"\x80" * width * 3) * height
    body = chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def bomb(side):
    """A real one: all `side` x `side` pixels are in it, in some megabytes."""
    rows = isal_zlib.compressobj()
    data = b"".join(rows.compress(b"\0" * (side * 3 + 1)) for _ in range(side)) + rows.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def profile(space, tags):
    """An ICC profile, version 2, with these tags."""
    table, body = b"", b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    whole = struct.pack(">I", len(tags)) + table + body
    kind, connection = (b"prtr", b"Lab ") if space == b"CMYK" else (b"mntr", b"XYZ ")
    head = struct.pack(">I4sI4s4s4s", 128 + len(whole), b"\0\0\0\0", 0x02100000, kind, space, connection)
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + whole


def xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in values))


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


WHITE = xyz(0.9642, 1, 0.8249)
# Adobe RGB: its green lies far outside of sRGB.
WIDE = profile(
    b"RGB ",
    {
        b"wtpt": WHITE,
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(2.2)),
    },
)
DARK_GREY = profile(b"GRAY", {b"wtpt": WHITE, b"kTRC": curve(4)})


def inks():
    """A CMYK profile of two steps per ink, in which cyan prints as a dull blue and black as dark grey."""
    lab = bytearray()
    for index in range(16):
        cyan, magenta, yellow, black = (index >> shift & 1 for shift in (3, 2, 1, 0))
        light = max(20, 100 - 40 * cyan - 45 * magenta - 10 * yellow - 80 * black)
        lab += bytes([round(light * 2.55), 128 + 60 * magenta, 128 - 40 * cyan + 70 * yellow])
    matrix = struct.pack(">9i", *(65536 * (index % 4 == 0) for index in range(9)))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + bytes(lab) + ramp * 3
    return profile(b"CMYK", {b"wtpt": WHITE, b"A2B0": lut})


SMALL = Image.effect_noise((300, 200), 40).convert("RGB")
TURNED = Image.new("RGB", (40, 20), "red")
TURNED.paste("blue", (0, 0, 20, 20))


def exif(**tags):
    made = Image.Exif()
    made[0x0112] = tags.get("orientation", 1)
    made[0x010E] = "SECRET place"
    return made


def short(value):
    """The id of a test: a picture's bytes would be megabytes of it."""
    return value if isinstance(value, str) else type(value).__name__


SRGB_GREY_BLACK_AND_PALETTE = [
    saved(SMALL, "PNG"),
    saved(SMALL, "PNG", dpi=(300, 300)),
    saved(SMALL.convert("L"), "PNG"),
    saved(SMALL.convert("LA"), "PNG"),
    saved(SMALL.convert("RGBA"), "PNG"),
    saved(SMALL.convert("1"), "PNG"),
    saved(SMALL.convert("P"), "PNG"),
    saved(SMALL.convert("P"), "PNG", transparency=3),
    saved(SMALL, "JPEG"),
    saved(SMALL.convert("L"), "JPEG"),
    saved(SMALL, "JPEG", progressive=True, subsampling=2),
    saved(SMALL, "JPEG", keep_rgb=True),
]


@pytest.mark.parametrize("content", SRGB_GREY_BLACK_AND_PALETTE, ids=short)
def test_a_plain_picture_stays_byte_for_byte(content):
    found = prepare_picture(content)
    assert found.content == content
    assert found.media_type == ("image/png" if content.startswith(b"\x89") else "image/jpeg")
    assert (found.width_px, found.height_px) == (300, 200)


ZIP = b"PK\x03\x04" + b"\0" * 40 + b"PK\x05\x06" + b"\0" * 18


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a PNG, JPEG"),
        (b"Hello, this is text", "not a PNG, JPEG"),
        (b"%PDF-1.7", "not a PNG, JPEG"),
        (saved(SMALL, "TIFF"), "not a PNG, JPEG"),
        (saved(SMALL, "BMP"), "not a PNG, JPEG"),
        (b"\x1f\x8b\x08\0\0\0", "compressed"),
        (b"\x89PNG\r\n\x1a\n", "broken"),
        (saved(SMALL, "PNG")[:-4000], "broken"),
        (saved(SMALL, "PNG")[:-12], "broken"),
        (saved(SMALL, "JPEG")[:3000], "broken"),
        (saved(SMALL, "JPEG")[:-2], "broken"),
        (saved(SMALL, "WEBP")[:-100], "broken"),
        (saved(SMALL, "GIF")[:-100], "broken"),
        (png(chunk(b"CgBI", b"\0\0\0\0")), "broken"),
        (png(rows=b"\0" * 7), "broken"),
        (png(width=0, rows=b""), "broken"),
        (png(width=20_000, height=1), "too many pixels"),
        (png(width=20_000, height=20_000, rows=b""), "too many pixels"),
        (png(width=7000, height=7000, rows=b""), "too many pixels"),
        (saved(Image.new("L", (8001, 1)), "PNG"), "too many pixels"),
        (saved(Image.new("L", (8001, 1)), "JPEG"), "too many pixels"),
        (saved(Image.new("L", (8001, 1)), "WEBP"), "too many pixels"),
        (saved(Image.new("L", (8001, 1)), "WEBP", lossless=True), "too many pixels"),
        (saved(Image.new("L", (8001, 1)), "GIF"), "too many pixels"),
        (saved(SMALL, "PNG", save_all=True, append_images=[SMALL.rotate(90)]), "animated"),
        (saved(SMALL, "WEBP", save_all=True, append_images=[SMALL.rotate(90)]), "animated"),
        (saved(SMALL, "GIF", save_all=True, append_images=[SMALL.rotate(180)]), "animated"),
        (saved(SMALL, "PNG") + ZIP, "other data after"),
        (saved(SMALL, "GIF") + ZIP, "other data after"),
        (saved(SMALL, "WEBP") + ZIP, "other data after"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * PICTURE_BYTES_MAX, "larger than 10 MiB"),
    ],
    ids=short,
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(content, reason):
    with pytest.raises(Invalid, match=reason):
        prepare_picture(content)


def test_a_jpeg_that_paints_itself_hundreds_of_times_is_refused():
    content = saved(SMALL, "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    again = content[start:-2]
    with pytest.raises(Invalid, match="scans"):
        prepare_picture(content[:-2] + again * 100 + content[-2:])


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not there on Windows")
def test_a_bomb_is_refused_without_being_decoded():
    content = bomb(20_000)  # 1.2 GB of pixels.
    assert len(content) < 3_000_000
    program = (
        "import resource, sys\n"
        "from testamur.errors import Invalid\n"
        "from testamur.rendering.pictures import prepare_picture\n"
        "content = sys.stdin.buffer.read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    prepare_picture(content)\n"
        "except Invalid as error:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input=content, capture_output=True, timeout=60, check=True)
    more_kib, _, reason = done.stdout.decode().partition(" ")
    assert "too many pixels (20000 x 20000)" in reason
    assert int(more_kib) < 20_000


def test_a_profile_and_texts_that_inflate_to_gigabytes_are_not_inflated():
    zeros = zlib.compressobj()
    data = b"".join(zeros.compress(b"\0" * 1_000_000) for _ in range(500)) + zeros.flush()
    content = png(chunk(b"iCCP", b"x\0\0" + data), chunk(b"zTXt", b"Comment\0\0" + data))
    assert len(prepare_picture(content).content) < 200


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (saved(SMALL, "WEBP"), "image/jpeg"),
        (saved(SMALL, "WEBP", lossless=True), "image/png"),
        (saved(SMALL, "GIF"), "image/png"),
        (saved(Image.merge("RGBA", (*SMALL.split(), SMALL.getchannel("R"))), "WEBP"), "image/png"),
        (saved(SMALL.convert("P"), "GIF", transparency=7), "image/png"),
    ],
    ids=short,
)
def test_webp_and_gif_become_what_everything_draws(picture, expected):
    found = prepare_picture(picture)
    assert (found.media_type, found.width_px, found.height_px) == (expected, 300, 200)
    before, after = Image.open(io.BytesIO(picture)), opened(found)
    mode = "RGBA" if after.mode == "RGBA" else "RGB"
    difference = ImageChops.difference(before.convert(mode), after.convert(mode))
    assert max(high for _, high in difference.getextrema()) <= (25 if expected == "image/jpeg" else 0)
    assert prepare_picture(found.content).content == found.content


def test_sixteen_bits_become_eight():
    rows = b"".join(b"\0" + struct.pack(">4H", 0, 0x40FF, 0x8000, 0xFFFF) for _ in range(4))
    found = opened(prepare_picture(png(depth=16, color=0, rows=rows)))
    assert (found.mode, found.tobytes()[:4]) == ("L", bytes([0, 0x40, 0x80, 0xFF]))
    rows = b"".join(b"\0" + struct.pack(">16H", *[0xFFFF, 0x40FF, 0, 0x8000] * 4) for _ in range(4))
    found = opened(prepare_picture(png(depth=16, color=6, rows=rows)))
    assert (found.mode, found.getpixel((1, 1))) == ("RGBA", (255, 0x40, 0, 0x80))


@pytest.mark.parametrize("options", [{}, {"icc_profile": inks()}], ids=["naked", "profile"])
def test_cmyk_becomes_srgb(options):
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    content = saved(cyan, "JPEG", quality=100, **options)
    found = prepare_picture(content)
    red, green, blue = opened(found).getpixel((4, 4))
    assert (found.media_type, opened(found).mode) == ("image/jpeg", "RGB")
    if options:
        # The profile's dull blue, not the screen's brightest cyan.
        assert 50 < red < 140
        assert 120 < green < 180
        assert 180 < blue < 240
    else:
        assert red < 8
        assert min(green, blue) > 248
    white = prepare_picture(saved(Image.new("CMYK", (8, 8), 0), "JPEG", **options))
    assert min(opened(white).getpixel((4, 4))) > 250


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_wide_colours_become_srgb(format_):
    options = {"PNG": {}, "JPEG": {"quality": 100}, "WEBP": {"lossless": True}}[format_]
    content = saved(Image.new("RGB", (8, 8), (180, 100, 60)), format_, icc_profile=WIDE, **options)
    found = opened(prepare_picture(content))
    red, green, blue = found.getpixel((4, 4))
    assert red > 195
    assert abs(green - 100) <= 3
    assert blue < 58
    assert "icc_profile" not in found.info


def test_transparency_and_grey_outlive_the_conversion_of_colours():
    seen_through = Image.new("RGBA", (8, 8), (180, 100, 60, 77))
    assert opened(prepare_picture(saved(seen_through, "PNG", icc_profile=WIDE))).getpixel((1, 1))[3] == 77
    grey = opened(prepare_picture(saved(Image.new("L", (8, 8), 200), "PNG", icc_profile=DARK_GREY)))
    assert grey.mode == "L"
    assert grey.getpixel((1, 1)) < 170


@pytest.mark.parametrize("wrong", [b"nonsense", WIDE[:200], DARK_GREY, inks(), b"\0" * 200], ids=short)
@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_a_profile_that_is_broken_or_for_other_pictures_is_ignored(wrong, format_):
    assert prepare_picture(saved(SMALL, format_, icc_profile=wrong)).content == saved(SMALL, format_)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_the_picture_is_turned_as_its_camera_was_held(orientation, format_):
    content = saved(TURNED, format_, exif=exif(orientation=orientation))
    found = prepare_picture(content)
    assert (found.width_px, found.height_px) == ((40, 20) if orientation < 5 else (20, 40))
    # Blue is the left half, wherever left is now.
    corner = {1: (2, 2), 2: (37, 2), 3: (37, 2), 4: (2, 2), 5: (2, 2), 6: (2, 2), 7: (2, 37), 8: (2, 37)}[orientation]
    red, _, blue = opened(found).convert("RGB").getpixel(corner)
    assert blue > red + 150
    assert b"SECRET" not in found.content


@pytest.mark.parametrize("format_", ["PNG", "JPEG"])
def test_metadata_is_taken_out_and_the_pixels_stay(format_):
    options = {"exif": exif(), "xmp": b"<x:xmpmeta>SECRET</x:xmpmeta>", "icc_profile": None}
    if format_ == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", "SECRET")
        texts.add_itxt("Author", "SECRET", zip=True)
        texts.add(b"prVt", b"SECRET")
        options["pnginfo"] = texts
    else:
        options["comment"] = b"SECRET"
    content = saved(SMALL, format_, **options)
    assert b"SECRET" in content
    found = prepare_picture(content)
    assert b"SECRET" not in found.content
    # Nothing was encoded again: it is the file that was made without metadata.
    assert found.content == saved(SMALL, format_)


def test_what_telephones_put_behind_a_jpeg_is_left_out():
    content = saved(SMALL, "JPEG")
    for behind in (ZIP, b"\0" * 100, b"SEFT", saved(SMALL.rotate(90), "JPEG")):
        assert prepare_picture(content + behind).content == content
    assert prepare_picture(saved(SMALL, "MPO", save_all=True, append_images=[SMALL])).media_type == "image/jpeg"


def test_the_same_file_becomes_the_same_bytes():
    for content in (saved(SMALL, "WEBP"), saved(SMALL.convert("CMYK"), "JPEG", icc_profile=inks())):
        assert prepare_picture(content).content == prepare_picture(content).content


FUZZED = [
    saved(SMALL.resize((40, 30)), format_, **options)
    for format_, options in [
        ("PNG", {"icc_profile": WIDE}),
        ("PNG", {}),
        ("JPEG", {"progressive": True, "exif": exif(orientation=6)}),
        ("JPEG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True, "icc_profile": WIDE}),
        ("GIF", {}),
    ]
]


@settings(deadline=None)
@given(st.sampled_from(FUZZED), st.integers(0, 2**32), st.integers(1, 8))
def test_a_damaged_file_is_refused_or_can_be_drawn(content, seed, faults):
    damaged, chance = bytearray(content), random.Random(seed)
    for _ in range(faults):
        position = chance.randrange(len(damaged))
        damaged[position : position + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    try:
        found = prepare_picture(bytes(damaged))
    except Invalid:
        return
    assert draws(found.content, file_ending(found.content))
    assert opened(found).size == (found.width_px, found.height_px)


def test_a_picture_is_seen_through():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8"/></svg>'
    found = with_opacity(prepare_picture(svg).content, 0.25)
    assert b'opacity="0.2500"' in found
    assert draws(found, "svg")
    faded = Image.open(io.BytesIO(with_opacity(prepare_picture(saved(SMALL, "JPEG")).content, 0.25)))
    assert faded.getpixel((0, 0))[3] == 64
