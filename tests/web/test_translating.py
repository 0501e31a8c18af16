"""The texts of pages in every language that pages exist in."""

import re
from importlib.resources import files
from io import BytesIO

import pytest
from babel.messages.pofile import read_po

from testamur.web.translating import (
    LANGUAGES,
    gettext,
    ngettext,
    preferred_language,
    shown_date,
    shown_number,
    told,
    use_locale,
)
from tools.messages import is_translated, texts_of_pages

OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.fixture(autouse=True)
def english_afterwards():
    yield
    use_locale("en")


def catalogue(language):
    content = (files("testamur.web") / "translations" / f"{language}.po").read_bytes()
    return read_po(BytesIO(content), locale=language)


def placeholders(text):
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language):
    wanted = {(message.context, message.id) for message in texts_of_pages() if message.id}
    known = {(message.context, message.id): message for message in catalogue(language) if message.id}
    assert wanted - known.keys() == set(), "run make messages, then translate"
    assert known.keys() - wanted == set(), "run make messages"
    assert [message.id for message in known.values() if not is_translated(message.string)] == []
    assert [message.id for message in known.values() if message.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_fill_in_what_the_texts_fill_in(language):
    for message in catalogue(language):
        if not message.id:
            continue
        if isinstance(message.id, str):
            assert placeholders(message.string) == placeholders(message.id), message.id
        else:
            # One and two need no number beside their word.
            allowed = placeholders(message.id[1])
            for form in message.string:
                assert placeholders(form) <= allowed, message.id


def test_plurals_are_those_of_the_language():
    use_locale("ar")
    forms = {count: ngettext("%(num)s kind of event", "%(num)s kinds of events", count) for count in (1, 2, 3, 11, 100)}
    assert len(set(forms.values())) >= 4
    assert shown_number(1234.5) != "1234.5"


def test_failures_are_told_in_the_language_of_the_page():
    message = "Must have at most 255 characters, has 300"
    assert told(message) == message
    use_locale("ar")
    arabic = told(message)
    assert arabic != message
    assert "255" in arabic
    assert "300" in arabic
    assert told(arabic) == arabic
    assert told("Must not be empty") == gettext("Must not be empty") != "Must not be empty"
    assert told("Nobody has translated this: 12") == "Nobody has translated this: 12"


def test_a_reason_is_told_with_the_sentences_within_it():
    use_locale("ar")
    inner = "The document has no proof"
    told_inner = told(f"{inner}.", "verification")
    assert told_inner not in {inner, f"{inner}."}
    assert told_inner.endswith(".")
    reason = f"Whether it is revoked could not be checked: {inner[0].lower()}{inner[1:]}."
    assert told_inner.removesuffix(".") in told(reason, "verification")
    # What issuers write is nobody's sentence, however it looks, and takes no long time.
    for written in ("." * 5000, "a is no JSON" * 400, ": " * 2000):
        shown = told(f"The issuer has revoked it: {written}.", "verification")
        assert shown.startswith(told("The issuer has revoked it.", "verification").removesuffix("."))
    assert told("Nobody said this", "verification") == "Nobody said this"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ar", "ar"),
        ("ar-EG,en;q=0.8", "ar"),
        ("en-GB,ar;q=0.9", "en"),
        ("fr,ar;q=0.4,en;q=0.3", "ar"),
        ("ar;q=0,en", "en"),
        ("*", "en"),
        (";;q=x,,,", "en"),
        ("ar;q=nonsense,en", "en"),
        ("x" * 5000, "en"),
    ],
)
def test_a_browser_says_which_language_it_likes(header, language):
    assert preferred_language(header) == language


def test_days_are_written_as_readers_write_them():
    from datetime import date

    assert shown_date(date(2026, 11, 26)) == "26 Nov 2026"
    use_locale("ar")
    assert "2026" in shown_date(date(2026, 11, 26)) or "\u0662\u0660\u0662\u0666" in shown_date(date(2026, 11, 26))
