"""What the attributes of a design stand for in one credential."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from testamur.attributes.model import AttributeType
from testamur.attributes.queries import attribute_types
from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential
from testamur.db import Transaction
from testamur.rendering.values import Value
from testamur.workspaces.model import Workspace

_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?", re.ASCII)


def attribute_values(
    credential: Credential,
    template: CredentialTemplate,
    workspace: Workspace,
    base_url: str,
    types: Mapping[str, AttributeType],
) -> dict[str, Value]:
    """The value of every standard attribute and of the credential's custom ones, by tag; none is missing.

    `types` are those of the workspace's custom attributes, as `types_for` finds them.
    """
    return {
        "recipient.name": credential.recipient.name,
        "recipient.email": credential.recipient.email or "",
        "certificate.issued_on": credential.issue_date,
        "certificate.expired_on": credential.expiry_date or "",
        "certificate.uuid": credential.public_id,
        "certificate.id": credential.id,
        "issuer.name": workspace.name,
        "issuer.support_email": workspace.support_email or "",
        "group.name": template.name,
        "course.name": template.name,
        "credential.url": page_url(base_url, credential.public_id),
        **{tag: _typed(value, types.get(tag, "text")) for tag, value in credential.custom_attributes.items()},
    }


def types_for(tx: Transaction, workspace_id: str, credentials: Iterable[Credential]) -> Mapping[str, AttributeType]:
    """The types that the values of these credentials need: most have no custom value, and then nothing is read."""
    has_custom = any(credential.custom_attributes for credential in credentials)
    return attribute_types(tx, workspace_id) if has_custom else {}


def _typed(text: str, type_: AttributeType) -> Value:
    """A value as its attribute's type means it; what was stored before types were checked may be any text."""
    if type_ == "number" and _NUMBER.fullmatch(text):
        return Decimal(text)
    if type_ == "date":
        try:
            return date.fromisoformat(text) if len(text) == 10 else text
        except ValueError:
            return text
    return text
