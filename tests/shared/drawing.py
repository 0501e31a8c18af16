"""What the tests of drawing share: a renderer of a few elements, and looks at what it drew."""

import io
import json
from datetime import UTC, datetime
from hashlib import sha256

from PIL import Image

from testamur.rendering.document import parse_document
from testamur.rendering.renderer import Renderer

AT = datetime(2026, 11, 24, tzinfo=UTC)


class Stored(dict):
    """Pictures by digest."""

    def read(self, digest):
        try:
            return self[digest]
        except KeyError:
            raise FileNotFoundError from None

    def add(self, content):
        digest = sha256(content).hexdigest()
        self[digest] = content
        return f"asset:{digest}"


def renderer(*elements, page=(100, 60), assets=None, **members):
    page = {"width": page[0], "height": page[1]} if isinstance(page, tuple) else page
    document = {"version": 1, "page": page, "elements": elements, **members}
    return Renderer(parse_document(json.dumps(document)), assets or Stored())


def pixels(png):
    return Image.open(io.BytesIO(png)).convert("RGB")


def ink_mm(png, page_mm=(100, 60)):
    """The rectangle around everything that is not white, in mm: left, top, right, bottom; None if there is none."""
    picture = Image.open(io.BytesIO(png)).convert("L").point(lambda value: 255 if value < 250 else 0)
    found = picture.getbbox()
    return found and tuple(edge * page_mm[0] / picture.width for edge in found)


def picture_of(*colors, size=(20, 20), format_="PNG"):
    """Vertical stripes of these colours."""
    made = Image.new("RGB", size)
    for at, color in enumerate(colors):
        width = size[0] // len(colors)
        made.paste(color, (at * width, 0, (at + 1) * width, size[1]))
    content = io.BytesIO()
    made.save(content, format_)
    return content.getvalue()
