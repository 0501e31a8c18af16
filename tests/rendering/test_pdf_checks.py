"""Every starter design as PDF, signed and not, before programs that we did not write: poppler's and qpdf."""

import io
import re
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache

import pytest
from drawn_gallery import gallery_renderer
from pypdf import PdfReader

from testamur.designs.gallery import gallery_design
from testamur.designs.starters import GALLERY, STARTERS
from testamur.rendering.attributes_in_text import fill_in
from testamur.rendering.document import parse_document
from testamur.rendering.elements import Image, QRCode, Text, every_element
from testamur.rendering.pdf_signing import sign_pdf
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.signing_identity import SigningIdentity

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TITLE = "Financial Markets - Żółw"
LANGUAGE = "pl"


@cache
def rendered(starter, standard=""):
    return gallery_renderer(starter).pdf(SAMPLE_VALUES, title=TITLE, language=LANGUAGE, at=AT, standard=standard)


@pytest.fixture(scope="module", params=STARTERS)
def starter(request):
    return request.param


@pytest.fixture(scope="module", params=GALLERY)
def drawn(request):
    return request.param


@pytest.fixture(scope="module", params=["rsa-2048", "p-256"])
def identity(request, authority):
    key = authority.new_key(request.param)
    return SigningIdentity(key, authority.certificate(key), (authority.intermediate, authority.root))


@pytest.fixture(params=["plain", "a-2b signed"])
def file(request, drawn, authority, tmp_path):
    standard, _, is_signed = request.param.replace("plain", "").replace("signed", " signed").partition(" ")
    content = rendered(drawn, standard.strip())
    if is_signed:
        key = authority.new_key("p-256")
        content = sign_pdf(content, SigningIdentity(key, authority.certificate(key), ()), at=AT)
    path = tmp_path / "file.pdf"
    path.write_bytes(content)
    return path


def told_by(program, *arguments):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    # Without a home of its own, pdfsig would look at the certificates of whoever runs the tests.
    done = subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_qpdf_finds_no_fault(file):
    told = told_by("qpdf", "--check", file)
    assert "No syntax or stream encoding errors found" in told
    assert "WARNING" not in told


def test_every_font_is_embedded_as_a_subset_with_its_characters(file):
    fonts = told_by("pdffonts", file).splitlines()[2:]
    assert fonts
    for font in fonts:
        embedded, subset, to_unicode = font.split()[-5:-2]
        assert (embedded, subset, to_unicode) == ("yes", "yes", "yes"), font


def test_title_and_date_are_told_and_no_script(file):
    told = dict(line.split(":", 1) for line in told_by("pdfinfo", file).splitlines())
    told = {name: value.strip() for name, value in told.items()}
    assert told["Title"] == TITLE
    assert told["CreationDate"] == "Tue Nov 24 12:00:00 2026 UTC"
    assert (told["Tagged"], told["JavaScript"], told["Encrypted"], told["Pages"]) == ("yes", "no", "no", "1")
    # pdfinfo does not tell the language.
    assert PdfReader(file).trailer["/Root"]["/Lang"] == LANGUAGE


def test_the_structure_has_every_value_as_text_and_every_picture_with_its_alternative(file, drawn):
    structure = told_by("pdfinfo", "-struct-text", file)
    assert structure.startswith("Document")
    shown = squeezed(structure)
    design = gallery_design(drawn)
    elements = list(every_element(parse_document(design.definition.document).elements))
    # Each text as it is filled in, but for those of other scripts, which poppler says in another order.
    texts = [
        fill_in(run.text, SAMPLE_VALUES, LANGUAGE)
        for element in elements
        if isinstance(element, Text)
        for run in element.styled_runs
    ]
    assert [text for text in texts if text.isascii() and squeezed(text) not in shown] == []
    pictures = [element for element in elements if isinstance(element, Image | QRCode) and element.alt]
    assert structure.count("Figure") >= len([picture for picture in pictures if isinstance(picture, QRCode)])
    # pdfinfo does not tell the alternatives.
    alternatives = set(alternatives_in(PdfReader(file).trailer["/Root"]["/StructTreeRoot"]))
    assert {picture.alt for picture in pictures if isinstance(picture, QRCode)} <= alternatives


def squeezed(text):
    """Without spaces, and the quotes around each line that pdfinfo prints."""
    return re.sub(r'[\s"]', "", text).casefold()


def alternatives_in(node):
    node = node.get_object()
    if isinstance(node, list):
        for kid in node:
            yield from alternatives_in(kid)
    elif isinstance(node, dict):
        if "/Alt" in node:
            yield node["/Alt"]
        yield from alternatives_in(node.get("/K", []))


@pytest.mark.parametrize("standard", ["", "a-2b"])
def test_pdfsig_finds_the_signature_valid_and_over_the_whole_file(starter, identity, standard, tmp_path):
    content = rendered(starter, standard)
    signed = sign_pdf(content, identity, at=AT)
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed)
    told = told_by("pdfsig", path)
    assert "Signature is Valid." in told
    assert "Total document signed" in told
    assert "Signature Type: ETSI.CAdES.detached" in told
    assert "Signing Time: Nov 24 2026 12:00:00" in told
    assert "Signer Certificate Common Name: Meridian Institute" in told
    changed = bytearray(signed)
    changed[signed.index(b"stream\n", len(content) // 4) + 20] ^= 1
    path.write_bytes(changed)
    told = told_by("pdfsig", path)
    assert "Signature is Valid." not in told
    assert "Digest Mismatch" in told


@pytest.mark.parametrize(("standard", "part"), [("a-2b", "2"), ("a-3b", "3")])
def test_pdf_a_says_so_and_has_what_it_needs(starter, identity, standard, part):
    plain = rendered(starter, standard)
    for content in (plain, sign_pdf(plain, identity, at=AT)):
        reader = PdfReader(io.BytesIO(content))
        metadata = reader.xmp_metadata.stream.get_data().decode()
        assert f"<pdfaid:part>{part}</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in metadata
        assert TITLE in metadata
        (intent,) = reader.trailer["/Root"]["/OutputIntents"]
        assert intent["/S"] == "/GTS_PDFA1"
        assert intent["/DestOutputProfile"].get_data()
        assert "/Encrypt" not in reader.trailer
        assert reader.trailer["/ID"]
