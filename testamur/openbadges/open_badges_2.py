"""Open Badges 2.0 in its hosted form, for software that does not know 3.0: three documents that servers answer for."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from testamur.openbadges.documents import identity_hash

CONTEXT = "https://w3id.org/openbadges/v2"


class HostedBadge(msgspec.Struct, frozen=True, kw_only=True):
    """What a BadgeClass tells. `criteria_narrative` or `criteria_url` must be given; `image` is an https address."""

    id: str
    issuer: str
    name: str
    description: str
    image: str
    criteria_url: str | None = None
    criteria_narrative: str | None = None
    tags: Sequence[str] = ()
    alignment: Sequence[Mapping[str, str]] = ()


class HostedAssertion(msgspec.Struct, frozen=True, kw_only=True):
    """What an Assertion tells.

    `email` is the recipient's, of which only a hash is written. `issued_on` and `expires` are date-times with `Z`.
    `evidence` has `id`, `name` and `narrative` of each.
    """

    id: str
    badge: str
    email: str
    salt: str
    issued_on: str
    expires: str | None = None
    image: str | None = None
    narrative: str | None = None
    evidence: Sequence[Mapping[str, str]] = ()


def assertion_document(assertion: HostedAssertion) -> dict[str, Any]:
    """What is served at the assertion's `id` as long as it is not revoked (Open Badges 2.0, Assertion)."""
    return {
        "@context": CONTEXT,
        "type": "Assertion",
        "id": assertion.id,
        "recipient": {
            "type": "email",
            "hashed": True,
            "salt": assertion.salt,
            "identity": identity_hash(assertion.email, assertion.salt),
        },
        "badge": assertion.badge,
        "verification": {"type": "HostedBadge"},
        "issuedOn": assertion.issued_on,
        **_given(
            expires=assertion.expires,
            image=assertion.image and {"id": assertion.image},
            narrative=assertion.narrative,
            evidence=[dict(evidence) for evidence in assertion.evidence],
        ),
    }


def revoked_assertion_document(assertion_id: str, reason: str | None = None) -> dict[str, Any]:
    """The stub that goes with the answer 410. With any other status, verifiers take the badge for valid."""
    stub = {"@context": CONTEXT, "type": "Assertion", "id": assertion_id, "revoked": True}
    return {**stub, **_given(revocationReason=reason)}


def badge_class_document(badge: HostedBadge) -> dict[str, Any]:
    """What is served at the `id` of a badge class (Open Badges 2.0, BadgeClass)."""
    return {
        "@context": CONTEXT,
        "type": "BadgeClass",
        "id": badge.id,
        "name": badge.name,
        "description": badge.description,
        "image": badge.image,
        "criteria": _given(id=badge.criteria_url, narrative=badge.criteria_narrative),
        "issuer": badge.issuer,
        **_given(tags=list(badge.tags), alignment=[dict(alignment) for alignment in badge.alignment]),
    }


def issuer_document(
    issuer_id: str,
    *,
    name: str,
    url: str,
    email: str,
    description: str | None = None,
    image: str | None = None,
    badges_under: str | None = None,
) -> dict[str, Any]:
    """What is served at the address of an issuer (Open Badges 2.0, Profile). An issuer here is an address, not a DID.

    `badges_under` is what the addresses of its assertions and badge classes begin with: on a host of several issuers,
    nothing else keeps one from answering for another.
    """
    scope = badges_under and {"type": "VerificationObject", "startsWith": badges_under}
    return {
        "@context": CONTEXT,
        "type": "Issuer",
        "id": issuer_id,
        "name": name,
        "url": url,
        "email": email,
        **_given(description=description, image=image, verification=scope),
    }


def _given(**members: Any) -> dict[str, Any]:
    """Only the members that have a value: an empty one is a fault to some verifiers."""
    return {name: value for name, value in members.items() if value}
