"""Pictures made of pixels: read with suspicion, and stored as what every door can draw and show in public.

The layout of a file (its chunks, its segments) is read here first, without decoding anything: how large the picture
says it is, whether it moves, what comes after its end. Only then a decoder sees it, without its metadata.
"""

import io
import re
import zlib
from threading import BoundedSemaphore
from typing import Literal

import msgspec
from PIL import Image, ImageChops, ImageCms, ImageOps

from testamur.errors import Invalid
from testamur.rendering.trial import draws

SIDE_PX_MAX = 8000
PIXELS_MAX = 30_000_000
_CONVERTED_BYTES_MAX = 20 * 1024 * 1024
_PROFILE_BYTES_MAX = 4 * 1024 * 1024
# A progressive JPEG paints the whole picture once per scan: ten are usual, thousands are an attack.
_SCANS_MAX = 64
_JPEG_QUALITY = 92
_ORIENTATION = 0x0112

# One decoded picture of the largest size takes some hundred megabytes, so no more than two are in memory at once.
_DECODERS = BoundedSemaphore(2)


class Prepared(msgspec.Struct, frozen=True):
    """A picture as it is stored, and its size (of a vector picture: the size it says it has)."""

    content: bytes
    media_type: Literal["image/png", "image/jpeg", "image/svg+xml"]
    width_px: int
    height_px: int


class _Layout(msgspec.Struct, frozen=True):
    """What a file's structure tells before anything is decoded; `bare` is the file without its metadata."""

    format: Literal["PNG", "JPEG", "WEBP", "GIF"]
    width: int
    height: int
    bare: bytes
    # Whether `bare` may be stored: everything that is to draw it reads this kind of file.
    is_final: bool
    is_lossy: bool = False
    is_animated: bool = False
    profile: bytes = b""
    exif: bytes = b""


class _Broken(Exception):
    """The structure of the file does not hold."""


def prepare_raster(content: bytes) -> Prepared:
    """A PNG, JPEG, WebP or GIF as a PNG or JPEG of 8 bits in sRGB or grey, upright and without metadata.

    A file that is so already stays as it is, byte for byte; one that only has metadata loses nothing else. Raises
    Invalid for anything that is not one whole still picture of moderate size.
    """
    try:
        layout = _layout(content)
        _check_size(layout.width, layout.height)
        if layout.is_animated:
            raise Invalid("The picture is animated; export one frame")
        with _DECODERS:
            return _prepared(layout)
    except Invalid:
        raise
    except Exception:  # noqa: BLE001 - a broken file can make a decoder raise anything.
        raise _broken() from None


def _prepared(layout: _Layout) -> Prepared:
    with Image.open(io.BytesIO(layout.bare), formats=(layout.format,)) as opened:
        _check_size(*opened.size)
        # Decodes all of it, so that a truncated file is found now and not on a certificate.
        opened.load()
        found = _in_srgb(opened, layout.profile)
        changed = _upright(found or _plain(opened), layout.exif)
    is_unchanged = layout.is_final and found is None and changed is None and opened.mode != "CMYK"
    # The engine's decoders are stricter than ours; what they refuse is made anew.
    if is_unchanged and draws(layout.bare, "png" if layout.format == "PNG" else "jpg"):
        return Prepared(
            layout.bare, "image/png" if layout.format == "PNG" else "image/jpeg", layout.width, layout.height
        )
    return _encoded(changed or found or _plain(opened), is_lossy=layout.is_lossy)


