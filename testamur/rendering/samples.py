"""Values for the preview of a design that nobody was awarded yet."""

from datetime import date
from decimal import Decimal
from typing import Literal

from testamur.rendering.values import Value

# Names that a design has to cope with: few letters, many, and a script that is written from right to left.
SampleName = Literal["short", "long", "right_to_left"]
SAMPLE_NAMES: dict[SampleName, str] = {
    "short": "Ana Li",
    "long": "Maximiliane Alexandra von Hohenberg-Santangelo y de la Fuente",
    "right_to_left": "محمد عبد الرحمن الهاشمي",
}

SAMPLE_VALUES: dict[str, Value] = {
    "recipient.name": "Alexandra Whitfield",
    "recipient.email": "alexandra@example.com",
    "certificate.issued_on": date(2026, 11, 24),
    "certificate.expired_on": date(2029, 11, 24),
    "certificate.uuid": "124a8110-1af5-4747-9308-e9d06bd1852a",
    "certificate.id": "01hz2f0c9ryvzajg20jqh9taab",
    "issuer.name": "Meridian Institute",
    "issuer.support_email": "hello@example.com",
    "group.name": "Financial Markets",
    "course.name": "Financial Markets",
    "credential.url": "https://example.org/credentials/124a8110-1af5-4747-9308-e9d06bd1852a",
    "custom.instructor": "Prof. Jane Doe",
    "custom.hours": Decimal(40),
}
