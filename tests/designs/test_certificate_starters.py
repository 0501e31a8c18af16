"""Certificates in the gallery of starter designs: each can be had with its pictures, holds long names, and leads to its credential."""

import io
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

import pytest
import zxingcpp
from PIL import Image

from testamur.clock import now
from testamur.designs.queries import get_version, list_designs
from testamur.designs.starters import FOLDER, GALLERY, STARTERS, add_starters, read_starter
from testamur.rendering.document import picture_sources, with_sources
from testamur.rendering.pictures import prepare_picture
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES

AT = datetime(2026, 11, 24, tzinfo=UTC)
NAMES = {
    "latin": "Maximiliana Theodora Wolfeschlegelstein-Hausenberger von Hohenfriedber",
    "arabic": "محمد عبد الرحمن بن خالد الأندلسي",
    "devanagari": "प्रियंका श्रीवास्तव",
}
COURSE = "Advanced Quantitative Methods for Sustainable Financial Markets, Risk Governance and Regulatory Reporting"
CERTIFICATES = [name for name in GALLERY if read_starter(name).type == "certificate"]
# What a workspace need not have.
OPTIONAL = {"custom.hours", "custom.instructor", "certificate.expired_on"}


class Beside(dict):
    """The pictures beside the starters, by digest."""

    def read(self, digest):
        return self[digest]


@cache
def renderer(name):
    drawn = read_starter(name).document
    pictures = {source: prepare_picture((FOLDER / source).read_bytes()).content for source in picture_sources(drawn)}
    digests = {source: sha256(content).hexdigest() for source, content in pictures.items()}
    assets = Beside({digests[source]: content for source, content in pictures.items()})
    return Renderer(with_sources(drawn, {source: f"asset:{digest}" for source, digest in digests.items()}), assets)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_shows_whose_it_is_and_leads_to_it(name):
    made = renderer(name)
    shown = {
        "recipient.name",
        "group.name",
        "issuer.name",
        "certificate.issued_on",
        "certificate.uuid",
        "credential.url",
    }
    assert shown <= made.tags
    assert made.findings(SAMPLE_VALUES) == []
    drawn = Image.open(io.BytesIO(made.png(SAMPLE_VALUES, width_px=1200)))
    assert [code.text for code in zxingcpp.read_barcodes(drawn)] == [SAMPLE_VALUES["credential.url"]]


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_has_room_for_any_name_and_needs_no_attributes_of_its_own(name):
    made = renderer(name)
    values = {tag: value for tag, value in SAMPLE_VALUES.items() if tag not in OPTIONAL}
    for recipient in NAMES.values():
        assert made.findings({**values, "recipient.name": recipient, "group.name": COURSE}) == []
    assert made.pdf(values, title="x", at=AT, standard="a-2b").startswith(b"%PDF")


def test_a_starter_is_made_once_with_its_picture(platform, tenant):
    with platform.database.write() as tx:
        first = add_starters(tx, platform.storage, tenant.workspace.id, names=["midnight"], at=now())
        again = add_starters(tx, platform.storage, tenant.workspace.id, names=["midnight"], at=now())
        version = get_version(tx, tenant.workspace.id, first[0].id, 1)
        kept = list_designs(tx, tenant.workspace.id, None, 100).items
    assert again == first
    assert first[0].starter == "midnight"
    assert {design.starter for design in kept} == {*STARTERS, "midnight"}
    assert "midnight.jpg" not in version.document
    assert '"picture":"asset:' in version.document


def test_every_file_beside_the_starters_belongs_to_one():
    files = {file.name for file in FOLDER.iterdir() if file.suffix not in {".py", ""}}
    named = {source for name in GALLERY for source in picture_sources(read_starter(name).document)}
    assert files == {f"{name}.json" for name in GALLERY} | named
