"""In which language a text is to be set, by its script."""

import re
from collections import Counter

# Each script, the language it stands for, and the other languages that are written in it.
_SCRIPTS: dict[str, tuple[str, str, frozenset[str]]] = {
    script: (characters, language, frozenset(others.split()))
    for script, characters, language, others in (
        ("Greek", "\u0370-\u03ff\u1f00-\u1fff", "el", "grc"),
        ("Cyrillic", "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f", "ru", "ab ba be bg ce cv kk kv ky mk mn os sr tg tk tt tyv udm uk uz"),
        ("Armenian", "\u0530-\u058f\ufb13-\ufb17", "hy", "hyw"),
        ("Hebrew", "\u0590-\u05ff\ufb1d-\ufb4f", "he", "yi"),
        ("Arabic", "\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefc", "ar", "az bal ckb fa ha ku ms pa prs ps sd tg ug ur"),
        ("Devanagari", "\u0900-\u097f\ua8e0-\ua8ff", "hi", "bho brx doi kok ks mai mr ne new sa sd"),
        ("Bengali", "\u0980-\u09ff", "bn", "as mni"),
        ("Tamil", "\u0b80-\u0bff", "ta", ""),
        ("Thai", "\u0e00-\u0e7f", "th", ""),
        ("Georgian", "\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2f", "ka", "xmf"),
        ("Ethiopic", "\u1200-\u139f\u2d80-\u2ddf\uab00-\uab2f", "am", "gez ti tig"),
        ("Kana", "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f", "ja", ""),
        ("Hangul", "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff", "ko", ""),
        ("Han", "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff", "zh", "ja ko yue"),
    )
}  # fmt: skip
_LETTERS = re.compile(
    "|".join(f"(?P<{script}>[{characters}])" for script, (characters, _, _) in _SCRIPTS.items())
    + r"|(?P<Latin>[A-Za-z\u00aa-\u024f\u1e00-\u1eff])"
)


def language_of(text: str, default: str) -> str:
    """The language in which to set a text: what its script tells, else `default` (a BCP 47 tag, as is the answer).

    It decides how lines break and which drawing of a letter is taken. Kana makes a text Japanese and hangul Korean,
    whatever stands beside it; else the script with most letters counts. A language that is written in that script goes
    before the one the script stands for: Persian text is Persian in a workspace of Persian, and Arabic in one of English.
    """
    if text.isascii():
        return default
    found = Counter(match.lastgroup or "" for match in _LETTERS.finditer(text))
    if not found:
        return default
    script = next((name for name in ("Kana", "Hangul") if found[name]), None)
    if script is None and found["Han"] and set(found) <= {"Han", "Latin"}:
        script = "Han"
    if script is None:
        script = found.most_common(1)[0][0]
    if script == "Latin":
        return default
    _, language, others = _SCRIPTS[script]
    primary = default.lower().replace("_", "-").split("-")[0]
    return default if primary == language or primary in others else language
