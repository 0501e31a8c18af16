"""Every script is typeset from fonts that have its letters; what no font has is told."""

import io
import json
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
import typst
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ContentStream

from testamur.rendering.document import parse_document
from testamur.rendering.fonts import BUNDLED_FOLDER, EMOJI, FAMILIES, cjk_folders, fallbacks, load_fonts
from testamur.rendering.fonts.coverage import apart, covers, has_all, missing_letters, missing_message
from testamur.rendering.fonts.languages import language_of
from testamur.rendering.renderer import Renderer

AT = datetime(2026, 11, 24, tzinfo=UTC)
SCRIPTS = {
    "Latin": "Awarded to Žofie Đặng-Müller",
    "Greek": "Απονέμεται στην Ελένη Παπαδοπούλου",
    "Cyrillic": "Вручается Ёлкину Юрию Щербакову",
    "Arabic": "تُمنح هذه الشهادة إلى محمد الفارسي",
    "Hebrew": "מוענק לשָׂרָה כהן-לוי",
    "Devanagari": "अनन्या शर्मा को प्रदान किया गया",
    "Bengali": "শ্রেয়া চট্টোপাধ্যায়কে প্রদত্ত",
    "Tamil": "கிருஷ்ணமூர்த்தி அவர்களுக்கு வழங்கப்பட்டது",
    "Thai": "มอบให้แก่ นางสาวปิยะวรรณ ศรีสุข",
    "Georgian": "ეძლევა ნინო წერეთელს",
    "Armenian": "Շնորհվում է Անահիտ Հովհաննիսյանին",
    "Amharic": "ለወይዘሪት ሠላማዊት ኃይሉ የተሰጠ",
    "Chinese": "兹证明张伟同学成绩优异",
    "Japanese": "山田太郎殿にこの賞を授与する",
    "Korean": "김민준에게 이 상장을 수여합니다",
    "emoji": "Ada 🎓 Lovelace 👩🏽‍🎓 ❤️ 🇩🇪 1️⃣ ★ ✓ 24",
}
# Arabic and Hebrew vowel marks come twice or misplaced out of pdfium and poppler: tests elsewhere compare texts.
EXTRACTED = sorted(SCRIPTS.keys() - {"Arabic", "Hebrew"})


def typeset(text, *, font="EB Garamond", width=190, **style):
    element = {"type": "text", "x": 5, "y": 5, "width": width, "height": 90, "text": text, "font": font, "size": 18}
    page = {"width": width + 10, "height": 100}
    document = {"version": 1, "page": page, "elements": [{**element, **style}]}
    return Renderer(parse_document(json.dumps(document)), {})


def pdf_of(text, **style):
    return typeset(text, **style).pdf({}, title="", at=AT)


def drawn_glyphs(pdf):
    """The number of each glyph in each font that a PDF's page draws: font name to numbers. 0 is the empty box."""
    reader = PdfReader(io.BytesIO(pdf))
    page = reader.pages[0]
    fonts = {name: font.get_object() for name, font in page["/Resources"]["/Font"].items()}
    drawn = {}
    font = None
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator == b"Tf":
            font = fonts[operands[0]]
        elif operator in {b"Tj", b"TJ"}:
            parts = operands if operator == b"Tj" else [part for part in operands[0] if hasattr(part, "original_bytes")]
            codes = b"".join(part.original_bytes for part in parts)
            step = 2 if "/DescendantFonts" in font else 1
            name = font.get("/BaseFont", "/Type3").partition("+")[2] or "Type3"
            numbers = [int.from_bytes(codes[at : at + step]) for at in range(0, len(codes), step)]
            drawn.setdefault(name, []).extend(numbers)
    return drawn


def empty_boxes(pdf):
    return sum(numbers.count(0) for name, numbers in drawn_glyphs(pdf).items() if name != "Type3")


def bare(text):
    return "".join(
        char
        for char in unicodedata.normalize("NFC", text)
        if not char.isspace() and unicodedata.category(char) not in {"Cf", "Cc"}
    )