def _encoded(image: Image.Image, *, is_lossy: bool) -> Prepared:
    """JPEG for what was stored with losses and is opaque, because a photograph as PNG is ten times as large."""
    made = io.BytesIO()
    if is_lossy and image.mode in {"L", "RGB"}:
        image.save(made, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        return Prepared(made.getvalue(), "image/jpeg", *image.size)
    image.save(made, "PNG")
    if made.tell() > _CONVERTED_BYTES_MAX:
        raise Invalid("The picture is too large when it is converted to PNG; make it smaller")
    return Prepared(made.getvalue(), "image/png", *image.size)


def _plain(image: Image.Image) -> Image.Image:
    """The pixels as grey or RGB of 8 bits, with or without transparency, and nothing beside them."""
    if image.mode.startswith("I"):
        plain = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode == "1":
        plain = image.convert("L")
    elif image.mode in {"LA", "RGBA", "PA"} or "transparency" in image.info:
        plain = image.convert("LA" if image.mode == "LA" else "RGBA")
    else:
        plain = image.convert("L" if image.mode == "L" else "RGB")
    plain.info = {}
    return plain


def _upright(image: Image.Image, exif: bytes) -> Image.Image | None:
    """The picture turned as its camera was held, or None if it stands upright."""
    found = Image.Exif()
    try:
        found.load(exif)
        orientation = found.get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - a broken EXIF says nothing; Pillow raises what it likes.
        return None
    if orientation not in range(2, 9):
        return None
    turned = Image.Exif()
    turned[_ORIENTATION] = orientation
    image.info = {"exif": turned.tobytes()}
    upright = ImageOps.exif_transpose(image)
    upright.info = {}
    return upright


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The picture in sRGB (grey stays grey) if its profile says that it is in other colours, else None.

    A profile that is broken, or is for another kind of picture, is ignored, as browsers do.
    """
    if not profile:
        return None
    base = image if image.mode == "CMYK" else _plain(image)
    alpha = base.getchannel("A") if base.mode in {"LA", "RGBA"} else None
    colors = base.convert("L" if base.mode == "LA" else "RGB") if alpha else base
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            colors.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if _changes_nothing(transform, colors.mode):
            return None
        converted = ImageCms.applyTransform(colors, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if converted is None:
        return None
    if colors.mode == "L":
        converted = converted.getchannel("R")
    if alpha:
        converted.putalpha(alpha)
    converted.info = {}
    return converted


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether colours stay what they are. Names of profiles cannot be trusted, so a sample of all colours is asked."""
    if mode == "CMYK":
        return False
    if mode == "L":
        before = Image.frombytes("L", (256, 1), bytes(range(256)))
    else:
        steps = range(0, 256, 15)
        before = Image.frombytes(
            "RGB", (18 * 18, 18), bytes(v for r in steps for g in steps for b in steps for v in (r, g, b))
        )
    after = ImageCms.applyTransform(before, transform)
    if after is None:
        return True
    extrema = ImageChops.difference(before.convert("RGB"), after).getextrema()
    return max(high for _, high in extrema) <= 2  # type: ignore[misc]  # Pairs, as there are several bands.


def _layout(content: bytes) -> _Layout:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _webp(content)
    if content.startswith((b"GIF87a", b"GIF89a")):
        return _gif(content)
    raise Invalid("The file is not a PNG, JPEG, WebP, GIF or SVG picture")


_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"pHYs"}


def _png(content: bytes) -> _Layout:
    kept = [content[:8]]
    profile = exif = b""
    is_animated = False
    position = 8
    while True:
        length, kind = _number(content, position, 4), content[position + 4 : position + 8]
        data, end = content[position + 8 : position + 8 + length], position + 12 + length
        if end > len(content) or (position == 8) != (kind == b"IHDR"):
            raise _Broken
        if kind in _PNG_KEPT:
            kept.append(content[position:end])
        elif kind[0] & 0x20 == 0:
            raise _Broken  # A chunk that a reader must know, and that no reader of ours knows.
        if kind == b"iCCP":
            profile = _inflated(data.partition(b"\0")[2][1:])
        elif kind == b"eXIf":
            exif = data
        elif kind == b"acTL":
            is_animated = _number(data, 0, 4) > 1
        position = end
        if kind == b"IEND":
            break
    if position != len(content):
        raise _trailing()
    return _Layout(
        format="PNG",
        width=_number(content, 16, 4),
        height=_number(content, 20, 4),
        bare=content if sum(map(len, kept)) == len(content) else b"".join(kept),
        is_final=content[24] <= 8,
        is_animated=is_animated,
        profile=profile,
        exif=exif,
    )


_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def _jpeg(content: bytes) -> _Layout:  # noqa: C901, PLR0912 - one case per kind of segment.
    """What follows the end of a JPEG is left out: telephones put a second picture or a short film there."""
    kept = [content[:2]]
    profile: dict[int, bytes] = {}
    exif = b""
    frame: tuple[int, int, int] | None = None
    scans = 0
    position = 2
    while True:
        if content[position] != 0xFF:
            raise _Broken
        marker = content[position + 1]
        if marker == 0xFF:  # Padding.
            position += 1
            continue
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
            break
        length = _number(content, position + 2, 2)
        end = position + 2 + length
        data = content[position + 4 : end]
        if length < 2 or end > len(content) or 0xD0 <= marker <= 0xD8 or marker == 0x01:
            raise _Broken
        if marker == 0xDA:
            scans += 1
            found = _NEXT_MARKER.search(content, end)
            if found is None:
                raise _Broken
            end = found.start()
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            if frame is not None:
                raise _Broken
            frame = marker, _number(data, 3, 2), _number(data, 1, 2)
        elif marker == 0xE1 and data.startswith(b"Exif\0\0"):
            exif = exif or data
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0"):
            profile[data[12]] = data[14:]
        kept.append(_jpeg_kept(marker, content[position:end]))
        position = end
    if frame is None or scans == 0:
        raise _Broken
    if scans > _SCANS_MAX:
        raise Invalid(f"The JPEG has more than {_SCANS_MAX} scans; export it again")
    bare = b"".join(kept)
    return _Layout(
        format="JPEG",
        width=frame[1],
        height=frame[2],
        bare=content if bare == content else bare,
        is_final=frame[0] in {0xC0, 0xC1, 0xC2},
        is_lossy=True,
        profile=b"".join(profile[number] for number in sorted(profile)),
        exif=exif,
    )


