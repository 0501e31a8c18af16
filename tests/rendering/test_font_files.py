"""Fonts that people upload: what passes is written anew, what lies or may not be embedded is refused."""

import io
import random
import struct
import zlib

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables.DefaultTable import DefaultTable

from testamur.errors import Invalid
from testamur.rendering import font_files
from testamur.rendering.font_files import FONT_BYTES_MAX, check_font
from testamur.rendering.fonts import BUNDLED_FOLDER, load_fonts
from testamur.rendering.fonts.coverage import covers, missing_letters


def font_of(family="Acme Sans", letters="Ax", *, style="Regular", weight=400, fs_type=0, empty=False, change=None):
    """A small font whose letters are squares."""
    names = [".notdef", *(f"letter{index}" for index in range(len(letters)))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): name for letter, name in zip(letters, names[1:], strict=True)})
    pen = TTGlyphPen(None)
    if not empty:
        pen.moveTo((100, 0))
        for point in ((100, 700), (500, 700), (500, 0)):
            pen.lineTo(point)
        pen.closePath()
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": style, "copyright": "Acme\nall rights"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWeightClass=weight, fsType=fs_type)
    builder.setupPost()
    if change:
        change(builder.font)
    made = io.BytesIO()
    builder.save(made)
    return made.getvalue()


def opened(content):
    return TTFont(io.BytesIO(content))


def add_table(tag, data):
    def change(font):
        font[tag] = DefaultTable(tag)
        font[tag].data = data

    return change


def test_a_font_is_described_and_written_anew():
    given = font_of("Acme Serif", style="Bold", weight=700, fs_type=0x0108, change=add_table("DSIG", b"junk" * 100))
    made = check_font(given)
    assert (made.family, made.style, made.weight, made.weight_min, made.weight_max) == (
        "Acme Serif",
        "Bold",
        700,
        700,
        700,
    )
    assert (made.is_italic, made.embedding, made.may_subset) == (False, "editable", False)
    kept = opened(made.content)
    assert "DSIG" not in kept
    assert kept.getBestCmap().keys() == opened(given).getBestCmap().keys()
    assert check_font(given).content == made.content
    assert check_font(made.content).content == made.content


@pytest.mark.parametrize("tag", ["SVG ", "fpgm", "prep", "cvt ", "Evil", "CBDT", "sbix"])
def test_tables_that_typesetting_does_not_need_are_left_out(tag):
    made = check_font(font_of(change=add_table(tag, b'<svg onload="alert(1)"/>')))
    assert set(opened(made.content).keys()) - {"GlyphOrder"} <= font_files._KEPT
    assert b"alert" not in made.content


def test_a_real_font_keeps_its_letters_and_loses_its_hints():
    with TTFont(BUNDLED_FOLDER / "NotoSansThai-Bold.ttf") as font:
        for record in font["name"].names:
            record.string = str(record).replace("Noto Sans Thai", "Siam")
        letters = set(font.getBestCmap())
        assert "fpgm" in font
        changed = io.BytesIO()
        font.save(changed)
    kept = opened(check_font(changed.getvalue()).content)
    assert set(kept.getBestCmap()) == letters
    assert "GSUB" in kept
    assert "fpgm" not in kept
    glyphs = [kept["glyf"][name] for name in kept.getGlyphOrder()]
    assert not any(glyph.program.getBytecode() for glyph in glyphs if hasattr(glyph, "program"))


def test_a_variable_font_keeps_its_weights_and_no_other_axis():
    with TTFont(BUNDLED_FOLDER / "JetBrainsMono-Variable.ttf") as font:
        for record in font["name"].names:
            record.string = str(record).replace("JetBrains", "Acme")
        changed = io.BytesIO()
        font.save(changed)
    made = check_font(changed.getvalue())
    assert (made.family, made.weight_min, made.weight_max) == ("Acme Mono", 100, 800)
    assert [axis.axisTag for axis in opened(made.content)["fvar"].axes] == ["wght"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a TrueType"),
        (b"%PDF-1.7", "not a TrueType"),
        (b"ttcf\0\1\0\0" + b"\0" * 100, "collection"),
        (b"wOFF" + zlib.compress(b"\0" * 10_000_000), "WOFF"),
        (b"wOF2" + b"\0" * 100, "WOFF"),
        (b"\0\1\0\0", "broken"),
        (b"\0\1\0\0\xff\xff" + b"\0" * 100, "broken"),
        (b"\0\1\0\0" + b"\0" * FONT_BYTES_MAX, "larger than 10 MiB"),
        (font_of(fs_type=0x0002), "forbids to embed"),
        (font_of(fs_type=0x0200), "as a picture only"),
        (font_of("Inter"), "comes with Testamur"),
        (font_of("noto sans"), "comes with Testamur"),
        (font_of("\u200b\x00"), "name of its family"),
        (font_of(letters=""), "no letters"),
        (font_of(letters="\ue000"), "no letters"),
        (font_of(empty=True), "draws nothing"),
    ],
)
def test_what_cannot_be_used_is_told(content, message):
    with pytest.raises(Invalid, match=message):
        check_font(content)


