"""The attributes that every workspace has."""

import msgspec

from testamur.attributes.model import AttributeType


class StandardAttribute(msgspec.Struct, frozen=True):
    """`id` is fixed, so that a client that remembers it finds it on every server."""

    id: str
    tag: str
    name: str
    type: AttributeType


_STANDARD: list[tuple[str, str, AttributeType]] = [
    ("recipient.name", "Recipient name", "text"),
    ("recipient.email", "Recipient email", "text"),
    ("certificate.issued_on", "Issue date", "date"),
    ("certificate.expired_on", "Expiry date", "date"),
    ("certificate.uuid", "Public id", "text"),
    ("certificate.id", "Credential id", "text"),
    ("issuer.name", "Issuer name", "text"),
    ("issuer.support_email", "Issuer support email", "text"),
    ("group.name", "Credential template name", "text"),
    ("course.name", "Course name", "text"),
    ("credential.url", "Credential page", "text"),
]
STANDARD = tuple(
    StandardAttribute(f"00000000000000000000000{number:03}", *values)
    for number, values in enumerate(_STANDARD, start=1)
)
