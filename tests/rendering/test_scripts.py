"""The same certificate in 16 scripts: what is read out of the PDF is what was put in.

Two programs that read PDFs are asked, pdfium and poppler's pdftotext, because each is at fault in places:

* pdfium loses the space behind a syllable whose letters change places (Devanagari, Tamil).
* poppler takes emoji, which are higher than letters, for lines of their own.

typst 0.15 itself says a syllable twice in which a mark is shifted up or down, as the bold Noto Sans Thai does with many.
"""

import shutil
import subprocess
import unicodedata
from datetime import UTC, datetime
from functools import cache

import pytest
from drawn_gallery import gallery_renderer, words_of

from tools.scripts import SCRIPTS

AT = datetime(2026, 11, 24, tzinfo=UTC)
AT_FAULT = {"pdfium": {"Devanagari", "Tamil"}, "poppler": {"Emoji"}}
# Each from another family of fonts, with and without serifs.
DESIGNS = ("certificate", "ticket", "hexagon-badge")
SAID_TWICE = {("Thai", "ticket")}


@cache
def pdf_of(script, design):
    shown = SCRIPTS[script]
    return gallery_renderer(design).pdf(shown.values, title=script, language=shown.language, at=AT)


def read_by_poppler(pdf, folder):
    file = folder / "file.pdf"
    file.write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", "-enc", "UTF-8", file, "-"], capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    return done.stdout


def in_one_form(text):
    return " ".join(unicodedata.normalize("NFC", text).split())


def missing_from(text, script, design):
    shown = SCRIPTS[script]
    texts = [shown.course] if design == "hexagon-badge" else [shown.recipient, shown.course, shown.issuer]
    return [wanted for wanted in map(in_one_form, texts) if wanted not in in_one_form(text)]


def expect_known_faults(request, reader, script, design):
    """Those of typesetting must go on: once they are mended, this is to be taken away."""
    if script in AT_FAULT[reader]:
        pytest.skip(f"{reader} is at fault")
    if (script, design) in SAID_TWICE:
        request.applymarker(pytest.mark.xfail(reason="typst says a syllable twice", strict=True))


def test_there_are_sixteen():
    assert len(SCRIPTS) == 16


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_is_wrong(script, design):
    shown = SCRIPTS[script]
    assert gallery_renderer(design).findings(shown.values, language=shown.language) == []


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_pdfium_reads_what_was_put_in(request, script, design):
    expect_known_faults(request, "pdfium", script, design)
    assert missing_from(words_of(pdf_of(script, design)), script, design) == []


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_poppler_reads_what_was_put_in(request, script, design, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    expect_known_faults(request, "poppler", script, design)
    assert missing_from(read_by_poppler(pdf_of(script, design), tmp_path), script, design) == []


def test_one_of_them_reads_each_script():
    assert not AT_FAULT["pdfium"] & AT_FAULT["poppler"]
