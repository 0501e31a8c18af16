"""What the server's own mails say: one function per kind, which makes the link and decides whether anybody gets the mail.

That is decided when the mail is sent and not when it is asked for, so that asking takes the same time for every address.
A link exists in the mail alone.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from testamur.db import Transaction
from testamur.delivery.model import ServerEmail, ServerText
from testamur.delivery.queueing import ServerEmailKind
from testamur.recipient_accounts.links import sign_in_url
from testamur.recipient_accounts.signing_in import LINK_VALID, make_link

# Nobody waits longer for a link that they asked for: what a mail server has kept back until then is not sent.
AWAITED = timedelta(hours=1)


class Site(msgspec.Struct, frozen=True):
    """This server, as links lead to it and as people call it."""

    base_url: str

    @property
    def name(self) -> str:
        return urlsplit(self.base_url).netloc


def write_server_email(tx: Transaction, email: ServerEmail, *, base_url: str, at: datetime) -> ServerText | None:
    """What to send, or None if nobody is to get the mail (any more)."""
    return _WRITERS[email.kind](tx, email, Site(base_url), at)


def _sign_in(tx: Transaction, email: ServerEmail, site: Site, at: datetime) -> ServerText | None:
    link = make_link(tx, email.to_address, at=at) if at - email.created_at < AWAITED else None
    if link is None:
        return None
    return ServerText(
        to_address=link.to_address,
        from_name=site.name,
        subject=f"Your sign-in link for {site.name}",
        paragraphs=[
            f"Somebody, hopefully you, asked to see all credentials that were issued to {link.to_address}.",
            f"This link lets you sign in. It works once, within {in_minutes(LINK_VALID)} minutes.",
            "If you did not ask for it, do nothing: nobody can sign in without this mail.",
        ],
        button="Sign in",
        link=sign_in_url(site.base_url, link.token),
    )


def in_minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


_Writer = Callable[[Transaction, ServerEmail, Site, datetime], ServerText | None]
_WRITERS: Mapping[ServerEmailKind, _Writer] = {
    "sign_in": _sign_in,
}
