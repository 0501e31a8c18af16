"""Font files that people upload: what they are, whether they may be embedded, and a copy that is safe to use.

A font is a program of many tables whose offsets may lie, so it is read in a process of its own, with limits of time and
memory. What is kept is not the file that came but what fontTools wrote anew of it: outlines, metrics and layout, without
hinting, SVG pictures and signatures. At last typst draws some of its letters, so a font that passed can be used.
"""

import io
import signal
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Literal

import msgspec
import typst
from fontTools.ttLib import TTFont, newTable
from PIL import Image

from testamur.errors import Invalid
from testamur.rendering.fonts import BUNDLED_FOLDER

FONT_BYTES_MAX = 10 * 1024 * 1024
FAMILY_LENGTH_MAX = 100
_CPU_SECONDS_MAX, _SECONDS_MAX = 30, 60
_MEMORY_MAX = 2 * 1024**3
_TABLES_MAX = 100
_LETTERS_PROVED = 20
_OUT_OF_TIME = {signal.Signals[name].value for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name)}
_SIGNATURES = {b"\0\1\0\0", b"OTTO", b"true"}
_NEEDED = ("head", "hhea", "maxp", "hmtx", "cmap", "name", "OS/2")
_KEPT = {
    *_NEEDED, "post", "glyf", "loca", "CFF ", "CFF2", "VORG", "vhea", "vmtx", "GDEF", "GSUB", "GPOS", "BASE", "kern", "COLR",
    "CPAL", "fvar", "avar", "gvar", "HVAR", "VVAR", "MVAR",
}  # fmt: skip
# Optical sizes are fixed at what suits a certificate: a text that shrinks must not become relatively wider.
_OPTICAL_SIZE_PT = 20.0

Embedding = Literal["installable", "editable", "preview"]


class FontFile(msgspec.Struct, frozen=True, kw_only=True):
    """A font that passed. `content` is what to keep: a TrueType or OpenType font, the same for the same upload.

    `weight_min` and `weight_max` differ in a variable font. `may_subset` is False if its maker does not permit what
    every PDF does: to embed only the letters that are used.
    """

    family: str
    style: str
    weight: int
    weight_min: int
    weight_max: int
    is_italic: bool
    embedding: Embedding
    may_subset: bool
    content: bytes


def check_font(content: bytes) -> FontFile:
    """Raises Invalid unless this is a whole TrueType or OpenType font with outlines that may be embedded."""
    _check_outside(content)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "testamur.rendering.font_files"],
            input=content,
            capture_output=True,
            timeout=_SECONDS_MAX,
            check=True,
        )
        answer = msgspec.msgpack.decode(done.stdout, type=FontFile | str)
    except subprocess.TimeoutExpired:
        raise _too_slow() from None
    except subprocess.CalledProcessError as error:
        raise _too_slow() if -error.returncode in _OUT_OF_TIME else _broken() from None
    except msgspec.MsgspecError:
        raise _broken() from None
    if isinstance(answer, str):
        raise Invalid(answer)
    return answer


def _check_outside(content: bytes) -> None:
    """What can be told without reading a table."""
    if len(content) > FONT_BYTES_MAX:
        raise Invalid(f"The font is larger than {FONT_BYTES_MAX // 1024 // 1024} MiB; upload one with fewer letters")
    signature = content[:4]
    if signature == b"ttcf":
        raise Invalid("The file is a collection of fonts; upload each of its fonts as a file of its own")
    if signature in {b"wOFF", b"wOF2"}:
        raise Invalid("The font is compressed for the web (WOFF); upload the TTF or OTF file that it was made from")
    if signature not in _SIGNATURES:
        raise Invalid("The file is not a TrueType or OpenType font")
    (count,) = struct.unpack(">H", content[4:6].ljust(2, b"\0"))
    if not 1 <= count <= _TABLES_MAX or len(content) < 12 + 16 * count:
        raise _broken()
    tables = [struct.unpack(">4sLLL", content[at : at + 16]) for at in range(12, 12 + 16 * count, 16)]
    if (
        len({tag for tag, *_ in tables}) < count
        or any(offset + length > len(content) for *_, offset, length in tables)
        or sum(length for *_, length in tables) > len(content)
    ):
        raise _broken()


def _read(content: bytes) -> FontFile:
    """In the process of its own. Raises Invalid, and whatever a broken font makes of fontTools or typst."""
    with TTFont(io.BytesIO(content), lazy=False, recalcTimestamp=False) as font:
        if not {"glyf", "CFF ", "CFF2"} & set(font.keys()):
            raise Invalid("The font has no outlines, only pictures of letters; upload one that has")
        if not set(font.keys()).issuperset(_NEEDED):
            raise _broken()
        embedding, may_subset = _permissions(font)
        letters = "".join(map(chr, sorted(font.getBestCmap() or ())))
        drawable = "".join(char for char in letters if unicodedata.category(char)[0] in "LNS")
        if not drawable:
            raise Invalid("The font has no letters")
        _fix_axes(font)
        weight_min, weight_max = _weights(font)
        is_italic = bool(font["OS/2"].fsSelection & 1) or bool(font["head"].macStyle & 2)
        family, style = _names(font)
        _rewrite(font, family, style)
        saved = io.BytesIO()
        font.save(saved)
        weight = int(font["OS/2"].usWeightClass)
    return FontFile(
        family=_prove(saved.getvalue(), drawable),
        style=style,
        weight=weight,
        weight_min=weight_min,
        weight_max=weight_max,
        is_italic=is_italic,
        embedding=embedding,
        may_subset=may_subset,
        content=saved.getvalue(),
    )


