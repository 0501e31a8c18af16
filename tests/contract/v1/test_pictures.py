"""Pictures over the API: what is stored is what can be drawn and shown; what cannot be is told, and never a 500."""

import io
from hashlib import sha256

import pytest
from databases import on_one_database
from PIL import Image
from sqlalchemy import select

from testamur.designs.assets import WorkspaceAssets
from testamur.designs.tables import assets


def saved(image, format_, **options):
    made = io.BytesIO()
    image.save(made, format_, **options)
    return made.getvalue()


SMALL = Image.effect_noise((60, 40), 40).convert("RGB")
SECOND = SMALL.rotate(180)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 20">%s</svg>'


def exif():
    made = Image.Exif()
    made[0x0112] = 6
    made[0x010E] = "SECRET place"
    return made


def stored(platform, tenant, source):
    digest = source.removeprefix("asset:")
    content = WorkspaceAssets(platform.storage, tenant.workspace.id).read(digest)
    assert sha256(content).hexdigest() == digest
    with platform.database.read() as tx:
        row = tx.execute(select(assets).where(assets.c.digest == digest)).one()
    assert (row.workspace_id, row.size_bytes) == (tenant.workspace.id, len(content))
    return content, row


@on_one_database
@pytest.mark.parametrize(
    ("content", "media_type", "size"),
    [
        (saved(SMALL, "PNG"), "image/png", (60, 40)),
        (saved(SMALL, "JPEG", exif=exif()), "image/jpeg", (40, 60)),
        (saved(SMALL.convert("CMYK"), "JPEG"), "image/jpeg", (60, 40)),
        (saved(SMALL, "WEBP"), "image/jpeg", (60, 40)),
        (saved(SMALL, "WEBP", lossless=True), "image/png", (60, 40)),
        (saved(SMALL, "GIF"), "image/png", (60, 40)),
        (SVG % b'<script>SECRET</script><circle r="9"/>', "image/svg+xml", (30, 20)),
    ],
    ids=["png", "turned", "cmyk", "webp", "lossless webp", "gif", "svg"],
)
def test_what_is_stored_is_what_the_answer_tells(platform, tenant, api, content, media_type, size):
    answer = api("POST", "/assets", status=201, content=content)
    assert (answer["mediaType"], answer["width"], answer["height"]) == (media_type, *size)
    kept, row = stored(platform, tenant, answer["source"])
    assert (row.media_type, row.width_px, row.height_px) == (media_type, *size)
    assert b"SECRET" not in kept
    # The same again, and what is stored itself, are the same asset.
    assert api("POST", "/assets", status=201, content=content) == answer
    assert api("POST", "/assets", status=201, content=kept) == answer


HOSTILE = {
    "empty": (b"", "not a PNG, JPEG, WebP, GIF or SVG"),
    "pdf": (b"%PDF-1.7 ...", "not a PNG, JPEG, WebP, GIF or SVG"),
    "html": (b"<!doctype html><html><script>alert(1)</script></html>", "SVG"),
    "truncated png": (saved(SMALL, "PNG")[:-400], "broken or incomplete"),
    "truncated jpeg": (saved(SMALL, "JPEG")[:-400], "broken or incomplete"),
    "truncated webp": (saved(SMALL, "WEBP")[:-400], "broken or incomplete"),
    "wide": (saved(Image.new("1", (20_000, 1)), "PNG"), "at most 8000 wide and high"),
    "bomb": (saved(Image.new("1", (20_000, 20_000)), "PNG"), "too many pixels (20000 x 20000)"),
    "moving png": (saved(SMALL, "PNG", save_all=True, append_images=[SECOND]), "animated"),
    "moving gif": (saved(SMALL, "GIF", save_all=True, append_images=[SECOND]), "animated"),
    "moving webp": (saved(SMALL, "WEBP", save_all=True, append_images=[SECOND]), "animated"),
    "polyglot": (saved(SMALL, "PNG") + b"PK\x05\x06" + b"\0" * 18, "other data after the picture's end"),
    "svgz": (b"\x1f\x8b\x08\0" + b"\0" * 20, "save it as SVG"),
    "svg with entities": (b'<!DOCTYPE svg [<!ENTITY a "aa">]>' + SVG % b"<text>&a;</text>", "declares entities"),
    "svg that reads files": (SVG % b'<image href="file:///etc/passwd"/>', 'refers to "file:///etc/passwd"'),
    "svg that fetches": (SVG % b'<image href="http://127.0.0.1/"/>', 'refers to "http://127.0.0.1/"'),
    "deep svg": (SVG % (b"<g>" * 10_000 + b"</g>" * 10_000), "nested more than 64 levels"),
    "svg without end": (SVG % b'<g id="a"><use href="#a"/></g>', "without end"),
    "svg that brings the engine down": (
        SVG % b'<pattern id="p" width="1e5" height="1e5" patternUnits="userSpaceOnUse"><path d="M0 0h9v9z"/></pattern>'
        b'<path fill="url(#p)" d="M0 0h10v10z"/>',
        "cannot be drawn",
    ),
    "eleven megabytes": (b"\x89PNG\r\n\x1a\n" + b"\0" * (10 * 1024 * 1024 - 7), "larger than 10 MiB"),
}


@on_one_database
@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_used_is_told_in_words_and_leaves_nothing(platform, api, content, words):
    answer = api("POST", "/assets", status=400, content=content)
    assert answer["error"]["code"] == "validation_error"
    assert words in answer["error"]["message"]
    with platform.database.read() as tx:
        assert tx.execute(select(assets)).all() == []


def test_a_picture_is_looked_at_before_the_database_is_asked_for_a_place(platform, api):
    api("GET", "/designs")  # The token's first use is written down; what follows needs no writing.
    with platform.database.write() as tx:
        tx.execute(assets.delete())
        # Nobody else can write now, and still the answer comes.
        api("POST", "/assets", status=400, content=saved(SMALL, "PNG")[:-400])


def test_the_description_names_what_is_accepted(client):
    described = client.get("/openapi.json").json()["paths"]["/v1/assets"]["post"]["description"]
    for media_type in ("image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml"):
        assert media_type in described
