"""What the attributes of a design stand for in one credential."""

from datetime import date

from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential
from testamur.workspaces.model import Workspace


def attribute_values(
    credential: Credential, template: CredentialTemplate, workspace: Workspace, base_url: str
) -> dict[str, str]:
    """The text of every standard attribute and of the credential's custom ones, by tag; none is missing."""
    return {
        "recipient.name": credential.recipient.name,
        "recipient.email": credential.recipient.email or "",
        "certificate.issued_on": long_date(credential.issue_date),
        "certificate.expired_on": long_date(credential.expiry_date) if credential.expiry_date else "",
        "certificate.uuid": credential.public_id,
        "certificate.id": credential.id,
        "issuer.name": workspace.name,
        "issuer.support_email": workspace.support_email or "",
        "group.name": template.name,
        "course.name": template.name,
        "credential.url": page_url(base_url, credential.public_id),
        **credential.custom_attributes,
    }


def long_date(day: date) -> str:
    """`24 November 2026`."""
    return f"{day.day} {day:%B} {day.year}"
