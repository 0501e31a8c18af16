"""Each design of the gallery as it comes out: nothing is cut or missing, and its code can be read."""

import shutil
import subprocess
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
import zxingcpp
from drawn_gallery import VALUES, gallery_renderer, on_white

from testamur.designs.gallery import gallery_design
from testamur.designs.starters import FOLDER, GALLERY, STARTERS
from testamur.errors import NotFound
from testamur.rendering.document import parse_document
from testamur.rendering.elements import QRCode, Text, every_element
from testamur.rendering.samples import SAMPLE_VALUES

AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(params=GALLERY)
def name(request):
    return request.param


def elements_of(name):
    return list(every_element(parse_document(gallery_design(name).definition.document).elements))


def test_the_gallery_is_what_lies_in_its_folder():
    assert set(GALLERY) == {path.stem for path in FOLDER.glob("*.json")}
    titles = [gallery_design(name).title for name in GALLERY]
    assert len(set(titles)) == len(titles)
    with pytest.raises(NotFound, match="hexagon-badge"):
        gallery_design("../badge")


def test_a_design_shows_what_it_is_about(name):
    shown = gallery_renderer(name).tags
    assert {"group.name", "issuer.name"} <= shown
    if gallery_design(name).type == "certificate":
        assert {"recipient.name", "certificate.issued_on", "certificate.uuid", "credential.url"} <= shown


def test_a_text_has_a_name_for_whoever_edits_it(name):
    if name in STARTERS:
        pytest.skip("made before names were asked for")
    assert all(element.name for element in elements_of(name) if isinstance(element, Text | QRCode))


@pytest.mark.parametrize("kind", VALUES)
def test_whatever_the_values_nothing_is_wrong(name, kind):
    assert gallery_renderer(name).findings(VALUES[kind], language=gallery_design(name).language) == []


def test_the_code_can_be_read_from_a_picture(name):
    codes = [element for element in elements_of(name) if isinstance(element, QRCode)]
    png = gallery_renderer(name).png(VALUES["long"], width_px=1200, language=gallery_design(name).language)
    picture = on_white(png)
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [SAMPLE_VALUES["credential.url"]] * len(codes)
    # The library above also made the codes; this one has nothing to do with it.
    read, _, _ = cv2.QRCodeDetector().detectAndDecode(np.asarray(picture)[:, :, ::-1].copy())
    assert read == (SAMPLE_VALUES["credential.url"] if codes else "")


def test_a_badge_has_no_ground_of_its_own(name):
    if gallery_design(name).type == "badge" and name not in STARTERS:
        assert parse_document(gallery_design(name).definition.document).background.color == "#ffffff00"


def test_an_archival_pdf_can_be_made_and_is_sound(name, tmp_path):
    file = tmp_path / f"{name}.pdf"
    design = gallery_design(name)
    made = gallery_renderer(name).pdf(
        SAMPLE_VALUES, title=design.title, language=design.language, at=AT, standard="a-2b"
    )
    file.write_bytes(made)
    assert b"pdfaid" in made
    if shutil.which("qpdf") is None:
        pytest.skip("qpdf is not installed")
    told = subprocess.run(["qpdf", "--check", file], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "No syntax or stream encoding errors found" in told.stdout
