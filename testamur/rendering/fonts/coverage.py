"""Which letters the fonts have, read from the fonts themselves and kept."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from testamur.rendering.fonts import BUNDLED_FOLDER, FAMILIES, cjk_folders, fallbacks

# Characters that are never drawn: Unicode's Default_Ignorable_Code_Point, as far as a text can hold them.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u303f\u3040-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)
_JOINER = "\u200d"
_NAMED_MAX = 10


def covers(family: str, char: str, *, extra: tuple[str, ...] = ()) -> bool:
    """Whether each file of a family has a glyph for a character; `extra` as for `load_fonts`."""
    return ord(char) in _letters(family, extra)


def has_all(text: str, family: str, *, extra: tuple[str, ...] = ()) -> bool:
    """Whether the font that a design names has a glyph for each character by itself, those for spaces among them."""
    return _letters(_chain(family, extra)[0], extra).issuperset(map(ord, text))


def missing_letters(text: str, family: str, *, extra: tuple[str, ...] = ()) -> list[str]:
    """The characters of a text that would print as empty boxes, each once and in the order in which they come.

    `family` is the font that a design names. What is never drawn is passed over: spaces, controls, joiners, variation
    selectors and directional marks. A base and its combining marks count as found only where one font has all of them.
    """
    if has_all(text, family, extra=extra):
        return []
    chain = _chain(family, extra)
    own = _letters(chain[0], extra)
    missing: dict[str, None] = {}
    for cluster in _clusters(text):
        wanted = [ord(char) for char in cluster if not _is_never_drawn(char)]
        if not own.issuperset(wanted):
            missing.update(dict.fromkeys(map(chr, _lacking(wanted, chain, extra))))
    return list(missing)


def apart(text: str, family: str, *, extra: tuple[str, ...] = ()) -> list[tuple[str, str | None]]:
    """A text in pieces, each with the family that has to be tried first for it: None for the design's own.

    Nearly always that is one piece. But where a font of the chain has a combining mark and not the letter below it,
    typst 0.15 draws the mark alone and drops the letter; such a letter is set in the first font that has both, or
    else in one that has the letter.
    """
    if has_all(text, family, extra=extra):
        return [(text, None)]
    chain = _chain(family, extra)
    pieces: list[tuple[str, str | None]] = []
    for cluster in _clusters(text):
        first = _forced(cluster, chain, extra)
        if pieces and pieces[-1][1] == first:
            pieces[-1] = (pieces[-1][0] + cluster, first)
        else:
            pieces.append((cluster, first))
    return pieces


def missing_message(missing: Iterable[str]) -> str:
    """What to tell of letters that no font has, and what to do about it."""
    letters = list(missing)
    named = " ".join(letters[:_NAMED_MAX]) + (" …" if len(letters) > _NAMED_MAX else "")
    if not cjk_folders() and any(_CJK.match(letter) for letter in letters):
        return (
            f"No installed font has {named}; for Chinese, Japanese and Korean install the extra fonts "
            '(pip install "testamur[cjk]", in a checkout make setup EXTRAS=cjk)'
        )
    return f"No font has {named}; upload one that has, and name it in the design"


def _is_never_drawn(char: str) -> bool:
    return bool(_IGNORABLE.match(char)) or unicodedata.category(char) in {"Cc", "Cs", "Cn", "Zs", "Zl", "Zp"}


def _clusters(text: str) -> Iterator[str]:
    """A text in pieces that are drawn from one font: a letter with its marks, an emoji sequence.

    Composed first, as typesetting does: a font may have a letter with its accent and not the accent alone.
    """
    cluster = ""
    for char in unicodedata.normalize("NFC", text):
        goes_on = unicodedata.category(char)[0] == "M" or _IGNORABLE.match(char) or cluster.endswith(_JOINER)
        if cluster and not goes_on:
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster


def _lacking(points: list[int], chain: tuple[str, ...], extra: tuple[str, ...]) -> list[int]:
    """What the best font for a cluster does not have of it; of two alike the one that has the letter itself."""
    best = points
    for family in chain:
        letters = _letters(family, extra)
        lacking = [point for point in points if point not in letters]
        if (len(lacking), points[0] in lacking) < (len(best), points[0] in best):
            best = lacking
        if not best:
            break
    return best


def _forced(cluster: str, chain: tuple[str, ...], extra: tuple[str, ...]) -> str | None:
    base, *marks = [ord(char) for char in cluster if not _is_never_drawn(char)] or [0]
    if not marks:
        return None
    letter_only, is_lost = None, False
    for family in chain:
        letters = _letters(family, extra)
        if base in letters:
            if letters.issuperset(marks):
                return family if is_lost else None
            letter_only = letter_only or family
        elif not letters.isdisjoint(marks):
            is_lost = True
    return letter_only if is_lost else None


@lru_cache(maxsize=256)
def _chain(family: str, extra: tuple[str, ...]) -> tuple[str, ...]:
    """The families that typesetting tries, the own one first; at last it takes any that has the letter."""
    return tuple(dict.fromkeys((FAMILIES.get(family, family), *fallbacks("en", family), *_files(extra))))


@lru_cache(maxsize=256)
def _letters(family: str, extra: tuple[str, ...]) -> frozenset[int]:
    if extra and family not in _files(()):
        files = _files(extra).get(family, ())
        return frozenset.intersection(*map(_letters_of_file, files)) if files else frozenset()
    return _letters_of_installed(family)


@cache
def _letters_of_installed(family: str) -> frozenset[int]:
    files = _files(()).get(family, ())
    return frozenset.intersection(*map(_letters_of_file, files)) if files else frozenset()


def _letters_of_file(path: Path) -> frozenset[int]:
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


@lru_cache(maxsize=64)
def _files(extra: tuple[str, ...]) -> dict[str, list[Path]]:
    """Family to its files."""
    files = {} if not extra else {family: list(paths) for family, paths in _files(()).items()}
    for folder in map(Path, extra) if extra else (BUNDLED_FOLDER, *cjk_folders()):
        for path in sorted(path for path in folder.rglob("*") if path.suffix in {".ttf", ".otf"}):
            with TTFont(path, lazy=True) as font:
                family = font["name"].getBestFamilyName() or ""
            files.setdefault(family, []).append(path)
    return files
