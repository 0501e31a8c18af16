"""What the files of a download are called: a pattern filled in, made safe for every system, and each name once."""

import re
import unicodedata
from collections.abc import Collection
from hashlib import blake2b

from testamur.errors import Invalid
from testamur.rendering.attributes_in_text import tags_in
from testamur.text import clean_line

NAME_PATTERN = "[recipient.name]"
PATTERN_LENGTH_MAX = 200
# File systems allow 255 bytes, and whoever unpacks wants some for a folder of their own.
NAME_BYTES_MAX = 150
# What is appended to tell a name from its like, such as " (12345)", and the ending.
_ROOM_BYTES = 16
_DESIGN_BYTES_MAX = 48

# Letters of Persian and Indic names, and emoji, are joined and kept apart by these two; what else is invisible would
# only deceive, such as an override that turns `gpj.exe` around.
_JOINERS = "\u200c\u200d"
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
# Windows takes them for devices, whatever ending they have.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)", re.IGNORECASE)


def check_pattern(pattern: str, tags: Collection[str]) -> str:
    """A pattern of file names whose attributes all exist. Raises Invalid."""
    text = clean_line(pattern, length_max=PATTERN_LENGTH_MAX)
    used = tags_in(text)
    if not used:
        raise Invalid(f"Must hold at least one attribute, such as {NAME_PATTERN}")
    for tag in sorted(used.difference(tags)):
        raise Invalid(f"There is no attribute [{tag}]; the attributes are {', '.join(sorted(tags))}")
    return text


def file_stem(text: str, *, design: str = "") -> str:
    """The text, and the name of a design, as a file name without its ending: on Windows, macOS and Linux alike."""
    added = f" - {_safe(design, _DESIGN_BYTES_MAX)}" if design else ""
    name = (_safe(text, NAME_BYTES_MAX - _ROOM_BYTES - len(added.encode())) or "credential") + added
    return f"_{name}" if _RESERVED.match(name) else name


class FileNames:
    """The names in one archive: none twice, also where capitals are not told from small letters."""

    def __init__(self) -> None:
        # Eight bytes of a name's digest, not the name: a hundred thousand shall not be felt. Should two names ever
        # share them, one gets a number that it would not have needed.
        self._taken: dict[int, int] = {}

    def take(self, stem: str, ending: str) -> str:
        """`stem.ending`, or `stem (2).ending` and so on if there is such a file already."""
        name = f"{stem}.{ending}"
        first = _key(name)
        number = self._taken.get(first, 0)
        key = first
        while key in self._taken:
            number += 1
            name = f"{stem} ({number}).{ending}"
            key = _key(name)
        self._taken[first] = max(number, 1)
        self._taken.setdefault(key, 1)
        return name


def _safe(text: str, bytes_max: int) -> str:
    shown = "".join(_shown(char) for char in unicodedata.normalize("NFC", text))
    return _cut(_trim(" ".join(_FORBIDDEN.sub("-", shown).split())), bytes_max)


def _shown(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp", "Zs"}:
        return " "
    return "" if category in {"Cf", "Cs"} and char not in _JOINERS else char


def _trim(text: str) -> str:
    """Without what hides a file, makes it look like an option, or is dropped by Windows."""
    return text.strip(f" .-{_JOINERS}")


def _cut(text: str, bytes_max: int) -> str:
    """As much of the beginning as fits; no letter loses the marks above and below it."""
    kept = text.encode()[:bytes_max].decode(errors="ignore")
    while kept and kept != text and (text[len(kept)] in _JOINERS or unicodedata.category(text[len(kept)])[0] == "M"):
        kept = kept[:-1]
    return _trim(kept)


def _key(name: str) -> int:
    folded = unicodedata.normalize("NFC", name.casefold())
    return int.from_bytes(blake2b(folded.encode(), digest_size=8).digest(), "big")