def test_the_least_restrictive_permission_holds():
    assert check_font(font_of(fs_type=0x0006)).embedding == "preview"


def test_a_font_of_pictures_is_refused():
    def change(font):
        for tag in ("glyf", "loca"):
            del font[tag]
        font["maxp"].tableVersion = 0x00005000
        add_table("CBDT", b"\0\3\0\0")(font)

    with pytest.raises(Invalid, match="no outlines"):
        check_font(font_of(change=change))


def test_a_font_without_what_every_font_has_is_refused():
    def change(font):
        del font["OS/2"]

    with pytest.raises(Invalid, match="broken"):
        check_font(font_of(change=change))


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ('Evil"); #panic() \\ %_', "Evil ) panic()"),
        ("Tab\tand\nbreak\x00\x1b[31m", "Tab and break 31m"),
        ("\u202eright\u2066", "right"),
        ("Ünï Çode-1.5 (A&B)", "Ünï Çode-1.5 (A&B)"),
        ("x" * 5000, "x" * 100),
    ],
)
def test_a_family_has_a_harmless_name(family, expected):
    made = check_font(font_of(family))
    assert made.family == expected
    assert not any(char in made.family for char in '"\\%_\n\t\x00')


def directory_of(content):
    """Where each table's row in the directory begins."""
    (count,) = struct.unpack(">H", content[4:6])
    return {bytes(content[at : at + 4]): at for at in range(12, 12 + 16 * count, 16)}


@pytest.mark.parametrize("tag", [b"glyf", b"cmap", b"head", b"name"])
@pytest.mark.parametrize(("field", "value"), [(8, 0xFFFFFFF0), (12, 0xFFFFFFFF), (8, 4), (12, 0)])
def test_a_lying_directory_is_refused(tag, field, value):
    content = bytearray(font_of())
    at = directory_of(content)[tag]
    content[at + field : at + field + 4] = struct.pack(">L", value)
    with pytest.raises(Invalid):
        check_font(bytes(content))


def test_a_character_map_to_letters_that_are_not_there_is_refused():
    def change(font):
        table = newTable("cmap")
        table.tableVersion = 0
        # Format 12: everything from A on for 0x10000 letters, in a font of three.
        groups = struct.pack(">LLL", 0x41, 0x10040, 1)
        sub = struct.pack(">HHLLL", 12, 0, 28, 0, 1) + groups
        add_table("cmap", struct.pack(">HHHHL", 0, 1, 3, 10, 12) + sub)(font)

    with pytest.raises(Invalid):
        check_font(font_of(change=change))


def test_a_font_whose_letters_are_made_of_themselves_is_refused():
    content = bytearray(font_of())
    offset, length = struct.unpack(">LL", content[directory_of(content)[b"glyf"] + 8 :][:8])
    # Three glyphs of the same length, one after the other.
    for glyph in range(3):
        loop = struct.pack(">hhhhhHHbb", -1, 0, 0, 100, 100, 0x0002, glyph, 0, 0)
        content[offset + glyph * length // 3 : offset + glyph * length // 3 + len(loop)] = loop
    with pytest.raises(Invalid):
        check_font(bytes(content))


@pytest.mark.parametrize("seed", range(12))
def test_damaged_fonts_give_a_message_or_a_font_and_nothing_else(seed):
    chance = random.Random(seed)
    content = bytearray(font_of(letters="Ax1é"))
    if seed % 3 == 0:
        del content[chance.randrange(len(content)) :]
    for _ in range(chance.randrange(1, 20)):
        content[chance.randrange(4, len(content))] = chance.randrange(256)
    try:
        made = check_font(bytes(content))
    except Invalid:
        return
    assert opened(made.content).getBestCmap()


def test_a_font_of_a_workspace_takes_part_in_typesetting(tmp_path):
    made = check_font(font_of("Acme Gujarati", "\u0a9c"))
    (tmp_path / "a.ttf").write_bytes(made.content)
    extra = (str(tmp_path),)
    assert "Acme Gujarati" in load_fonts(extra).families()
    assert "Acme Gujarati" not in load_fonts().families()
    assert covers("Acme Gujarati", "\u0a9c", extra=extra)
    assert not covers("Acme Gujarati", "\u0a9c")
    assert missing_letters("A \u0a9c", "Acme Gujarati", extra=extra) == []
    assert missing_letters("A \u0a9c", "Inter") == ["\u0a9c"]
