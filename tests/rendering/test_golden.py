"""The gallery looks as it did when somebody last looked at it.

`pytest tests/rendering/test_golden.py --update-golden` draws the pictures in `golden` anew. Look at them before they
are committed.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from drawn_gallery import gallery_renderer, on_white, words_of
from PIL import Image, ImageChops

from testamur.designs.gallery import gallery_design
from testamur.designs.starters import GALLERY
from testamur.rendering.samples import SAMPLE_VALUES

AT = datetime(2026, 11, 24, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"
COMMAND = "pytest tests/rendering/test_golden.py --update-golden"
WIDTH_PX = 400
# Edges are smoothed a little differently from machine to machine.
CHANNEL_DIFFERENCE_MAX = 40
DIFFERENT_SHARE_MAX = 0.005


@pytest.mark.parametrize("name", GALLERY)
def test_a_design_looks_as_it_did(request, name):
    language = gallery_design(name).language
    renderer = gallery_renderer(name)
    actual = on_white(renderer.png(SAMPLE_VALUES, width_px=WIDTH_PX, language=language))
    words = words_of(renderer.pdf(SAMPLE_VALUES, title=name, language=language, at=AT))
    if request.config.getoption("update_golden"):
        update(name, actual, words)
    picture, text = GOLDEN / f"{name}.png", GOLDEN / f"{name}.txt"
    assert picture.exists() and text.exists(), f"There is no golden picture of {name}; run {COMMAND} and look at it"
    difference = differing(Image.open(picture).convert("RGB"), actual)
    assert share(difference) < DIFFERENT_SHARE_MAX, told(name, actual, difference)
    assert words == text.read_text("utf-8").strip()


def test_the_comparison_tells_a_moved_text_from_a_smoothed_edge():
    name = GALLERY[0]
    drawn = on_white(gallery_renderer(name).png(SAMPLE_VALUES, width_px=WIDTH_PX))
    other = {**SAMPLE_VALUES, "recipient.name": "Alexander Whitefield"}
    changed = on_white(gallery_renderer(name).png(other, width_px=WIDTH_PX))
    lighter = drawn.point(lambda value: min(255, value + 8))
    assert share(differing(drawn, lighter)) == 0
    assert share(differing(drawn, changed)) > DIFFERENT_SHARE_MAX
    assert share(differing(drawn, drawn.resize((10, 10)))) == 1


def differing(golden, actual):
    """White where two pictures differ by more than smoothing does."""
    if golden.size != actual.size:
        return Image.new("L", actual.size, 255)
    bands = ImageChops.difference(golden, actual).split()
    most = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    return most.point(lambda value: 255 if value > CHANNEL_DIFFERENCE_MAX else 0)


def share(difference):
    return difference.histogram()[255] / (difference.width * difference.height)


def told(name, actual, difference):
    folder = Path(tempfile.mkdtemp(prefix=f"golden-{name}-"))
    actual.save(folder / "actual.png")
    difference.save(folder / "difference.png")
    return (
        f"{name} looks different in {share(difference):.1%} of its pixels; see actual.png and difference.png in "
        f"{folder}. If that is meant, run {COMMAND}"
    )


def update(name, actual, words):
    GOLDEN.mkdir(exist_ok=True)
    actual.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        GOLDEN / f"{name}.png", optimize=True
    )
    GOLDEN.joinpath(f"{name}.txt").write_text(words + "\n", "utf-8")
