"""Draw the pictures of docs/gallery.md: each design of the gallery, and one certificate in 16 scripts.

make pictures
"""

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from testamur.designs.gallery import GalleryDesign, gallery_design
from testamur.designs.starters import GALLERY
from testamur.rendering.document import parse_document
from testamur.rendering.fonts import BUNDLED_FOLDER
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.values import Value
from tools.scripts import SCRIPTS, InScript

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
GROUND, INK, EDGE = "#eceff3", "#27303f", "#d3d8e0"
GAP, LABEL_PX = 14, 30
LONG = InScript(
    "en",
    "Maximiliana Konstantinopolitanskaya-Featherstonehaugh von Hohenzollern",
    "Advanced Studies in International Financial Regulation and Compliance",
    "Meridian Institute for Continuing Professional Education",
)


def draw_gallery() -> Image.Image:
    """Two designs in a row, each with a short, a long and a non-Latin name."""
    cell = (300, 212)
    block = (3 * (cell[0] + GAP), cell[1] + LABEL_PX + GAP)
    sheet = Image.new("RGB", (2 * block[0] + 3 * GAP, (len(GALLERY) + 1) // 2 * block[1] + GAP), GROUND)
    for number, name in enumerate(GALLERY):
        design = gallery_design(name)
        other = SCRIPTS["Japanese" if number % 3 == 0 or name == "japanese" else ("Arabic", "Devanagari")[number % 2]]
        x, y = GAP + number % 2 * (block[0] + GAP), GAP + number // 2 * block[1]
        label(sheet, (x, y), f"{design.title}   {name}")
        shown = [(SAMPLE_VALUES, design.language), (LONG.values, design.language), (other.values, design.language)]
        for column, (values, language) in enumerate(shown):
            picture = drawn(design, values, language, cell)
            left = x + column * (cell[0] + GAP) + (cell[0] - picture.width) // 2
            sheet.paste(picture, (left, y + LABEL_PX + (cell[1] - picture.height) // 2), picture)
    return sheet


def draw_scripts() -> Image.Image:
    cell = (420, 297)
    sheet = Image.new("RGB", (4 * (cell[0] + GAP) + GAP, 4 * (cell[1] + LABEL_PX + GAP) + GAP), GROUND)
    for number, (script, shown) in enumerate(SCRIPTS.items()):
        picture = drawn(gallery_design("certificate"), shown.values, shown.language, cell)
        x, y = GAP + number % 4 * (cell[0] + GAP), GAP + number // 4 * (cell[1] + LABEL_PX + GAP)
        label(sheet, (x, y), script)
        sheet.paste(picture, (x, y + LABEL_PX), picture)
    return sheet


def drawn(design: GalleryDesign, values: Mapping[str, Value], language: str, cell: tuple[int, int]) -> Image.Image:
    """As large as fits into a cell; drawn at twice that size, so that small letters stay legible."""
    png = renderer(design.name).png(values, width_px=2 * cell[0], language=language)
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    picture.thumbnail(cell, Image.Resampling.LANCZOS)
    if picture.getpixel((0, 0)) == (0, 0, 0, 0) or design.type == "badge":
        return picture
    ImageDraw.Draw(picture).rectangle((0, 0, picture.width - 1, picture.height - 1), outline=EDGE)
    return picture


@cache
def renderer(name: str) -> Renderer:
    definition = gallery_design(name).definition
    return Renderer(parse_document(definition.document), definition)


def label(sheet: Image.Image, at: tuple[int, int], text: str) -> None:
    ImageDraw.Draw(sheet).text((at[0], at[1] + 4), text, fill=INK, font=_label_font())


@cache
def _label_font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(BUNDLED_FOLDER / "Montserrat-SemiBold.ttf", 17)


def main() -> None:
    draw_gallery().save(FOLDER / "gallery.jpg", quality=86, optimize=True, progressive=True)
    # A palette is a third of the size, and nobody sees the difference on pages of a few colours.
    scripts = draw_scripts().quantize(256, dither=Image.Dither.NONE)
    scripts.save(FOLDER / "certificate-in-16-scripts.png", optimize=True)
    for name in ("gallery.jpg", "certificate-in-16-scripts.png"):
        print(f"{FOLDER / name}: {(FOLDER / name).stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
