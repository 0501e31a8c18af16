"""Languages: which there are, and how days and numbers are written in them (Unicode's CLDR, through Babel)."""

import copy
import re
from datetime import date
from decimal import Context, Decimal, localcontext
from functools import cached_property, lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError, localedata
from babel.dates import format_date, tokenize_pattern
from babel.numbers import NumberPattern, parse_pattern

from testamur.errors import Invalid

DEFAULT_LANGUAGE = "en"
LANGUAGE_LENGTH_MAX = 35
PATTERN_LENGTH_MAX = 60

# What a typesetter, a screen reader and a browser all understand of BCP 47: language, script, region.
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{4}))?(?:[-_]([a-z]{2}|\d{3}))?", re.ASCII | re.IGNORECASE)
_NUMBER_PATTERN = re.compile(r"#*(?:,#+)*(?:,?[#0]*0)(?:\.0*#*)?", re.ASCII)

# The day's own letters of CLDR's patterns. Those of a clock mean nothing here, and two that look right are not.
_DATE_FIELDS = frozenset("GyQqMLdEc")
_MISTAKEN_FIELDS = {"Y": "the year is y, as in yyyy", "D": "the day is d, as in dd", "m": "the month is M, as in MM"}
_NAMED_DATE_PATTERNS = {"year": "y", "month": "LLLL", "day": "d", "weekday": "cccc"}

# Zero in the numbering systems that are some language's usual one; the other nine digits follow it in Unicode.
_ZEROS = {
    "adlm": 0x1E950, "arab": 0x660, "arabext": 0x6F0, "beng": 0x9E6, "cakm": 0x11136, "deva": 0x966, "hmnp": 0x1E140,
    "mtei": 0xABF0, "mymr": 0x1040, "nkoo": 0x7C0, "olck": 0x1C50, "tibt": 0xF20,
}  # fmt: skip


class _OwnLocale(Locale):
    """A locale with data of its own: Babel shares them between languages, and what one resolves leaks into others."""

    @cached_property
    def _data(self) -> localedata.LocaleDataDict:
        own: dict[Any, Any] = copy.deepcopy(localedata.load(str(self)))
        return localedata.LocaleDataDict(own)


def clean_language(value: str) -> str:
    """A language tag (BCP 47) in its usual spelling, such as `pt-BR`. Raises Invalid for one that is not known."""
    found = _LANGUAGE.fullmatch(value.strip())
    if found is None or _find(found[0]) is None:
        raise Invalid(f'There is no language "{value[:40]}"; give its tag, such as en, pl, pt-BR or zh-Hant')
    language, script, region = found.groups()
    return "-".join(part for part in (language.lower(), script and script.title(), region and region.upper()) if part)


def subtags(language: str) -> tuple[str, str | None]:
    """The language itself and its region if it has one: `("pt", "BR")`."""
    found = _LANGUAGE.fullmatch(language)
    if found is None:
        return DEFAULT_LANGUAGE, None
    region = found[3]
    return found[1].lower(), region.upper() if region and region.isalpha() else None


def format_day(day: date, form: str, language: str = DEFAULT_LANGUAGE) -> str:
    """A day as `short`, `medium`, `long`, `full`, `iso`, `year`, `month`, `day`, `weekday` or in a CLDR pattern."""
    return day.isoformat() if form == "iso" else _format_day(day, form, language)


@lru_cache(4096)
def _format_day(day: date, form: str, language: str) -> str:
    locale = _locale(language)
    return _with_digits(format_date(day, _NAMED_DATE_PATTERNS.get(form, form), locale), locale)


def check_date_pattern(pattern: str) -> None:
    """Raises Invalid unless this is a CLDR pattern of a day, such as `d MMM yyyy`."""
    if not pattern.strip() or len(pattern) > PATTERN_LENGTH_MAX:
        raise Invalid(f'A date\'s pattern has 1 to {PATTERN_LENGTH_MAX} characters, such as "d MMM yyyy"')
    if pattern.count("'") % 2:
        raise Invalid("Letters that stand for themselves are put between two ', such as \"d 'de' MMMM\"")
    letters = [value[0] for kind, value in tokenize_pattern(pattern) if kind == "field"]
    for letter in letters:
        if letter not in _DATE_FIELDS:
            hint = _MISTAKEN_FIELDS.get(letter, "letters that stand for themselves are put between two '")
            raise Invalid(f"{letter} is no part of a day; {hint}")
    if not letters:
        raise Invalid('The pattern shows nothing of the date; write it like "d MMM yyyy"')
    try:
        format_date(date(2026, 11, 24), pattern, _locale(DEFAULT_LANGUAGE))
    except ValueError as error:
        raise Invalid(f"The pattern cannot be used: {error}") from None


def format_number(number: Decimal, pattern: str | None = None, language: str = DEFAULT_LANGUAGE) -> str:
    """A number with the separators of the language: all its decimals, or as many as a CLDR pattern asks for."""
    locale = _locale(language)
    if pattern is not None:
        return _apply(parse_pattern(pattern), number, locale)
    return _apply(_with_decimals(locale.decimal_formats[None], number), number, locale)


def format_percent(number: Decimal, language: str = DEFAULT_LANGUAGE) -> str:
    """0.855 as `85.5%`."""
    locale = _locale(language)
    return _apply(_with_decimals(locale.percent_formats[None], number.scaleb(2)), number, locale)


def check_number_pattern(pattern: str) -> None:
    """Raises Invalid unless this is a CLDR pattern of a number, such as `0.00` or `#,##0.0`."""
    if len(pattern) > PATTERN_LENGTH_MAX or not _NUMBER_PATTERN.fullmatch(pattern):
        raise Invalid('The pattern of a number is written with 0, #, comma and point, such as "0.00" or "#,##0.0"')


def upper_case(text: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Capitals; in Turkish and Azerbaijani i has a dot on its capital too."""
    return (text.replace("i", "İ") if subtags(language)[0] in {"tr", "az"} else text).upper()


def lower_case(text: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Small letters, the other way round."""
    if subtags(language)[0] in {"tr", "az"}:
        text = text.replace("I", "\u0131").replace("İ", "i")
    return text.lower()


@lru_cache(256)
def _locale(language: str) -> Locale:
    """The nearest language that is known, at last English.

    English itself writes the day before the month, as most of the world does; en-US writes it as there.
    """
    parts = language.replace("_", "-").split("-")
    while parts and parts != [DEFAULT_LANGUAGE]:
        found = _find("-".join(parts))
        if found is not None:
            return found
        parts.pop()
    return _OwnLocale("en", "001")


@lru_cache(256)
def _find(language: str) -> Locale | None:
    try:
        return _OwnLocale.parse(language.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        return None


def _with_decimals(pattern: NumberPattern, number: Decimal) -> NumberPattern:
    """The pattern with as many decimals as the number was written with."""
    made = copy.copy(pattern)
    places = max(0, -int(number.as_tuple().exponent))
    made.frac_prec = (places, places)
    return made


def _apply(pattern: Any, number: Decimal, locale: Locale) -> str:
    # More digits than a number may have, so that nothing is rounded but by the pattern.
    with localcontext(Context(prec=200)):
        return _with_digits(pattern.apply(number, locale, numbering_system="default"), locale)


def _with_digits(text: str, locale: Locale) -> str:
    zero = _ZEROS.get(locale.default_numbering_system)
    return text if zero is None else text.translate({ord("0") + digit: zero + digit for digit in range(10)})
