"""The language of pages: texts from the catalogues, and dates and numbers as readers of that language write them.

Which language and time zone hold is set once for each request (`use_locale`). Catalogues are `translations/CODE.po`; the
texts in the source are English and are their own catalogue. `make messages` brings the catalogues up to date.
"""

import re
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

# Each language that pages exist in, as its own speakers call it.
LANGUAGES = {"en": "English", "ar": "العربية"}
DEFAULT_LANGUAGE = "en"
RIGHT_TO_LEFT = frozenset({"ar"})
# A sentence about a badge that ends in another, which ends in another. What is filled in may be anybody's text.
_SENTENCES_WITHIN = 3


@dataclass(frozen=True, slots=True)
class PageLocale:
    """The language of a page and the time zone that its moments are told in."""

    language: str = DEFAULT_LANGUAGE
    time_zone: tzinfo = UTC

    @property
    def direction(self) -> str:
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"


_in_use: ContextVar[PageLocale] = ContextVar("page_locale", default=PageLocale())  # noqa: B039 - it cannot be changed.


def use_locale(language: str | None, time_zone: str | None = None) -> None:
    """Of this request from now on; None is the default."""
    zone = UTC if time_zone is None else ZoneInfo(time_zone)
    _in_use.set(PageLocale(language if language in LANGUAGES else DEFAULT_LANGUAGE, zone))


def locale_in_use() -> PageLocale:
    return _in_use.get()


def preferred_language(accept_language: str) -> str:
    """The one of our languages that an Accept-Language header (RFC 9110, section 12.5.4) likes best."""
    return _preferred(accept_language[:400])


@lru_cache(1000)
def _preferred(accept_language: str) -> str:
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            quality = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if tag and quality > 0:
            wanted.append((-quality, tag.replace("-", "_")))
    # Of the same quality, the one named first.
    ordered = [tag for _, tag in sorted(wanted, key=lambda pair: pair[0])]
    return negotiate_locale(ordered, list(LANGUAGES)) or DEFAULT_LANGUAGE


def gettext(message: str) -> str:
    return translated(_in_use.get().language, message)


def translated(language: str, message: str) -> str:
    """The text in a language of ours."""
    return str(_catalogue(language).ugettext(message))


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form for that many; `count` is still to be filled in by the caller."""
    return str(_catalogue(_in_use.get().language).ungettext(singular, plural, count))


def told(message: str, context: str | None = None) -> str:
    """What the domain says of a failure, in the language of the page.

    The domain speaks English and fills in what is wrong; the catalogues know such a text with %(a)s in those places
    (`make messages` finds them), so it is found by its other parts.

    With a context only its texts are looked through, and what is filled in is told by them too: a reason may be a
    sentence that ends in another.
    """
    if _in_use.get().language == DEFAULT_LANGUAGE:
        return message
    if context is None:
        return _told(message, None, 0) or message
    return _told_sentence(message, context, _SENTENCES_WITHIN)


def _told_sentence(message: str, context: str, within: int) -> str:
    known = _told(message, context, within)
    if known is None and message.endswith("."):
        # Where a failure is all of a reason, it has got a full stop.
        known = _told(message[:-1], context, within)
        known = None if known is None else f"{known}."
    # Within a sentence it has lost its capital.
    return known or _told(message[:1].upper() + message[1:], context, within) or message


def _told(message: str, context: str | None, within: int) -> str | None:
    known = gettext(message) if context is None else pgettext(context, message)
    if known != message:
        return known
    for pattern, template in _templates(_in_use.get().language, context):
        found = pattern.fullmatch(message)
        if found is None:
            continue
        if context is None:
            return gettext(template) % found.groupdict()
        parts = {
            name: _isolated(_told_sentence(part, context, within - 1) if within else part)
            for name, part in found.groupdict().items()
        }
        return pgettext(context, template) % parts
    return None


def pgettext(context: str, message: str) -> str:
    """For a word that means several things; `context` says which."""
    return str(_catalogue(_in_use.get().language).upgettext(context, message))


def npgettext(context: str, singular: str, plural: str, count: int) -> str:
    return str(_catalogue(_in_use.get().language).unpgettext(context, singular, plural, count))


def marked(message: str) -> str:
    """Tells `make messages` of a text that is translated where it is shown: `_(STATES[state])`."""
    return message


def shown_date(day: date) -> str:
    """`26 Nov 2026`."""
    return _shown_date(day, _in_use.get().language)


@lru_cache(maxsize=4096)
def _shown_date(day: date, language: str) -> str:
    """Tables show the same few days in many rows."""
    return format_date(day, "medium", locale=_parsed(language))


def shown_moment(moment: datetime) -> str:
    """Day and time in the time zone of the page."""
    return format_datetime(moment, "medium", tzinfo=_in_use.get().time_zone, locale=_locale())


def shown_ago(moment: datetime, now: datetime) -> str:
    """`3 hours ago`."""
    return format_timedelta(moment - now, add_direction=True, locale=_locale())


def shown_number(number: float) -> str:
    return format_decimal(number, locale=_locale())


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    from babel.lists import format_list  # noqa: PLC0415 - few pages need it.

    return format_list(words, locale=_locale())


def _locale() -> Locale:
    return _parsed(_in_use.get().language)


@cache
def _parsed(language: str) -> Locale:
    # Day before month in English too, as most of the world writes.
    return Locale.parse("en_GB" if language == "en" else language)


def _isolated(part: str) -> str:
    """With the marks of Unicode (UAX 9, FSI and PDI) that let a part, such as an address, keep its own direction."""
    return f"\u2068{part}\u2069" if part else ""


@cache
def _templates(language: str, context: str | None = None) -> list[tuple[re.Pattern[str], str]]:
    """Texts of failures with places to fill in, those that say most first."""
    known = [text for text in getattr(_catalogue(language), "_catalog", {}) if isinstance(text, str)]
    # As gettext keeps them: the context, EOT, the text.
    named = [text.rpartition("\x04")[::2] for text in known if "%(a)s" in text]
    texts = [text for name, text in named if name == (context or "")]
    patterns = []
    for text in sorted(texts, key=len, reverse=True):
        escaped = re.escape(text.replace("%%", "%"))
        patterns.append((re.compile(re.sub(r"%\\\((\w)\\\)s", r"(?P<\1>.*)", escaped), re.DOTALL), text))
    return patterns


@cache
def _catalogue(language: str) -> NullTranslations:
    """Compiled when first asked for: some tens of milliseconds, and no file that must be made before a start."""
    if language == DEFAULT_LANGUAGE:
        return NullTranslations()
    source = (files("testamur.web") / "translations" / f"{language}.po").read_bytes()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(source), locale=language))
    compiled.seek(0)
    return Translations(compiled)
