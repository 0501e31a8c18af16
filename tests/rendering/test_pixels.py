"""PNGs written in bands are what any reader takes them for, whatever was drawn where."""

import io
import random

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from testamur.rendering.pixels import Layer, encode, lower_of


@given(
    st.integers(1, 40), st.integers(1, 130), st.booleans(), st.lists(st.integers(0, 10_000), max_size=4), st.integers()
)
def test_a_png_holds_the_pixels_and_does_not_depend_on_what_was_ready(width, height, is_see_through, changed, seed):
    mode = "RGBA" if is_see_through else "RGB"
    backdrop = random.Random(seed).randbytes(width * height * len(mode))
    drawn = bytearray(backdrop)
    for at in changed:
        drawn[at % len(drawn)] ^= 0xFF
    layer = Layer(width, height, bytes(drawn), is_see_through)
    made = encode(layer, "png", lower=lower_of(Layer(width, height, backdrop, is_see_through)))
    assert made == encode(layer, "png")
    with Image.open(io.BytesIO(made)) as image:
        assert (image.mode, image.size, image.tobytes()) == (mode, (width, height), bytes(drawn))
