"""SVG that people upload: it comes out as a picture and nothing else, or it is refused. It never takes us down."""

import base64
import io
import random
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from testamur.errors import Invalid
from testamur.rendering import trial, vector_pictures
from testamur.rendering.pictures import prepare_picture
from testamur.rendering.trial import drawn, draws_elsewhere
from testamur.rendering.vector_pictures import SVG_BYTES_MAX, clean_svg

ROOT = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10"'
RED = '<rect width="10" height="10" fill="red"/>'


def svg(inside, more=""):
    return f"{ROOT}{more}>{inside}</svg>".encode()


def png(color="navy", size=(4, 4), **options):
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, "PNG", **options)
    return made.getvalue()


def data_url(content, kind="image/png"):
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def pixels(content):
    return Image.open(io.BytesIO(drawn(content, "svg", side_pt=20))).convert("RGB")


# As drawing programs write it: a DOCTYPE, foreign names, a style sheet with a font, gradients, a clip, a symbol.
LOGO = (
    """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!-- Generator: a drawing program -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ink="urn:ink" width="60mm"
  height="30mm" viewBox="0 0 200 100" ink:version="1.2" enable-background="new 0 0 200 100" xml:space="preserve">
<metadata><secret>author@example.com</secret></metadata><title>SECRET</title>
<style type="text/css"><![CDATA[
  /* a comment: url(http://example.com/in-a-comment) */
  @font-face { font-family: "Inter"; src: url("#FontID0") format(svg) }
  @media print { .a { fill: none } }
  .a { fill: url(#g); stroke: #0a12e9 }
  .b, .c { clip-path: url(#c) }
]]></style>
<defs><linearGradient id="g" gradientTransform="rotate(45)"><stop offset="0" stop-color="#f00"/><stop offset="100%"
  stop-color="#00f"/></linearGradient><linearGradient id="h" xlink:href="#g"/>
<clipPath id="c"><circle cx="50" cy="50" r="40"/></clipPath><symbol id="s" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></symbol></defs>
<ink:layer/><g class="b" data-name="Layer 1"><rect class="a" width="100" height="100"/></g>
<use xlink:href="#s" x="110" width="40" height="40" fill="url(#h)"/><use href="#s" x="150" width="40" height="40"/>
<a xlink:href="https://example.com/"><text x="110" y="90" font-family="Inter" font-size="20">A<tspan dx="2">bc</tspan></text></a>
<image x="150" y="50" width="20" height="20" xlink:href="EMBEDDED"/>
</svg>"""
).replace("EMBEDDED", data_url(png(dpi=(72, 72))))


def test_a_logo_of_a_drawing_program_keeps_its_looks_and_loses_the_rest():
    found = prepare_picture(LOGO.encode())
    assert (found.media_type, found.width_px, found.height_px) == ("image/svg+xml", 227, 113)
    for gone in (
        b"SECRET",
        b"author@",
        b"DOCTYPE",
        b"font-face",
        b"media",
        b"http://example",
        b"https",
        b"data-name",
        b"ink",
    ):
        assert gone not in found.content
    before, after = pixels(LOGO.encode()), pixels(found.content)
    assert after.size == before.size
    assert list(after.get_flattened_data()) == list(before.get_flattened_data())
    assert clean_svg(LOGO.encode()) == found.content
    assert clean_svg(found.content) == found.content


HARMLESS = [
    "<script>alert(1)</script>",
    '<script href="https://example.com/x.js"/>',
    '<rect width="1" height="1" onclick="alert(1)" onload="alert(2)"/>',
    '<a href="javascript:alert(1)"><rect width="1" height="1"/></a>',
    "<foreignObject><div xmlns='http://www.w3.org/1999/xhtml'><iframe src='x'/></div></foreignObject>",
    "<rect width='1' height='1'><animate attributeName='href' values='javascript:alert(1)'/></rect>",
    "<set attributeName='onmouseover' to='alert(1)'/>",
    "<?php echo 1 ?><?xml-stylesheet href='http://example.com/'?>",
    "<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
    "<text><![CDATA[<script>alert(1)</script>]]></text>",
    "<x:rect xmlns:x='http://www.w3.org/2000/svg' x:onclick='alert(1)' width='1' height='1'/>",
    "<style>rect { fill: blue } </style><style>@namespace a url(x);</style>",
]


