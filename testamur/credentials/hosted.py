"""Open Badges 2.0 of a credential, for software that knows no 3.0: from what its signed document states."""

from typing import Any

from testamur.config import Settings
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.achievements import achievement_of
from testamur.credentials.badges import SignedCredential
from testamur.credentials.links import baked_url, hosted_issuer_url, hosted_url
from testamur.credentials.model import Credential
from testamur.db import Transaction
from testamur.designs.links import preview_url
from testamur.designs.queries import find_designs
from testamur.errors import NotFound
from testamur.openbadges.open_badges_2 import (
    HostedAssertion,
    HostedBadge,
    assertion_document,
    badge_class_document,
    issuer_document,
)
from testamur.workspaces.model import Workspace


def assertion_of(credential: Credential, signed: SignedCredential, slug: str, base_url: str) -> dict[str, Any]:
    """Raises NotFound without an email that the recipient can be told by, which an assertion must have."""
    stated = signed.parsed()
    identifiers = stated["credentialSubject"].get("identifier", [])
    salt = next((item["salt"] for item in identifiers if "salt" in item), None)
    if credential.recipient.email is None or salt is None:
        raise NotFound("Open Badges 2.0 needs a recipient's email, hashed")
    assertion = HostedAssertion(
        id=hosted_url(base_url, slug, "assertions", credential.public_id),
        badge=hosted_url(base_url, slug, "badges", credential.credential_template_id),
        email=credential.recipient.email.strip().lower(),
        salt=salt,
        issued_on=stated["awardedDate"],
        expires=stated.get("validUntil"),
        image=baked_url(base_url, credential.public_id),
        narrative=stated["credentialSubject"].get("narrative"),
        evidence=[
            {name: item[name] for name in ("id", "name", "narrative") if name in item}
            for item in stated.get("evidence", [])
        ],
    )
    return assertion_document(assertion)


def badge_class_of(
    tx: Transaction, template: CredentialTemplate, workspace: Workspace, slug: str, base_url: str
) -> dict[str, Any]:
    """Raises NotFound if the template has no design, of which there must be a picture."""
    achievement = achievement_of(tx, template, workspace, base_url)
    image = achievement.image.id if achievement.image else None
    if image is None:
        first = template.design_ids[0]
        image = preview_url(base_url, find_designs(tx, workspace.id, [first])[first])
    badge = HostedBadge(
        id=hosted_url(base_url, slug, "badges", template.id),
        issuer=hosted_issuer_url(base_url, slug),
        name=achievement.name,
        description=achievement.description,
        image=image,
        criteria_url=achievement.criteria_id or None,
        criteria_narrative=achievement.criteria_narrative or None,
        tags=achievement.tags,
        alignment=[
            {
                name: text
                for name, text in (
                    ("targetName", item.target_name),
                    ("targetUrl", item.target_url),
                    ("targetDescription", item.target_description),
                    ("targetFramework", item.target_framework),
                    ("targetCode", item.target_code),
                )
                if text
            }
            for item in achievement.alignments
        ],
    )
    return badge_class_document(badge)


def hosted_issuer_of(workspace: Workspace, slug: str, settings: Settings) -> dict[str, Any]:
    """An issuer must have a website and an email in 2.0: the server's stand in where the workspace names none."""
    address = hosted_issuer_url(settings.base_url, slug)
    return issuer_document(
        address,
        name=workspace.name,
        url=workspace.website_url or f"{settings.base_url}/i/{slug}",
        email=workspace.support_email or settings.email_from,
        description=workspace.description,
        image=workspace.logo_url,
        badges_under=f"{address}/",
    )