def _permissions(font: TTFont) -> tuple[Embedding, bool]:
    """What the font's maker permits (OpenType, OS/2 fsType). Of several the least restrictive holds."""
    rights = font["OS/2"].fsType
    if rights & 0x000E == 0x0002:
        raise Invalid(
            "The font's licence forbids to embed it in documents; upload another, or one with a licence for it"
        )
    if rights & 0x0200:
        raise Invalid("The font's licence permits to embed it as a picture only; upload another, or one with a licence")
    embedding: Embedding = "editable" if rights & 0x0008 else "preview" if rights & 0x0004 else "installable"
    return embedding, not rights & 0x0100


def _fix_axes(font: TTFont) -> None:
    """Leave a variable font no axis but its weight."""
    if "fvar" not in font:
        return
    fixed = {}
    for axis in font["fvar"].axes:
        value = _OPTICAL_SIZE_PT if axis.axisTag == "opsz" else axis.defaultValue
        fixed[axis.axisTag] = min(max(value, axis.minValue), axis.maxValue)
    fixed.pop("wght", None)
    # Takes a third of a second to load, and few ever upload a font.
    from fontTools.varLib.instancer import instantiateVariableFont  # noqa: PLC0415

    instantiateVariableFont(font, fixed, inplace=True)


def _weights(font: TTFont) -> tuple[int, int]:
    if "fvar" in font:
        (axis,) = font["fvar"].axes
        return int(axis.minValue), int(axis.maxValue)
    weight = font["OS/2"].usWeightClass
    return weight, weight


def _names(font: TTFont) -> tuple[str, str]:
    """Family and style."""
    family = _printable(font["name"].getBestFamilyName() or "")
    if not any(char.isalnum() for char in family):
        raise Invalid("The font does not tell the name of its family")
    return family, _printable(font["name"].getBestSubFamilyName() or "") or "Regular"


def _printable(text: str) -> str:
    """Letters, digits and what stands in names: a family's name is later written into design documents and queries."""
    kept = (
        char if char.isalnum() or unicodedata.category(char)[0] == "M" or char in "-.&+'()" else " " for char in text
    )
    return " ".join("".join(kept).split())[:FAMILY_LENGTH_MAX]


def _rewrite(font: TTFont, family: str, style: str) -> None:
    """Take out what typesetting does not need, hints included, and write the names anew."""
    for tag in set(font.keys()) - _KEPT - {"GlyphOrder"}:
        del font[tag]
    if "glyf" in font:
        glyphs = font["glyf"]
        for name in glyphs.keys():  # noqa: SIM118 - the table is no dictionary.
            glyphs[name].removeHinting()
    # What was not decompiled would be written as it came.
    font.ensureDecompiled(recurse=True)
    copyright_ = " ".join((font["name"].getDebugName(0) or "").split())[:500]
    postscript = "".join(char for char in f"{family}-{style}" if char.isascii() and (char.isalnum() or char == "-"))
    texts = {0: copyright_, 1: family, 2: style, 4: f"{family} {style}", 6: postscript[:63]}
    if "fvar" in font:
        font["fvar"].instances = []
        texts |= {axis.axisNameID: "Weight" for axis in font["fvar"].axes}
    names = newTable("name")
    names.names = []
    for name_id, text in texts.items():
        names.setName(text, name_id, 3, 1, 0x409)
    font["name"] = names


def _prove(content: bytes, drawable: str) -> str:
    """Draw some letters, as picture and as PDF. Gives the family as typst names it. Raises Invalid."""
    with tempfile.TemporaryDirectory(prefix="testamur-") as folder:
        Path(folder, "font.ttf").write_bytes(content)
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
        if len(fonts.families()) != 1:
            raise _broken()
        (family,) = fonts.families()
        source = (
            "#set page(width: auto, height: auto, margin: 5pt)\n#set text(font: sys.inputs.family, fallback: false)\n"
        )
        source += "#sys.inputs.letters"
        Path(folder, "main.typ").write_text(source, encoding="utf-8")
        compiler = typst.Compiler(Path(folder, "main.typ"), root=folder, font_paths=fonts, ignore_system_fonts=True)
        # The first ones may be signs; those that matter most are tried if there are any.
        letters = [char for char in "AaBb12" if char in drawable] + list(drawable[-_LETTERS_PROVED:])
        inputs = {"family": family, "letters": "".join(letters[:_LETTERS_PROVED])}
        compiler.compile(format="pdf", sys_inputs=inputs)
        picture = compiler.compile(format="png", sys_inputs=inputs)
    assert isinstance(picture, bytes)
    with Image.open(io.BytesIO(picture)) as image:
        low, high = image.convert("L").getextrema()
    if low == high:
        raise Invalid("The font draws nothing: its letters are empty")
    bundled = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(BUNDLED_FOLDER)])
    if family.casefold() in map(str.casefold, bundled.families()):
        raise Invalid(f"The family {family} comes with Testamur already; designs can name it")
    return family


def _broken() -> Invalid:
    return Invalid("The font is broken or incomplete; export it again")


def _too_slow() -> Invalid:
    return Invalid("The font takes too long to read; upload a smaller one, such as a single weight of a variable font")


def _limit_this_process() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows.

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX, _MEMORY_MAX))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS_MAX, _CPU_SECONDS_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main() -> None:
    """Read a font from the standard input; write a FontFile, or what is wrong with it, to the standard output."""
    _limit_this_process()
    answer: FontFile | str
    try:
        answer = _read(sys.stdin.buffer.read())
    except Invalid as error:
        answer = error.message
    except Exception:  # noqa: BLE001 - a broken font can make a reader raise anything.
        answer = _broken().message
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    _main()
