"""The colours of an issuer's pages."""

import re

from hypothesis import given
from hypothesis import strategies as st

from testamur.web.brand import CONTRAST_MIN, DARK_GROUND, LIGHT_GROUND, brand_css, contrast


@given(st.integers(0, 0xFFFFFF))
def test_every_colour_can_be_read_on_its_ground_and_has_text_that_can_be_read_on_it(number):
    css = brand_css(f"#{number:06x}")
    pairs = {name: (light, dark) for name, light, dark in re.findall(r"--([a-z-]+): light-dark\((#\w+), (#\w+)\)", css)}
    for place, ground in enumerate((LIGHT_GROUND, DARK_GROUND)):
        action, text = pairs["action"][place], pairs["on-action"][place]
        assert contrast(action, ground) >= CONTRAST_MIN
        assert contrast(action, text) >= CONTRAST_MIN
