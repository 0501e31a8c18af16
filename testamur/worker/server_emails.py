"""What the server's own mails say: one function per kind, which makes the link and decides whether anybody gets the mail.

That is decided when the mail is sent and not when it is asked for, so that asking takes the same time for every address.
A link exists in the mail alone.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from testamur.accounts.editing import ADDRESS_LINK_VALID, PASSWORD_LINK_VALID, make_address_link, make_password_link
from testamur.accounts.inviting import INVITATION_VALID, make_invitation_link
from testamur.accounts.queries import find_account
from testamur.change_requests.asking import LINK_VALID as CORRECTION_LINK_VALID
from testamur.change_requests.asking import make_link as make_correction_link
from testamur.change_requests.links import confirm_url
from testamur.change_requests.queries import get_request
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential
from testamur.credentials.pins import find_pin
from testamur.credentials.queries import get_credential
from testamur.db import Transaction
from testamur.delivery.model import ServerEmail, ServerText
from testamur.delivery.queueing import ServerEmailKind
from testamur.errors import NotFound
from testamur.recipient_accounts.links import sign_in_url
from testamur.recipient_accounts.signing_in import LINK_VALID, make_link
from testamur.rendering.values import as_text
from testamur.workspaces.queries import get_workspace

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


def _invitation(tx: Transaction, email: ServerEmail, site: Site, at: datetime) -> ServerText | None:
    made = make_invitation_link(tx, as_text(email.values["invitation"]), at=at)
    if made is None:
        return None
    invitation, secret = made
    workspace = get_workspace(tx, invitation.workspace_id)
    return ServerText(
        to_address=invitation.email,
        from_name=site.name,
        subject=f"You are invited to {workspace.name}",
        paragraphs=[
            f"{invitation.inviter_name} invites you to work in the workspace {workspace.name} at {site.name}.",
            "Certificates and badges are issued from there.",
            f"This link works once, within {INVITATION_VALID.days} days.",
            "If you do not know what this is about, do nothing.",
        ],
        button="See the invitation",
        link=f"{site.base_url}/invitation?token={secret}",
    )


def _password_reset(tx: Transaction, email: ServerEmail, site: Site, at: datetime) -> ServerText | None:
    account = find_account(tx, email.to_address) if at - email.created_at < AWAITED else None
    if account is None:
        return None
    return ServerText(
        to_address=account.email,
        from_name=site.name,
        subject=f"Choose a new password for {site.name}",
        paragraphs=[
            f"Somebody, hopefully you, asked for a new password of {account.email}.",
            f"This link lets you choose one. It works once, within {in_minutes(PASSWORD_LINK_VALID)} minutes.",
            "All browsers that are signed in are then signed out.",
            "If you did not ask for it, do nothing: your password stays as it is.",
        ],
        button="Choose a new password",
        link=f"{site.base_url}/new-password?token={make_password_link(tx, account.id, at=at)}",
    )


def _new_address(tx: Transaction, email: ServerEmail, site: Site, at: datetime) -> ServerText | None:
    secret = make_address_link(tx, as_text(email.values["account"]), email.to_address, at=at)
    if secret is None:
        return None
    return ServerText(
        to_address=email.to_address,
        from_name=site.name,
        subject=f"Confirm your email address for {site.name}",
        paragraphs=[
            f"Somebody, hopefully you, wants to sign in at {site.name} with {email.to_address} from now on.",
            f"This link confirms that the address is yours. It works once, within {in_hours(ADDRESS_LINK_VALID)} hours.",
            "If you did not ask for it, do nothing.",
        ],
        button="Confirm this address",
        link=f"{site.base_url}/new-address?token={secret}",
    )


def _address_changed(_tx: Transaction, email: ServerEmail, site: Site, _at: datetime) -> ServerText:
    return ServerText(
        to_address=email.to_address,
        from_name=site.name,
        subject=f"Your email address at {site.name} was changed",
        paragraphs=[
            f"You sign in at {site.name} with {as_text(email.values['email'])} from now on, not with this address.",
            "If you did not change it, tell whoever runs this server at once: somebody else may be in your account.",
        ],
        button="Sign in",
        link=f"{site.base_url}/sign-in",
    )


def in_hours(time: timedelta) -> int:
    return in_minutes(time) // 60


def _correction_request(tx: Transaction, email: ServerEmail, site: Site, at: datetime) -> ServerText | None:
    """It repeats nothing of what was asked for: whoever asked may be a stranger with something to advertise."""
    link = make_correction_link(
        tx, as_text(email.values["workspace_id"]), as_text(email.values["request_id"]), email.to_address, at=at
    )
    if link is None:
        return None
    credential, secret = link
    name, issuer_name = _names(tx, credential)
    return ServerText(
        to_address=email.to_address,
        from_name=site.name,
        subject=f"Confirm your request for a correction of {name}",
        paragraphs=[
            f"Somebody, hopefully you, asked {issuer_name} to correct the credential {name}.",
            f"Open this link to see the request and to send it. It works for {CORRECTION_LINK_VALID.days} days.",
            "If you did not ask for it, do nothing: the request goes nowhere without this mail.",
        ],
        button="See the request",
        link=confirm_url(site.base_url, secret),
    )


def _correction_answered(tx: Transaction, email: ServerEmail, site: Site, at: datetime) -> ServerText | None:
    del at
    workspace_id = as_text(email.values["workspace_id"])
    try:
        request = get_request(tx, workspace_id, as_text(email.values["request_id"]))
    except NotFound:  # It went with its credential.
        return None
    credential = get_credential(tx, workspace_id, request.credential_id)
    name, issuer_name = _names(tx, credential)
    if request.state == "declined":
        told = [f"{issuer_name} will not correct {name} as you have asked. They say:", request.answer or ""]
    else:
        told = [
            f"{issuer_name} has dealt with your request for a correction of {name}.",
            "Its page shows what it says now.",
        ]
    return ServerText(
        to_address=email.to_address,
        from_name=site.name,
        subject=f"Your request for a correction of {name}",
        paragraphs=told,
        button="View your credential",
        link=page_url(site.base_url, credential.public_id),
    )


def _names(tx: Transaction, credential: Credential) -> tuple[str, str]:
    """What a credential and its issuer are called on its page."""
    pin = find_pin(tx, credential.workspace_id, credential.id)
    if pin is not None:
        return as_text(pin.values["group.name"]), as_text(pin.values["issuer.name"])
    template = get_credential_template(tx, credential.workspace_id, credential.credential_template_id)
    return template.name, get_workspace(tx, credential.workspace_id).name


def in_minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


_Writer = Callable[[Transaction, ServerEmail, Site, datetime], ServerText | None]
_WRITERS: Mapping[ServerEmailKind, _Writer] = {
    "sign_in": _sign_in,
    "invitation": _invitation,
    "password_reset": _password_reset,
    "new_address": _new_address,
    "address_changed": _address_changed,
    "correction_request": _correction_request,
    "correction_answered": _correction_answered,
}
