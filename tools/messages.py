"""Bring the catalogues of translations up to date with the texts of the pages: `make messages`."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import chain
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from testamur.errors import TestamurError
from testamur.openbadges.hosted_verification import HOSTED_PARTS
from testamur.openbadges.reports import STEP_MARKS, STEP_TITLES, VERDICT_TITLES
from testamur.web.translating import LANGUAGES

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "testamur" / "web" / "translations"
_METHODS = [
    ("web/**.py", "python"),
    ("dashboard/**.py", "python"),
    ("wallet/**.py", "python"),
    ("**/pages/**.html", "jinja2.ext:babel_extract"),
]
_OPTIONS = {"**/pages/**.html": {"extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true"}}
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "marked": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def _subclasses(kind: type[TestamurError]) -> Iterator[type[TestamurError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


# Commands and programs are told in English.
_NOT_ON_PAGES = ("testamur/cli/", "testamur/api/", "testamur/openbadges/", "testamur/wire/", "testamur/worker/")
# What the domain says of a failure reaches pages too.
_FAILURES = {"Problem": 1} | {cls.__name__: 0 for cls in _subclasses(TestamurError)}


# What the engine tells of a badge, and why another server did not answer it, reaches the page for verifying.
_OF_VERIFICATION = ("testamur/openbadges/", "testamur/outgoing/fetching.py", "testamur/web/verifying.py")
# Which argument of these is a sentence, or part of one.
_SENTENCES = {
    "Step": 2,
    "unreadable": 0,
    "FetchFailed": 0,
    "InvalidDID": 0,
    "InvalidKey": 0,
    "InvalidProof": 0,
    "InvalidStatusList": 0,
    "Unreachable": 0,
    "Unreadable": 0,
    "UnreadableJSON": 0,
    "Unresolved": 0,
    "_NoBadge": 0,
    "_NotHosted": 0,
    "_Uncheckable": 0,
}


def texts_of_pages() -> Catalog:
    """All texts that pages show, with where they stand."""
    catalogue = Catalog(project="Testamur", copyright_holder="the Testamur developers", fuzzy=False)
    found = extract_from_dir(
        ROOT / "testamur", _METHODS, _OPTIONS, _KEYWORDS, ("For translators:",), strip_comment_tags=True
    )
    for filename, _line, message, comments, context in found:
        # Without the number of the line, a change above a text changes nothing here.
        catalogue.add(message, None, [(f"testamur/{filename}", 0)], auto_comments=comments, context=context)
    for path in sorted((ROOT / "testamur").rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        if not where.startswith(_NOT_ON_PAGES):
            for text in _texts_of_calls(path.read_text(encoding="utf-8"), _FAILURES):
                catalogue.add(text, None, [(where, 0)])
        if where.startswith(_OF_VERIFICATION):
            for text in _texts_of_calls(path.read_text(encoding="utf-8"), _SENTENCES):
                catalogue.add(text, None, [(where, 0)], context="verification")
    words = (*STEP_TITLES.values(), *STEP_MARKS, *chain.from_iterable(VERDICT_TITLES.values()), *HOSTED_PARTS)
    for text in words:
        catalogue.add(text, None, [("testamur/openbadges/reports.py", 0)], context="verification")
    return catalogue


def _texts_of_calls(source: str, places: Mapping[str, int]) -> Iterator[str]:
    """What functions are called with, in the place of each that is told.

    Of a text that is put together, its parts with %(a)s, %(b)s, ... between them.
    """
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        place = places.get(call.func.id)
        if place is not None and len(call.args) > place:
            yield from _texts_in(call.args[place])


def _texts_in(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.IfExp):
        yield from _texts_in(argument.body)
        yield from _texts_in(argument.orelse)
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.JoinedStr):
        names = iter("abcdefghijklmnop")
        text = "".join(
            str(part.value).replace("%", "%%") if isinstance(part, ast.Constant) else f"%({next(names)})s"
            for part in argument.values
        )
        # What is nothing but what is put in says nothing of its own.
        if re.search("[a-z]{2}", re.sub(r"%\(\w\)s", "", text)):
            yield text


def is_translated(text: str | tuple[str, ...] | list[str] | None) -> bool:
    """Whether a catalogue has the text, in all its plural forms if it has several."""
    return all(text) if isinstance(text, tuple | list) else bool(text)


def main() -> None:
    texts = texts_of_pages()
    for language in LANGUAGES:
        if language == "en":
            continue
        path = FOLDER / f"{language}.po"
        known = read_po(BytesIO(path.read_bytes()), locale=language) if path.exists() else Catalog(locale=language)
        known.update(texts, no_fuzzy_matching=True)
        known.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, known, sort_output=True, omit_header=True, include_lineno=False, width=120)
        missing = sum(1 for message in known if message.id and not is_translated(message.string))
        sys.stdout.write(f"{language}: {len(known)} texts, {missing} without a translation\n")


if __name__ == "__main__":
    main()