@pytest.mark.parametrize("inside", HARMLESS)
def test_what_is_more_than_a_picture_is_taken_out(inside):
    found = clean_svg(svg(RED + inside))
    for element in ET.fromstring(found).iter():
        assert element.tag.startswith("{http://www.w3.org/2000/svg}")
        assert element.tag.partition("}")[2] in {"svg", "rect", "a", "g", "text", "style"}
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name or "}" in name]
    assert b"javascript:" not in found
    assert b"<script" not in found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<", "broken"),
        (b"<svg", "broken at line 1"),
        (b"<html><body/></html>", "not an SVG"),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"/>', "not an SVG"),
        (svg(RED).replace(b"</svg>", b""), "broken"),
        (svg(RED) + b"<svg/>", "broken"),
        (svg("&unknown;"), "broken"),
        ("<svg>é</svg>".encode("latin-1"), "UTF-8"),
        (svg(RED).decode().encode("utf-16"), "not a PNG, JPEG"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("<text>&a;</text>"), "entities"),
        (b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg("<text>&a;</text>"), "entities"),
        (
            b'<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>' + svg("&c;"),
            "entities",
        ),
        (b'<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://example.com/x.dtd"> %p;]>' + svg(RED), "entities"),
        (
            svg('<image href="https://example.com/x.png" width="5" height="5"/>'),
            'refers to "https://example.com/x.png"',
        ),
        (svg('<image xlink:href="file:///etc/passwd" width="5" height="5"/>'), "refers to"),
        (svg('<image href="../secret.png" width="5" height="5"/>'), "refers to"),
        (svg('<use href="other.svg#a"/>'), "refers to"),
        (svg('<rect fill="url(http://example.com/#a)"/>'), "refers to"),
        (svg("<rect style=\"fill:url( '//example.com/#a' )\"/>"), "refers to"),
        (svg('<rect style="fill:u\\72l(http://example.com/)"/>'), "not understood"),
        (svg('<filter><feImage href="http://example.com/x.png"/></filter>'), "refers to"),
        (svg("<style>@import url(http://example.com/a.css);</style>"), "imports a style sheet"),
        (svg("<style>@ImPort 'a.css';</style>"), "imports a style sheet"),
        (svg("<style>rect { fill: url(http://example.com/a) }</style>"), "refers to"),
        (svg("<style>rect { fill: \\75rl(http://example.com/a) }</style>"), "not understood"),
        (svg("<style>@media { rect { a: b }</style>"), "not understood"),
        (svg(f'<image href="{data_url(b"GIF89a", "image/gif")}" width="5" height="5"/>'), "refers to"),
        (svg(f'<image href="{data_url(svg(RED), "image/svg+xml")}" width="5" height="5"/>'), "refers to"),
        (svg(f'<image href="{data_url(b"x")}" width="5" height="5"/>'), "picture inside the SVG cannot be used"),
        (svg('<image href="data:image/png;base64,#" width="5" height="5"/>'), "cannot be used|broken"),
        (svg(f'<image href="{data_url(png(size=(9000, 1)))}" width="5" height="5"/>'), "too many pixels"),
        (svg(f'<image href="{data_url(png())}" width="5" height="5"/>' * 60), "too many pictures"),
        (svg("<g>" * 70 + "</g>" * 70), "nested more than 64 levels"),
        (svg("<g>" * 100_000 + "</g>" * 100_000), "nested more than 64 levels"),
        (svg("<g/>" * 20_001), "more than 20000 elements"),
        (svg('<g id="a"><use href="#a"/></g>'), "without end"),
        (svg('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'), "without end"),
        (svg('<mask id="a"><rect mask="url(#a)" width="5" height="5"/></mask>'), "without end"),
        (svg('<pattern id="a"><rect fill="url(\'#b\')"/></pattern><pattern id="b" href="#a"/>'), "without end"),
        (svg("<text>" + "a" * 20_001 + "</text>"), "characters of text"),
        (svg("<rect width='1e30' height='5'/>"), 'beyond 1000000 in "width"'),
        (svg("<path d='M0 0h9999999'/>"), 'beyond 1000000 in "d"'),
        (svg("<path d='M0 0h-1E9'/>"), 'beyond 1000000 in "d"'),
        (svg("<g transform='scale(1e9)'/>"), 'beyond 1000000 in "transform"'),
        (svg("<style>rect { stroke-width: 1e8 }</style>"), 'beyond 1000000 in "style"'),
        (svg("<rect style='stroke-width: 1e8'/>"), 'beyond 1000000 in "style"'),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "neither a viewBox nor"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="5"/>', "neither a viewBox nor"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="NaN" height="5"/>', "no length"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="0" height="5"/>', "far too small"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="5000"/>', "too narrow"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="' + b"1" * 100_000 + b'x" height="5"/>', "beyond"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10"/>', "four numbers"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 10"/>', "above 0"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 -5 10"/>', "above 0"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 inf nan"/>', "above 0"),
        (svg("a" * SVG_BYTES_MAX), "larger than 1 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "svg",
)
def test_what_cannot_be_kept_is_refused_with_the_reason(content, reason):
    with pytest.raises(Invalid, match=reason):
        prepare_picture(content)


