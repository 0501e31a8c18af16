import io
import json
import resource
import struct
import time
import xml.etree.ElementTree as ET
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from testamur.openbadges.baking import Baked, Unreadable, bake, unbake

JSON = json.dumps({"name": 'É "quoted" ]]> <b>&amp; 名\u2028\U0001f642'}, ensure_ascii=False)
JWS = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl"
URL = "https://a.example/ob2/assertions/1?x=1&y=2"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8"/></svg>'
OB3 = "{https://purl.imsglobal.org/ob/v3p0}"
OB2 = "{http://openbadges.org}"


def _png(size=(8, 8)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGBA", size, "teal").save(stream, "PNG")
    return stream.getvalue()


PNG = _png()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _with_chunk(*chunks: bytes, png: bytes = PNG) -> bytes:
    at = 8 + 25  # The signature and IHDR.
    return png[:at] + b"".join(chunks) + png[at:]


BADGES = [
    Baked(credential=JSON),
    Baked(credential=JWS),
    Baked(assertion=URL),
    Baked(credential=JSON, assertion=URL),
    Baked(credential=JWS, assertion=URL),
]


@pytest.mark.parametrize("badge", BADGES)
def test_a_badge_comes_out_of_a_png_as_it_went_in(badge):
    assert unbake(bake(PNG, badge)) == badge


@pytest.mark.parametrize("badge", BADGES)
def test_a_badge_comes_out_of_an_svg_as_it_went_in(badge):
    found = unbake(bake(SVG, badge))
    assert found.assertion == badge.assertion
    if badge.credential == JSON:
        assert json.loads(found.credential) == json.loads(JSON)
    else:
        assert found.credential == badge.credential


def test_the_picture_in_a_png_stays_what_it_was():
    baked = bake(PNG, Baked(credential=JSON, assertion=URL))
    image = Image.open(io.BytesIO(baked))
    image.load()
    assert image.tobytes() == Image.open(io.BytesIO(PNG)).tobytes()
    assert image.text["openbadgecredential"] == JSON
    assert image.text["openbadges"] == URL
    assert baked.index(b"openbadgecredential") < baked.index(b"IDAT")


def test_the_elements_of_an_svg_follow_its_root():
    root = ET.fromstring(bake(SVG, Baked(credential=JSON, assertion=URL)))
    assert [child.tag for child in root] == [
        OB3 + "credential",
        OB2 + "assertion",
        "{http://www.w3.org/2000/svg}path",
    ]
    assert json.loads(root[0].text) == json.loads(JSON)
    assert root[1].get("verify") == URL


def test_an_svg_with_json_has_it_in_cdata_under_the_namespace_of_its_root():
    baked = bake(SVG, Baked(credential=JSON)).decode()
    assert ' xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"><openbadges:credential><![CDATA[{' in baked
    assert baked.count("]]>") == 1


def test_an_svg_with_a_jws_has_it_in_the_attribute():
    baked = bake(SVG, Baked(credential=JWS)).decode()
    assert f'<openbadges:credential verify="{JWS}"></openbadges:credential>' in baked


@pytest.mark.parametrize("image", [PNG, SVG])
def test_baking_again_replaces_all_that_was_there(image):
    first = bake(image, Baked(credential=JWS, assertion=URL))
    assert unbake(bake(first, Baked(assertion="https://b.example"))) == Baked(assertion="https://b.example")
    assert bake(first, Baked(credential=JWS)) == bake(image, Baked(credential=JWS))


def test_what_other_bakers_left_is_replaced():
    png = _with_chunk(
        _chunk(b"tEXt", b"openbadges\0" + URL.encode()),
        _chunk(b"zTXt", b"openbadgecredential\0\0" + zlib.compress(JSON.encode())),
        _chunk(b"tEXt", b"Author\0A. Person"),
    )
    baked = bake(png, Baked(credential=JWS))
    assert unbake(baked) == Baked(credential=JWS)
    assert b"A. Person" in baked
    svg = (
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><!-- <svg> --><!DOCTYPE svg PUBLIC "a" "https://b.example">'
        b"<s:svg xmlns:s='http://www.w3.org/2000/svg' aria-label=\"a>b\" xmlns:openbadges='http://openbadges.org'>"
        b'<openbadges:assertion verify="https://old.example"/><s:g title="]]>"/>'
        b'<o:credential xmlns:o="https://purl.imsglobal.org/ob/v3p0"><![CDATA[{"old": "</o:credential>"}]]></o:credential>'
        b"</s:svg>"
    )
    baked = bake(svg, Baked(credential=JSON))
    assert json.loads(unbake(baked).credential) == json.loads(JSON)
    assert b"old" not in baked
    assert [child.tag for child in ET.fromstring(baked)] == [OB3 + "credential", "{http://www.w3.org/2000/svg}g"]


def test_a_badge_is_found_in_a_large_svg():
    svg = SVG.replace(b"<path", b"<path d='M0 0'/>" * 150_000 + b"<path")
    baked = bake(svg, Baked(credential=JWS, assertion=URL))
    assert unbake(baked) == Baked(credential=JWS, assertion=URL)
    at_the_end = svg.replace(
        b"</svg>", b'<a xmlns="https://purl.imsglobal.org/ob/v3p0"><credential verify="old"/></a></svg>'
    )
    assert unbake(at_the_end) == Baked(credential="old")
    assert unbake(bake(at_the_end, Baked(assertion=URL))) == Baked(assertion=URL)


def test_scripts_in_an_svg_do_nothing():
    svg = SVG.replace(b"<path", b"<script>alert('&lt;svg>'.length &lt; 1)</script><path onload='x()'")
    with pytest.raises(Unreadable, match="no badge"):
        unbake(svg)
    assert unbake(bake(svg, Baked(credential=JWS))) == Baked(credential=JWS)


def test_a_noncharacter_is_escaped_in_an_svg():
    text = json.dumps({"name": "a\uffff\ufffe"}, ensure_ascii=False)
    assert json.loads(unbake(bake(SVG, Baked(credential=text))).credential) == json.loads(text)


CREDENTIAL = _chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0" + JWS.encode())


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (PNG, "no badge"),
        (SVG, "no badge"),
        (b"", "neither a PNG nor an SVG"),
        (b"\xff\xd8\xff\xe0 a JPEG", "neither a PNG nor an SVG"),
        (b"<html></html>", "neither a PNG nor an SVG"),
        (b"<svg></svg>", "neither a PNG nor an SVG"),
        (PNG[:8], "cut off"),
        (PNG[:20], "cut off"),
        (_with_chunk(CREDENTIAL)[:-8], "cut off"),
        (_with_chunk(CREDENTIAL)[:-12], "cut off"),
        (_with_chunk(struct.pack(">I", 0xFFFF_FFFF) + b"iTXt"), "cut off"),
        (_with_chunk(CREDENTIAL[:-1] + b"!"), "checksum"),
        (_with_chunk(CREDENTIAL, CREDENTIAL), "two badges"),
        (_with_chunk(_chunk(b"tEXt", b"openbadgecredential\0x"), CREDENTIAL), "wrong kind of chunk"),
        (_with_chunk(_chunk(b"IHDR", b"")), "header"),
        (PNG[:8] + CREDENTIAL + PNG[8:], "header"),
        (_with_chunk(_chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0\xff")), "cannot be read"),
        (_with_chunk(_chunk(b"iTXt", b"openbadgecredential\0\0\0en")), "cannot be read"),
        (_with_chunk(_chunk(b"iTXt", b"openbadgecredential")), "wrong kind of chunk"),
        (_with_chunk(_chunk(b"none", b"") * 60_000), "too many parts"),
        (PNG + bytes(10_000_000), "larger than 10 MB"),
        (SVG[:-3], "broken"),
        (SVG.replace(b"M0", b"\xff"), "broken"),
        (b"<?xml version='1.0' encoding='iso-8859-1'?>" + SVG, "UTF-8"),
        (bake(SVG, Baked(credential=JWS)).replace(b"</svg>", b"<openbadges:credential/></svg>"), "two badges"),
        (bake(SVG, Baked(credential=JWS)).replace(b'"></open', b'">{}</open'), "two forms"),
        (bake(SVG, Baked(credential=JWS)).replace(b'"></open', b'"><a/></open'), "elements in it"),
        (b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + SVG, "entities"),
        (b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SVG.replace(b"<path", b"&a;<path"), "entities"),
        (SVG.replace(b"<path", b"&a;<path"), "broken"),
        (SVG.replace(b"<path", b"<g>" * 501 + b"<path"), "levels deep"),
    ],
)
def test_pictures_that_hold_no_clear_badge_are_refused(image, reason):
    with pytest.raises(Unreadable, match=reason):
        unbake(image)


def test_a_compressed_bomb_is_not_unpacked():
    bomb = zlib.compress(bytes(300_000_000), 1)
    png = _with_chunk(_chunk(b"iTXt", b"openbadgecredential\0\1\0\0\0" + bomb))
    start = time.monotonic()
    with pytest.raises(Unreadable, match="compressed"):
        unbake(png)
    assert time.monotonic() - start < 1


def test_an_svg_made_to_fill_the_memory_is_refused_soon():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bombs = [
        f'<!DOCTYPE svg [<!ENTITY l0 "ha">{laughs}]>{SVG.decode().replace("<path", "&l11;<path")}'.encode(),
        SVG.replace(b"<path", b"<g>" * 3_000_000 + b"<path"),
        SVG.replace(b"<path", b"<g a='" + b"a" * 9_000_000),
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    for bomb in bombs:
        with pytest.raises(Unreadable):
            unbake(bomb)
    assert time.monotonic() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000


@pytest.mark.parametrize(
    "image", [b"", PNG[:40], SVG[:-3], b"<svg xmlns='http://www.w3.org/2000/svg'/>", PNG[:33] + _chunk(b"IEND", b"")]
)
def test_into_what_is_no_picture_nothing_is_baked(image):
    with pytest.raises(Unreadable):
        bake(image, Baked(credential=JWS))


@given(
    st.sampled_from([bake(PNG, Baked(credential=JWS, assertion=URL)), bake(SVG, Baked(credential=JSON))]),
    st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=6), st.integers(0, 6)), min_size=1, max_size=5),
)
def test_damaged_pictures_are_read_or_refused(image, damages):
    for where, new, dropped in damages:
        at = int(where * len(image))
        image = image[:at] + new + image[at + dropped :]
    try:
        unbake(image)
    except Unreadable as error:
        assert str(error)


@given(st.binary(), st.sampled_from([b"", PNG[:8], PNG[:33], SVG[:50]]))
def test_anything_is_read_or_refused(content, start):
    with pytest.raises(Unreadable):
        unbake(start + content)


@given(st.lists(st.tuples(st.sampled_from([b"iTXt", b"tEXt", b"zTXt", b"IDAT"]), st.binary())))
def test_any_chunks_are_read_or_refused(chunks):
    png = _with_chunk(*(_chunk(kind, b"openbadges\0" + data) for kind, data in chunks))
    try:
        assert unbake(png).credential is None
    except Unreadable as error:
        assert str(error)
    assert unbake(bake(png, Baked(credential=JWS))) == Baked(credential=JWS)
