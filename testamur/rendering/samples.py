"""Values for the preview of a design that nobody was awarded yet."""

SAMPLE_VALUES = {
    "recipient.name": "Alexandra Whitfield",
    "recipient.email": "alexandra@example.com",
    "certificate.issued_on": "24 November 2026",
    "certificate.expired_on": "24 November 2029",
    "certificate.uuid": "124a8110-1af5-4747-9308-e9d06bd1852a",
    "certificate.id": "01hz2f0c9ryvzajg20jqh9taab",
    "issuer.name": "Meridian Institute",
    "issuer.support_email": "hello@example.com",
    "group.name": "Financial Markets",
    "course.name": "Financial Markets",
    "credential.url": "https://example.org/credentials/124a8110-1af5-4747-9308-e9d06bd1852a",
    "custom.instructor": "Prof. Jane Doe",
    "custom.hours": "40",
}
