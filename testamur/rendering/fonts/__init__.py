"""The bundled fonts; README.md beside this file tells where each is from."""

from functools import cache
from pathlib import Path

import typst

# What a design says, and what the font files call themselves.
FAMILIES = {
    "EB Garamond": "EB Garamond 12",
    "Inter": "Inter",
    "Noto Sans": "Noto Sans",
    "Noto Serif Display": "Noto Serif Display",
}

# Tried in this order for letters that a design's own font lacks.
FALLBACKS = (
    "Noto Sans",
    "Noto Naskh Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans Georgian",
    "Noto Sans Armenian",
)


@cache
def load_fonts() -> typst.Fonts:
    """The bundled fonts, and no others: what is installed on a machine must not change a certificate."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(Path(__file__).parent)]
    )
