"""The texts that are sent where a workspace has none of its own."""

import msgspec

from testamur.delivery.queueing import EmailKind


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail says, with attributes in it."""

    subject: str
    body: str
    sender_name: str | None = None
    reply_to: str | None = None


DEFAULTS: dict[EmailKind, Texts] = {
    "delivery": Texts(
        subject="[recipient.name], here is your credential: [group.name]",
        body="Dear [recipient.name],\n\ncongratulations! [issuer.name] has awarded you [group.name]. "
        "You can view, download and share it at any time.",
    ),
    "expiry_reminder": Texts(
        subject="[group.name] expires on [certificate.expired_on]",
        body="Dear [recipient.name],\n\nyour credential [group.name] by [issuer.name] is valid until "
        "[certificate.expired_on]. Please ask [issuer.name] how to renew it.",
    ),
    "expired": Texts(
        subject="[group.name] has expired",
        body="Dear [recipient.name],\n\nyour credential [group.name] by [issuer.name] was valid until "
        "[certificate.expired_on]. Its page now says that it has expired.",
    ),
}
