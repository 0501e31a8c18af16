"""Open Badges 2.0 as far as it is hosted: an assertion is valid as long as the issuer's server serves it.

Open Badges 2.0, section "Hosted Verification". Nothing is signed; what counts is who answers at which address.
"""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from testamur.errors import Problem
from testamur.openbadges.credential_rules import assertion_problems, badge_class_problems, issuer_problems
from testamur.openbadges.json_documents import UnreadableJSON, read_object
from testamur.openbadges.reports import (
    Facts,
    Report,
    Step,
    expiration_step,
    issuer_step,
    report,
    schema_step,
    text_or_none,
    unreadable,
)
from testamur.openbadges.resolving import Fetches, Gone, Unreachable

_CONTEXT = "https://w3id.org/openbadges/v2"
_Json = Mapping[str, Any]
# What its sentences call the documents of a badge.
HOSTED_PARTS = ("badge", "badge class", "issuer")


class _NotHosted(Exception):
    """The issuer's server does not confirm the badge. The message is a sentence."""


def is_hosted(document: _Json) -> bool:
    """Whether this is an Open Badge 2.0; a signed one is not valid here, since no server answers for it."""
    return _CONTEXT in _listed(document.get("@context")) and "Assertion" in _listed(document.get("type"))


def verify_hosted(given: _Json, *, fetch: Fetches, at: datetime, known_issuers: Container[str]) -> Report:
    """The report on an assertion, whoever gave it."""
    url = given.get("id")
    if not isinstance(url, str):
        return unreadable("The badge does not say where its issuer serves it.", document=given)
    revoked = None
    badge: _Json = {}
    issuer: _Json = {}
    try:
        served, revoked = _assertion(url, fetch)
        badge = _part(served.get("badge"), "badge class", fetch) if revoked is None else {}
        issuer = _part(badge.get("issuer"), "issuer", fetch) if revoked is None else {}
        if revoked is None:
            _check_hosted(given, served, badge, issuer)
        signature = Step("valid_signature", "passed", f"The issuer serves it at {url}, just as it is here.")
    except _NotHosted as error:
        signature = Step("valid_signature", "failed", str(error))
    is_proven = signature.status == "passed" and revoked is None
    if revoked is not None:
        signature = Step(
            "valid_signature", "skipped", "The issuer no longer serves it, so there is nothing to compare."
        )
    facts = _facts(given, badge, issuer)
    steps = [
        signature,
        expiration_step(given.get("issuedOn"), given.get("expires"), at),
        _revocation_step(revoked, is_proven=is_proven),
        issuer_step(facts.issuer or "", known_issuers, is_proven=is_proven),
        schema_step(_problems(given, badge, issuer), "Open Badges 2.0"),
    ]
    return report(steps, facts, given)


def _assertion(url: str, fetch: Fetches) -> tuple[_Json, str | None]:
    """What is served at the address of an assertion, and why it is revoked if it is. Raises _NotHosted."""
    try:
        served = _object(url, "badge", fetch)
    except Gone as gone:
        return {}, _reason(gone.content)
    if served.get("id") != url:
        raise _NotHosted(f"What is served at {url} is another badge.")
    return served, _reason_of(served) if served.get("revoked") is True else None


def _check_hosted(given: _Json, served: _Json, badge: _Json, issuer: _Json) -> None:
    """Raises _NotHosted unless the issuer hosts the assertion, and the assertion is what was given."""
    if given != served:
        changed = sorted(name for name in {*given, *served} if given.get(name) != served.get(name))
        raise _NotHosted(f"It is not what the issuer serves: {', '.join(changed)[:200]} differs.")
    scope = issuer.get("verification")
    scope = scope if isinstance(scope, Mapping) else {}
    origin = _origin(issuer.get("id"))
    for document, what in ((served, "badge"), (badge, "badge class")):
        url = document["id"]
        if starts := _texts(scope.get("startsWith")):
            is_within = any(_origin(url) == _origin(start) and url.startswith(start) for start in starts)
        elif hosts := _texts(scope.get("allowedOrigins")):
            is_within = _origin(url)[1] in hosts
        else:
            is_within = _origin(url) == origin
        if not is_within:
            raise _NotHosted(f"The {what} is at {url}, which is not a place of its issuer {issuer.get('id')}.")


def _part(given: Any, what: str, fetch: Fetches) -> _Json:
    """The badge class of an assertion, or the issuer of a badge class, as it is served. Raises _NotHosted."""
    url = given.get("id") if isinstance(given, Mapping) else given
    if not isinstance(url, str):
        raise _NotHosted(f"It does not say where its {what} is.")
    try:
        served = _object(url, what, fetch)
    except Gone:
        raise _NotHosted(f"The {what} at {url} is no longer there.") from None
    if served.get("id") != url:
        raise _NotHosted(f"What is served at {url} is another {what}.")
    return served


def _object(url: str, what: str, fetch: Fetches) -> _Json:
    """Raises _NotHosted, and Gone."""
    try:
        return read_object(fetch(url))
    except Gone:
        raise
    except Unreachable as error:
        raise _NotHosted(f"The {what} could not be fetched from {url}: {error}.") from None
    except UnreadableJSON:
        raise _NotHosted(f"There is no {what} at {url}.") from None


def _reason(content: bytes) -> str:
    try:
        return _reason_of(read_object(content))
    except UnreadableJSON:
        return ""


def _reason_of(served: _Json) -> str:
    return text_or_none(served.get("revocationReason")) or ""


def _revocation_step(revoked: str | None, *, is_proven: bool) -> Step:
    name = "revocation_status"
    if revoked is not None:
        return Step(
            name, "failed", f"The issuer has revoked it: {revoked}." if revoked else "The issuer has revoked it."
        )
    if not is_proven:
        return Step(name, "skipped", "Its issuer does not confirm it, so there is nothing that could be revoked.")
    return Step(name, "passed", "The issuer has not revoked it.")


def _problems(given: _Json, badge: _Json, issuer: _Json) -> list[Problem]:
    problems = assertion_problems(given)
    if badge:
        problems += badge_class_problems(badge)
    if issuer:
        problems += issuer_problems(issuer)
    return problems


def _facts(given: _Json, badge: _Json, issuer: _Json) -> Facts:
    recipient = given.get("recipient")
    recipient = recipient if isinstance(recipient, Mapping) else {}
    return Facts(
        standard="Open Badges 2.0",
        id=text_or_none(given.get("id")),
        name=text_or_none(badge.get("name")),
        issuer=text_or_none(issuer.get("id")),
        issuer_name=text_or_none(issuer.get("name")),
        recipient=text_or_none(recipient.get("identity")) if recipient.get("hashed") is False else None,
        valid_from=text_or_none(given.get("issuedOn")),
        valid_until=text_or_none(given.get("expires")),
    )


def _origin(url: Any) -> tuple[str, str]:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()


def _texts(value: Any) -> list[str]:
    return [text for text in _listed(value) if isinstance(text, str)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