@pytest.mark.parametrize("reference", ['<use href="#{}"/>', '<rect width="9" height="9" mask="url(#{})"/>'])
def test_a_picture_of_a_billion_pictures_is_refused(reference):
    levels = "".join(f'<g id="g{level}">' + reference.format(f"g{level - 1}") * 10 + "</g>" for level in range(1, 10))
    with pytest.raises(Invalid, match="more than 100000 elements"):
        prepare_picture(svg(f'<g id="g0">{RED}</g>{levels}'))
    chain = "".join(f'<g id="g{level}"><use href="#g{level - 1}"/></g>' for level in range(1, 5000))
    with pytest.raises(Invalid, match="too deeply"):
        prepare_picture(svg(f'<g id="g0">{RED}</g>{chain}'))


@pytest.mark.parametrize(
    "content",
    [
        "@" * 1_000_000,
        "/*" * 500_000,
        "@a{" * 300_000,
        "@{" + "{}" * 400_000,
        "url(" * 250_000,
        "1" * 1_000_000,
        "#" * 1_000_000,
    ],
    ids=["at", "comment", "rules", "blocks", "url", "digits", "hashes"],
)
@pytest.mark.timeout(60)
def test_no_text_takes_the_reader_long(content):
    for inside in (f"<style>{content}</style>", f'<rect style="{content}"/>', f'<path d="{content}"/>'):
        if len(inside) < SVG_BYTES_MAX - 200:
            with pytest.raises(Invalid):
                prepare_picture(svg(inside, ' width="1e9"'))


# Each of these ends the process of whoever lets typst draw it, or keeps it busy for minutes.
NASTY = {
    "overflow": '<g transform="scale(1e6)"><rect width="1e6" height="1e6" stroke="red" stroke-width="1e6"/></g>',
    "large pattern": '<pattern id="p" width="100000" height="100000" patternUnits="userSpaceOnUse"><rect width="1" '
    'height="1"/></pattern><rect width="10" height="10" fill="url(#p)"/>',
    "blur without end": '<filter id="f" x="-10000" y="-10000" width="1000000" height="1000000"><feGaussianBlur '
    'stdDeviation="30000"/></filter>' + '<rect filter="url(#f)" width="10" height="10"/>' * 500,
    "turbulence": '<filter id="f"><feTurbulence baseFrequency=".05" numOctaves="1000000"/></filter>'
    '<rect filter="url(#f)" width="10" height="10"/>',
    "masks by styles": "<style>"
    + "".join(f".m{level} {{ mask: url(#m{level}) }}" for level in range(30))
    + '</style><mask id="m0"><rect width="9" height="9"/></mask>'
    + "".join(
        f'<mask id="m{level}">' + f'<rect class="m{level - 1}" width="9" height="9"/>' * 3 + "</mask>"
        for level in range(1, 30)
    )
    + '<rect class="m29" width="9" height="9"/>',
}

# Those that are ended only when their time is over.
SLOW = [NASTY[name] for name in ("blur without end", "turbulence", "masks by styles")]


