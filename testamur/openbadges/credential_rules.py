"""What the members of an Open Badge must look like: Open Badges 3.0, appendix B, and the data classes of 2.0.

These are the rules that decide whether others accept a badge, as rules of our own: the schema of 1EdTech is not under
an open licence. Where its schema wants an array of what is nearly always one (`proof`), a single object is let through:
signatures do not tell the two apart.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from testamur.errors import Problem
from testamur.openbadges.contexts import CREDENTIALS_V2
from testamur.openbadges.documents import ACHIEVEMENT_TYPES
from testamur.openbadges.timestamps import read_timestamp

_Path = tuple[str | int, ...]
_Rule = Callable[[Any, _Path], Iterator[Problem]]

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_BADGES_CONTEXT = re.compile(r"https://purl\.imsglobal\.org/spec/ob/v3p0/context-3\.\d+\.\d+\.json", re.ASCII)


def credential_problems(credential: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with an AchievementCredential of Open Badges 3.0, each with its path; empty if nothing is."""
    return list(_CREDENTIAL(credential, ()))


def assertion_problems(assertion: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with an Assertion of Open Badges 2.0."""
    return list(_ASSERTION(assertion, ()))


def badge_class_problems(badge: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a BadgeClass of Open Badges 2.0."""
    return list(_BADGE_CLASS(badge, ("badge",)))


def issuer_problems(issuer: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with an Issuer of Open Badges 2.0."""
    return list(_ISSUER(issuer, ("badge", "issuer")))


def moment(text: Any) -> datetime | None:
    """A date-time with its zone, in UTC; None if it is none."""
    try:
        return read_timestamp(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: Any, path: _Path) -> Iterator[Problem]:
    if not isinstance(value, str) or not value:
        yield Problem(path, "must be a text that is not empty")


def _string(value: Any, path: _Path) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(path, "must be a text")


def _number(value: Any, path: _Path) -> Iterator[Problem]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Problem(path, "must be a number")


def _boolean(value: Any, path: _Path) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield Problem(path, "must be true or false")


def _uri(value: Any, path: _Path) -> Iterator[Problem]:
    if not isinstance(value, str) or not _URI.fullmatch(value):
        yield Problem(path, "must be an absolute address (URI)")


def _date_time(value: Any, path: _Path) -> Iterator[Problem]:
    if moment(value) is None:
        yield Problem(path, "must be a date and time with its zone, such as 2026-01-31T12:00:00Z")


def _achievement_type(value: Any, path: _Path) -> Iterator[Problem]:
    if not isinstance(value, str) or not (value in ACHIEVEMENT_TYPES or value.startswith("ext:")):
        yield Problem(path, "must be a type of achievement that Open Badges knows, or begin with ext:")


def _contexts(value: Any, path: _Path) -> Iterator[Problem]:
    contexts = value if isinstance(value, list) else []
    if not contexts or contexts[0] != CREDENTIALS_V2:
        yield Problem((*path, 0), f"must be {CREDENTIALS_V2}")
    if len(contexts) < 2 or not isinstance(contexts[1], str) or not _BADGES_CONTEXT.fullmatch(contexts[1]):
        yield Problem((*path, 1), "must be the context of Open Badges 3.0")


def _context_2(value: Any, path: _Path) -> Iterator[Problem]:
    if "https://w3id.org/openbadges/v2" not in (value if isinstance(value, list) else [value]):
        yield Problem(path, "must be https://w3id.org/openbadges/v2")


def _type(*needed: str, array: bool = True) -> _Rule:
    """One of `needed` must be among the types; given as a set, because sub-types stand beside what they specialise."""

    def rule(value: Any, path: _Path) -> Iterator[Problem]:
        if array and not isinstance(value, list):
            yield Problem(path, "must be an array")
        elif not set(needed) & {kind for kind in _listed(value) if isinstance(kind, str)}:
            yield Problem(path, f"must hold {' or '.join(needed)}")

    return rule


def _both(*rules: _Rule) -> _Rule:
    def rule(value: Any, path: _Path) -> Iterator[Problem]:
        for each in rules:
            yield from each(value, path)

    return rule


def _either(first: _Rule, otherwise: _Rule) -> _Rule:
    """A text by the first rule, anything else by the second."""

    def rule(value: Any, path: _Path) -> Iterator[Problem]:
        yield from (first if isinstance(value, str) else otherwise)(value, path)

    return rule


def _array(item: _Rule, *, or_one: bool = False) -> _Rule:
    def rule(value: Any, path: _Path) -> Iterator[Problem]:
        if isinstance(value, list):
            for number, part in enumerate(value):
                yield from item(part, (*path, number))
        elif or_one:
            yield from item(value, path)
        else:
            yield Problem(path, "must be an array")

    return rule


def _object(
    required: Mapping[str, _Rule], optional: Mapping[str, _Rule] | None = None, *, is_closed: bool = False
) -> _Rule:
    rules = {**required, **(optional or {})}

    def rule(value: Any, path: _Path) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield Problem(path, "must be an object")
            return
        for name in required:
            if name not in value:
                yield Problem((*path, name), "is missing")
        for name, part in value.items():
            if name in rules:
                yield from rules[name](part, (*path, name))
            elif is_closed:
                yield Problem((*path, name), "must not be here")

    return rule


def _any_of(*names: str) -> _Rule:
    def rule(value: Any, path: _Path) -> Iterator[Problem]:
        if isinstance(value, Mapping) and not any(name in value for name in names):
            yield Problem(path, f"needs {' or '.join(names)}")

    return rule


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_IMAGE = _object({"id": _uri, "type": _type("Image", array=False)}, {"caption": _string}, is_closed=True)
_IDENTITY = _object(
    {"type": _type("IdentityObject", array=False), "hashed": _boolean, "identityHash": _text, "identityType": _text},
    {"salt": _string},
    is_closed=True,
)
_ALIGNMENT = _object({"type": _type("Alignment"), "targetName": _text, "targetUrl": _uri})
_PROFILE = _object(
    {"id": _uri, "type": _type("Profile")},
    {"name": _string, "url": _uri, "email": _string, "description": _string, "image": _IMAGE},
)
_RESULT_DESCRIPTION = _object({"id": _uri, "type": _type("ResultDescription"), "name": _text, "resultType": _text})
_RESULT = _object({"type": _type("Result")}, {"value": _string, "resultDescription": _uri})
_EVIDENCE = _object({"type": _type("Evidence")}, {"id": _uri, "name": _string, "description": _string})
_ACHIEVEMENT = _object(
    {
        "id": _uri,
        "type": _type("Achievement"),
        "name": _text,
        "description": _text,
        "criteria": _object({}, {"id": _uri, "narrative": _string}),
    },
    {
        "achievementType": _achievement_type,
        "alignment": _array(_ALIGNMENT),
        "creator": _PROFILE,
        "creditsAvailable": _number,
        "image": _IMAGE,
        "inLanguage": _text,
        "resultDescription": _array(_RESULT_DESCRIPTION),
        "tag": _array(_string),
    },
)
_SUBJECT = _both(
    _object(
        {"type": _type("AchievementSubject"), "achievement": _ACHIEVEMENT},
        {
            "id": _uri,
            "creditsEarned": _number,
            "identifier": _array(_IDENTITY, or_one=True),
            "image": _IMAGE,
            "licenseNumber": _string,
            "result": _array(_RESULT),
            "role": _string,
            "term": _string,
        },
    ),
    _any_of("id", "identifier"),
)
_CREDENTIAL = _object(
    {
        "@context": _contexts,
        "id": _uri,
        "type": _both(_type("VerifiableCredential"), _type("OpenBadgeCredential", "AchievementCredential")),
        "credentialSubject": _SUBJECT,
        "issuer": _either(_uri, _PROFILE),
        "validFrom": _date_time,
    },
    {
        "awardedDate": _date_time,
        "credentialSchema": _array(_object({"id": _uri, "type": _text}), or_one=True),
        "credentialStatus": _object({"id": _uri, "type": _text}),
        "description": _string,
        "evidence": _array(_EVIDENCE, or_one=True),
        "image": _IMAGE,
        "name": _string,
        "proof": _array(_object({"type": _text}), or_one=True),
        "refreshService": _object({"id": _uri, "type": _text}),
        "validUntil": _date_time,
    },
)

_ISSUER = _object(
    {"id": _uri, "type": _type("Issuer", "Profile", array=False), "name": _text, "url": _uri, "email": _text}
)
_BADGE_CLASS = _object(
    {
        "id": _uri,
        "type": _type("BadgeClass", array=False),
        "name": _text,
        "description": _text,
        "image": _either(_uri, _object({"id": _uri})),
        "criteria": _either(_uri, _both(_object({}), _any_of("id", "narrative"))),
        "issuer": _either(_uri, _object({"id": _uri})),
    },
)
_ASSERTION = _object(
    {
        "@context": _context_2,
        "id": _uri,
        "type": _type("Assertion", array=False),
        "recipient": _object({"type": _text, "identity": _text, "hashed": _boolean}, {"salt": _string}),
        "badge": _either(_uri, _object({"id": _uri})),
        "verification": _object({"type": _type("HostedBadge", array=False)}),
        "issuedOn": _date_time,
    },
    {"expires": _date_time},
)
