"""The fonts that texts are set in: bundled ones, those of the extra `cjk`, and those of a workspace.

README.md beside this file tells where each file is from. What is installed on a machine is never used, so that a
certificate looks the same everywhere. `coverage` tells which letters no font has, `languages` in which language a text
is to be set.
"""

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import typst

# What a design says, and what the font files call themselves.
FAMILIES = {
    "EB Garamond": "EB Garamond",
    "Source Serif 4": "Source Serif 4",
    "Noto Serif": "Noto Serif",
    "Playfair Display": "Playfair Display",
    "Noto Serif Display": "Noto Serif Display",
    "Cinzel": "Cinzel",
    "Inter": "Inter",
    "Montserrat": "Montserrat",
    "Noto Sans": "Noto Sans",
    "Great Vibes": "Great Vibes",
    "JetBrains Mono": "JetBrains Mono",
}
_SERIF = {"EB Garamond", "Source Serif 4", "Noto Serif", "Playfair Display", "Noto Serif Display", "Cinzel"}

_SANS_SCRIPTS = (
    "Noto Sans",
    "Noto Naskh Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Thai",
    "Noto Sans Georgian",
    "Noto Sans Armenian",
    "Noto Serif Ethiopic",
)
# Devanagari, Bengali and Tamil have none with serifs here: those of Noto shift their marks up and down, and what
# typesetting shifts is said twice in a PDF, so that names could not be copied or found.
_SERIF_SCRIPTS = (
    "Noto Serif",
    "Noto Naskh Arabic",
    "Noto Serif Hebrew",
    "Noto Serif Thai",
    "Noto Serif Georgian",
    "Noto Serif Armenian",
    "Noto Serif Ethiopic",
)
EMOJI = "Noto Color Emoji"
_SYMBOLS = ("Noto Sans Symbols", "Noto Sans Symbols2")

BUNDLED_FOLDER = Path(__file__).parent
_CJK_PACKAGE = "justmytype_intl_cjk"
# The same Chinese character is drawn in another way in each country, so the language's own font goes first.
_CJK = {"ja": "Noto Sans JP", "ko": "Noto Sans KR", "zh": "Noto Sans SC", "zh-hant": "Noto Sans TC"}
_TRADITIONAL = ("hant", "tw", "hk", "mo")


def fallbacks(language: str, family: str = "") -> tuple[str, ...]:
    """The families to try, in this order, for letters that a design's own font lacks.

    `language` is a BCP 47 tag such as `en`, `ja` or `zh-TW`. With a serif `family` those with serifs come first. Emoji
    come before the fonts for Chinese, Japanese and Korean and before the symbols, because these have black drawings of
    single emoji, and a sequence of several (a flag, a profession) would fall apart in them. The emoji font comes after
    those of all scripts, so that it never gives a letter or a digit. Only families that are installed are named.
    """
    scripts = (*_SERIF_SCRIPTS, *_SANS_SCRIPTS) if family in _SERIF else _SANS_SCRIPTS
    return tuple(dict.fromkeys((*scripts, EMOJI, *_cjk_families(language), *_SYMBOLS)))


@lru_cache(maxsize=64)
def load_fonts(extra: tuple[str, ...] = ()) -> typst.Fonts:
    """The bundled fonts, those of the extra `cjk` if it is installed, and those in the folders `extra`.

    What is in a folder must not change afterwards: name the folder of a workspace's fonts after what is in it.
    """
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(folder) for folder in (BUNDLED_FOLDER, *cjk_folders(), *extra)],
    )


@cache
def cjk_folders() -> tuple[Path, ...]:
    """Where the fonts for Chinese, Japanese and Korean are; empty unless the extra `cjk` is installed."""
    spec = find_spec(_CJK_PACKAGE)
    if spec is None:
        return ()
    return tuple(Path(folder, "fonts") for folder in spec.submodule_search_locations or ())


def _cjk_families(language: str) -> tuple[str, ...]:
    if not cjk_folders():
        return ()
    primary, *rest = language.lower().replace("_", "-").split("-")
    own = "zh-hant" if primary == "zh" and any(part in _TRADITIONAL for part in rest) else primary
    return tuple(dict.fromkeys((_CJK.get(own, _CJK["zh"]), _CJK["zh"], *_CJK.values())))


# Tried in this order, whatever the language.
FALLBACKS = fallbacks("en")