@pytest.mark.parametrize("font", ["EB Garamond", "Inter"])
@pytest.mark.parametrize("weight", [400, 700])
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_typeset_without_an_empty_box(script, font, weight):
    pdf = pdf_of(SCRIPTS[script], font=font, weight=weight)
    assert missing_letters(SCRIPTS[script], font) == []
    assert empty_boxes(pdf) == 0
    fonts = [
        font["/DescendantFonts"][0]["/FontDescriptor"]
        for font in PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]["/Font"].values()
        if "/DescendantFonts" in font
    ]
    assert all({"/FontFile2", "/FontFile3"} & set(descriptor) for descriptor in fonts)


def test_a_letter_that_no_font_has_is_told_and_prints_as_an_empty_box():
    text = "Jaya \u0a9c\u0aaf\u0abe"  # Gujarati
    assert missing_letters(text, "EB Garamond") == ["\u0a9c", "\u0aaf", "\u0abe"]
    assert empty_boxes(pdf_of(text)) == 3
    assert missing_message(missing_letters(text, "Inter")).startswith("No font has \u0a9c \u0aaf \u0abe; upload")


@pytest.mark.parametrize(
    ("text", "is_enough"), [("Zofia Łęcka\u2026", True), ("", True), ("東京", False), ("Zofia 🎓", False)]
)
def test_the_font_of_a_design_is_enough_if_it_has_each_character(text, is_enough):
    assert has_all(text, "EB Garamond") is is_enough


@pytest.mark.parametrize("script", EXTRACTED)
def test_the_text_can_be_copied_out_of_the_pdf(script):
    with pypdfium2.PdfDocument(pdf_of(SCRIPTS[script])) as pdf:
        assert bare(pdf[0].get_textpage().get_text_range()) == bare(SCRIPTS[script])


@pytest.mark.parametrize("family", FAMILIES)
def test_letters_and_digits_never_come_from_the_emoji_font(family):
    text = "Ada Lovelace 0123456789 #* ©®™ αβγ Жя 24/7"
    assert "Type3" not in drawn_glyphs(pdf_of(text, font=family))
    assert len(drawn_glyphs(pdf_of("Ada 7 \U0001f393 24", font=family))["Type3"]) == 1


@pytest.mark.parametrize("emoji", ["🎓", "👩🏽‍🎓", "❤️", "🇩🇪", "1️⃣", "🏆"])
def test_emoji_are_in_colour_and_sequences_stay_together(emoji):
    made = typeset(emoji)
    assert len(drawn_glyphs(made.pdf({}, title="", at=AT))["Type3"]) == 1
    picture = Image.open(io.BytesIO(made.png({}, width_px=800))).convert("RGB")
    assert any(max(pixel) - min(pixel) > 60 for _, pixel in picture.getcolors(1 << 20))


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("E\u0323\u0302 s\u0327\u030c", []),  # Composed where a font has that, else a letter and a mark of one font.
        ("\u200f\u202bA\u200d\ufe0f\u00ad\u2066\n\t\u3000", []),
        ("\U000f1234\U000f1235\U000f1234", ["\U000f1234", "\U000f1235"]),  # For private use.
        ("A\U000e0101", []),
        ("", []),
    ],
)
def test_only_what_would_be_drawn_can_be_missing(text, missing):
    assert missing_letters(text, "EB Garamond") == missing


def test_a_mark_counts_as_found_only_with_its_letter():
    mark = "\u0ec8"  # A Lao tone mark, in no font.
    assert missing_letters("A" + mark, "Inter") == [mark]
    # A letter of one font with a mark that only another one has.
    letter, mark = "\u0e01", "\u0951"
    assert covers("Noto Sans Thai", letter)
    assert covers("Noto Sans Devanagari", mark)
    assert missing_letters(letter + mark, "Inter") == [mark]
    assert apart(letter + mark, "Inter") == [(letter + mark, "Noto Sans Thai")]