def _jpeg_kept(marker: int, segment: bytes) -> bytes:
    """The segment if it tells how to draw the picture: of those for applications, only JFIF's and Adobe's do."""
    if marker == 0xE0 and segment[4:9] == b"JFIF\0" and len(segment) >= 18:
        # Without the thumbnail that may follow.
        return segment if len(segment) == 18 else b"\xff\xe0\x00\x10" + segment[4:16] + b"\0\0"
    if marker == 0xEE and segment[4:9] == b"Adobe":
        return segment
    return b"" if 0xE0 <= marker <= 0xEF or marker == 0xFE else segment


def _webp(content: bytes) -> _Layout:
    if 8 + _number(content, 4, 4, "little") != len(content):
        raise _trailing() if 8 + _number(content, 4, 4, "little") < len(content) else _Broken
    sizes: list[tuple[int, int]] = []
    is_lossy = is_animated = False
    profile = exif = b""
    position = 12
    while position < len(content):
        kind, length = content[position : position + 4], _number(content, position + 4, 4, "little")
        data = content[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
        if len(data) != length:
            raise _Broken
        if kind == b"VP8X":
            sizes.append((_number(data, 4, 3, "little") + 1, _number(data, 7, 3, "little") + 1))
            is_animated = bool(data[0] & 0x02)
        elif kind == b"VP8L":
            packed = _number(data, 1, 4, "little")
            sizes.append(((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1))
        elif kind == b"VP8 ":
            is_lossy = True
            sizes.append((_number(data, 6, 2, "little") & 0x3FFF, _number(data, 8, 2, "little") & 0x3FFF))
        elif kind in {b"ANIM", b"ANMF"}:
            is_animated = True
        elif kind == b"ICCP":
            profile = data
        elif kind == b"EXIF":
            exif = data
    return _Layout(
        format="WEBP",
        width=max(width for width, _ in sizes),
        height=max(height for _, height in sizes),
        bare=content,
        is_final=False,
        is_lossy=is_lossy,
        is_animated=is_animated,
        profile=profile,
        exif=exif,
    )


def _gif(content: bytes) -> _Layout:
    width, height = _number(content, 6, 2, "little"), _number(content, 8, 2, "little")
    position = 13 + _palette_bytes(content[10])
    frames = 0
    while content[position] != 0x3B:
        if content[position] == 0x2C:
            frames += 1
            left, top, wide, high = (_number(content, position + at, 2, "little") for at in (1, 3, 5, 7))
            width, height = max(width, left + wide), max(height, top + high)
            position += 11 + _palette_bytes(content[position + 9])
        elif content[position] == 0x21:
            position += 2
        else:
            raise _Broken
        while content[position]:
            position += 1 + content[position]
        position += 1
    if position + 1 != len(content):
        raise _trailing()
    return _Layout(format="GIF", width=width, height=height, bare=content, is_final=False, is_animated=frames > 1)


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 0x07) + 1 if flags & 0x80 else 0


def _number(content: bytes, position: int, size: int, order: Literal["big", "little"] = "big") -> int:
    found = content[position : position + size]
    if len(found) != size:
        raise _Broken
    return int.from_bytes(found, order)


def _inflated(data: bytes) -> bytes:
    """A compressed profile, or nothing if it is broken or far too large."""
    try:
        inflater = zlib.decompressobj()
        found = inflater.decompress(data, _PROFILE_BYTES_MAX)
    except zlib.error:
        return b""
    return found if inflater.eof else b""


def _check_size(width: int, height: int) -> None:
    if min(width, height) < 1:
        raise _broken()
    if max(width, height) > SIDE_PX_MAX or width * height > PIXELS_MAX:
        raise Invalid(
            f"The picture has too many pixels ({width} x {height}); make it at most {SIDE_PX_MAX} wide and high, and "
            f"{PIXELS_MAX // 1_000_000} million in all"
        )


def _broken() -> Invalid:
    return Invalid("The picture is broken or incomplete; export it again")


def _trailing() -> Invalid:
    return Invalid("The file has other data after the picture's end; export the picture again")
