"""Bring the catalogues of translations up to date with the texts of the pages: `make messages`."""

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from testamur.errors import TestamurError
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
_FAILURES = {cls.__name__ for cls in _subclasses(TestamurError)}


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
            for text in _failures_in(path.read_text(encoding="utf-8")):
                catalogue.add(text, None, [(where, 0)])
    return catalogue


def _failures_in(source: str) -> Iterator[str]:
    """What failures are raised with. Of a text that is put together, its parts with %(a)s, %(b)s, ... between them."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        place = 0 if call.func.id in _FAILURES else 1 if call.func.id == "Problem" else None
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