@pytest.mark.parametrize(
    ("family", "cluster", "first"),
    [
        ("Cinzel", "\u043e\u0301", "Noto Serif"),
        ("Playfair Display", "\u03b3\u0301", "Noto Serif"),
        ("Montserrat", "\u03b3\u0301", "Noto Sans"),
        ("Inter", "山\u0301", "Noto Sans SC"),
    ],
)
def test_a_letter_is_not_lost_to_a_font_that_has_its_mark_only(family, cluster, first):
    text = f"Ada {cluster} Lovelace"
    assert missing_letters(text, family) == []
    assert apart(text, family) == [("Ada ", None), (cluster, first), (" Lovelace", None)]
    assert sum(map(len, drawn_glyphs(wrapped(cluster, 50, "en", family)).values())) == 1
    drawn = drawn_glyphs(wrapped(cluster, 50, "en", first, family))
    assert sum(map(len, drawn.values())) == 2
    assert not any(0 in numbers for numbers in drawn.values())


@pytest.mark.parametrize("text", [*SCRIPTS.values(), "Žižek", "", "\u0301", "\u200d", "š\u0327"])
def test_usual_texts_are_one_piece(text):
    for family in FAMILIES:
        assert [first for _, first in apart(text, family)] in ([None], [])


def test_every_family_is_loaded_and_none_is_named_twice():
    families = load_fonts().families()
    assert set(FAMILIES.values()) <= set(families)
    for language in ("en", "ja", "ko", "zh", "zh-TW", "zh-Hant-HK", "x"):
        for family in ("Inter", "EB Garamond"):
            chain = fallbacks(language, family)
            assert len(set(chain)) == len(chain)
            assert set(chain) <= set(families)


@pytest.mark.parametrize(
    ("language", "first"),
    [("ja", "JP"), ("ja-JP", "JP"), ("ko", "KR"), ("zh-TW", "TC"), ("zh_Hant", "TC"), ("zh-HK", "TC"), ("zh", "SC")],
)
def test_the_language_decides_whose_characters_are_drawn(language, first):
    chain = fallbacks(language)
    drawn = [family for family in chain if family in {"Noto Sans " + region for region in ("JP", "KR", "SC", "TC")}]
    assert drawn[0] == f"Noto Sans {first}"
    assert len(drawn) == 4
    assert chain.index(EMOJI) < chain.index(drawn[0])


def test_a_serif_design_falls_back_to_serifs():
    assert fallbacks("en", "Cinzel")[0] == "Noto Serif"
    assert fallbacks("en", "Inter")[0] == "Noto Sans"


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("Ada", "pl", "pl"),
        ("Żaneta", "pl", "pl"),
        ("", "en", "en"),
        ("123 %", "fr", "fr"),
        ("山田", "en", "zh"),
        ("山田", "ja", "ja"),
        ("山田", "zh-TW", "zh-TW"),
        ("山田さん", "zh", "ja"),
        ("Certificate for 김민준", "en", "ko"),
        ("John 王", "en", "zh"),
        ("محمد", "en", "ar"),
        ("محمد", "fa-IR", "fa-IR"),
        ("Certificate of Excellence for محمد", "en", "en"),
        ("שרה", "en", "he"),
        ("अनन्या", "en", "hi"),
        ("अनन्या", "mr", "mr"),
        ("সুমি", "en", "bn"),
        ("தமிழ்", "en", "ta"),
        ("ไทย", "en", "th"),
        ("Иван", "en", "ru"),
        ("Иван", "bg", "bg"),
        ("Ελένη", "en", "el"),
        ("ნინო", "en", "ka"),
        ("Անահիտ", "en", "hy"),
        ("ሠላም", "en", "am"),
        ("ሠላም", "ti", "ti"),
    ],
)
def test_the_script_tells_the_language(text, default, expected):
    assert language_of(text, default) == expected


def wrapped(text, width_mm, language, *first):
    """A PDF of a paragraph as typst itself breaks it, with these families before the fallbacks."""
    families = ", ".join(f'"{family}"' for family in (*first, *fallbacks(language)))
    source = (
        f"#set page(width: {width_mm}mm, height: 200mm, margin: 0mm)\n"
        f'#set text(font: ({families}), size: 18pt, lang: "{language}")\n#sys.inputs.text'
    )
    compiler = typst.Compiler(source.encode(), font_paths=load_fonts(), ignore_system_fonts=True)
    return compiler.compile(format="pdf", sys_inputs={"text": text})