@pytest.mark.parametrize("inside", NASTY.values(), ids=NASTY)
def test_what_brings_the_engine_down_brings_only_the_trial_down(inside, monkeypatch):
    # Enough to start and draw an innocent picture, and a third of the usual, because some of these take all of it.
    monkeypatch.setattr(trial, "_CPU_SECONDS", 2)
    with pytest.raises(Invalid, match="cannot be drawn, or takes too long"):
        prepare_picture(svg(inside))


def test_a_picture_inside_is_prepared_as_any_other():
    exif = Image.Exif()
    exif[0x010E] = "SECRET place"
    found = clean_svg(svg(f'<image href="{data_url(png(exif=exif))}" width="10" height="10"/>'))
    inside = base64.b64decode(re.search(rb"base64,([^\"]*)", found)[1])
    assert inside == png()
    assert pixels(found).getpixel((10, 10)) == (0, 0, 128)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('viewBox="0 0 300 200"', (300, 200)),
        ('viewBox="-5,-5 , 30 20" width="100%" height="auto"', (30, 20)),
        ('width="300" height="200px"', (300, 200)),
        ('width="1in" height="72pt"', (96, 96)),
        ('viewBox="0 0 300 200" width="150"', (150, 100)),
        ('viewBox="0 0 300 200" height="50"', (75, 50)),
        ('viewBox="0 0 300000 200000"', (8000, 5333)),
        ('viewBox="0 0 1 0.5"', (1, 1)),
    ],
)
def test_its_size_is_what_it_says(attributes, size):
    for root in (f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>', f"<svg {attributes}>"):
        found = prepare_picture(f"{root}{RED}</svg>".encode())
        assert (found.width_px, found.height_px) == size
        cleaned = ET.fromstring(found.content)
        assert cleaned.tag == "{http://www.w3.org/2000/svg}svg"
        assert {"width", "height", "viewBox"} <= set(cleaned.attrib)


PIECES = [
    *HARMLESS, *NASTY.values(), RED, "<g>", "</g>", '<g opacity=".5" transform="rotate(3)">', "<defs>", "</defs>",
    '<text font-size="3" y="5">Aß\N{ARABIC LETTER ALEF}</text>', '<use href="#a"/>', '<g id="a"><path d="M0 0L5 5z"/></g>',
    '<linearGradient id="g"><stop offset="0"/></linearGradient>', '<rect fill="url(#g)" width="3" height="-3"/>',
    '<svg viewBox="0 0 0 0" width="5"><circle r="NaN"/></svg>', '<marker id="m"><path d="M0 0"/></marker>',
    '<path marker-mid="url(#m)" d="M0 0L1 1 2 2 3 3A1 1 0 0 0 5 5"/>', '<image href="data:image/png;base64,AAAA"/>',
    "<style>rect{fill:blue}</style>", "&amp;", "&#0;", "\ud7ff", "<!-- -- -->", "]]>",
]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8), st.integers(0, 2**32), st.integers(0, 6))
def test_any_svg_is_refused_or_cleaned(pieces, seed, faults):
    """The trial is left out here, as a process per example is slow; the next test has it."""
    damaged, chance = list(f"{ROOT}>{''.join(pieces)}</svg>"), random.Random(seed)
    for _ in range(faults):
        position = chance.randrange(len(damaged))
        damaged[position : position + chance.randrange(3)] = chance.choice(
            ["", "9", "e9", "<", "url(", '"', "-", "\\", "#a"]
        )
    try:
        cleaned, _ = vector_pictures.cleaned("".join(damaged).encode())
    except Invalid:
        return
    assert vector_pictures.cleaned(cleaned)[0] == cleaned
    for element in ET.fromstring(cleaned).iter():
        assert element.tag.partition("}")[2] not in {"script", "foreignObject", "iframe", "animate", "set", "html"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "javascript" not in value
            assert "href" not in name or value.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,"))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([piece for piece in PIECES if piece not in SLOW]), min_size=1, max_size=5))
def test_any_svg_is_refused_or_can_be_drawn(pieces):
    try:
        found = prepare_picture(svg("".join(pieces)))
    except Invalid:
        return
    assert draws_elsewhere(found.content)