def lines_of(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        return document[0].get_textpage().get_text_range().split()


def test_japanese_lines_begin_with_no_closing_mark():
    text = "「あなたは、優秀な成績を収めました。」よって、ここにこれを賞します。" * 3
    for width in range(40, 80, 5):
        lines = lines_of(wrapped(text, width, "ja"))
        assert len(lines) > 3
        assert "".join(lines) == text
        assert not any(line[0] in "、。」ょっー" for line in lines), lines


def test_thai_lines_end_between_words():
    words = ["ใบ", "รับรอง", "ฉบับ", "นี้", "ให้", "ไว้", "เพื่อ", "แสดง", "ว่า"] * 3
    for width in (45, 60, 75):
        ends = {len("".join(words[:count])) for count in range(len(words) + 1)}
        lines = lines_of(wrapped("".join(words), width, "th"))
        assert len(lines) > 1
        at = 0
        for line in lines:
            at += len(line)
            assert at in ends, lines


def place_of(pdf, char):
    """Where a character stands: its left edge."""
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0].get_textpage()
        for index in range(page.count_chars()):
            if page.get_text_range(index, 1) == char:
                return page.get_charbox(index)[0]
    raise AssertionError(f"{char} is not on the page")


def test_names_of_one_direction_stand_rightly_in_texts_of_the_other():
    left_to_right, right_to_left = (
        pdf_of("Ada (\u0645\u062d\u0645\u062f) z9"),
        pdf_of("\u0645\u062d\u0645\u062f (Ada) z9"),
    )
    # The Arabic name is read from its own right, between the Latin words.
    assert place_of(left_to_right, "A") < place_of(left_to_right, "\u062f") < place_of(left_to_right, "\u0645")
    assert place_of(left_to_right, "\u0645") < place_of(left_to_right, "z")
    # In an Arabic text what comes later stands further left, and a Latin name in it runs to the right.
    assert place_of(right_to_left, "A") < place_of(right_to_left, "d") < place_of(right_to_left, "\u062f")
    assert place_of(right_to_left, "z") < place_of(right_to_left, "A")


WITHOUT_CJK = """
import sys
sys.modules["justmytype_intl_cjk"] = None  # As if it were not installed.
from testamur.rendering.fonts import cjk_folders, fallbacks, load_fonts
from testamur.rendering.fonts.coverage import missing_letters, missing_message
assert cjk_folders() == ()
assert "Noto Sans JP" not in (*fallbacks("ja"), *load_fonts().families())
assert missing_letters("Ada 山田太郎 김", "Inter") == list("山田太郎김")
print(missing_message(missing_letters("Ada 山田", "Inter")))
"""


def test_without_the_extra_its_letters_are_missing_and_it_is_named():
    assert cjk_folders() != ()
    done = subprocess.run([sys.executable, "-c", WITHOUT_CJK], capture_output=True, text=True, timeout=60, check=True)
    assert 'pip install "testamur[cjk]"' in done.stdout
    assert "make setup EXTRAS=cjk" in done.stdout


def test_the_bundled_fonts_stay_small_and_have_a_licence_and_an_origin():
    files = [path for path in BUNDLED_FOLDER.iterdir() if path.suffix in {".ttf", ".otf"}]
    assert sum(path.stat().st_size for path in files) < 25_000_000
    origins = (BUNDLED_FOLDER / "README.md").read_text(encoding="utf-8")
    licence = (BUNDLED_FOLDER / "OFL.txt").read_text(encoding="utf-8")
    for path in files:
        stem = Path(path).stem.partition("-")[0]
        assert f"`{stem}-" in origins or stem.startswith("Noto"), stem
    assert [family for family in FAMILIES if not family.startswith("Noto") and f"{family}:" not in licence] == []
