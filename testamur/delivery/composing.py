"""From texts and values to a message: subject, plain text, HTML that mail programs show as it is meant."""

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache

import css_inline
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from testamur.delivery.defaults import Texts
from testamur.delivery.model import Email, QueuedEmail, ServerText
from testamur.rendering.attributes_in_text import fill_in
from testamur.rendering.values import as_text

_BUTTONS = {"delivery": "View your credential", "expiry_reminder": "View your credential", "expired": "View its page"}


def compose(email: Email, texts: Texts, *, sender_address: str) -> EmailMessage:
    """The message, the same whenever it is made. Values are text in every part of it, whatever stands in them."""
    values = email.values
    subject = _one_line(fill_in(texts.subject, values))
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", fill_in(texts.body, values)) if part.strip()]
    link, issuer = as_text(values["credential.url"]), as_text(values.get("issuer.name", ""))
    reply_to = texts.reply_to or as_text(values.get("issuer.support_email", ""))
    message = _begin(email, sender_address)
    message["Subject"] = subject
    message["From"] = _address(texts.sender_name or issuer, sender_address)
    message["To"] = _address(email.to_name, email.to_address)
    if reply_to:
        message["Reply-To"] = _address("", reply_to)
    _set_content(message, subject, paragraphs, _BUTTONS[email.kind], link, issuer)
    return message


def compose_server_email(email: QueuedEmail, said: ServerText, *, sender_address: str) -> EmailMessage:
    """A mail of the server itself: texts, and a button with a link."""
    subject = _one_line(said.subject)
    message = _begin(email, sender_address)
    message["Subject"] = subject
    message["From"] = _address(said.from_name, sender_address)
    message["To"] = _address("", said.to_address)
    _set_content(message, subject, said.paragraphs, said.button, said.link, said.from_name)
    return message


def message_id(email_id: str, sender_address: str) -> str:
    """The same for every attempt, so that a mail program can tell a repetition."""
    return f"<{email_id}@{sender_address.rpartition('@')[2]}>"


def _begin(email: QueuedEmail, sender_address: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = message_id(email.id, sender_address)
    message["Date"] = format_datetime(email.created_at)
    # Programs that answer mails by themselves leave this one alone.
    message["Auto-Submitted"] = "auto-generated"
    return message


def _set_content(  # noqa: PLR0917 - all that a reader sees.
    message: EmailMessage, subject: str, paragraphs: Sequence[str], button: str, link: str, issuer: str
) -> None:
    message.set_content("\n\n".join([*paragraphs, f"{button}:\n{link}", f"-- \n{issuer}\n"]))
    message.add_alternative(_html(subject, paragraphs, button, link, issuer), subtype="html")


def _html(subject: str, paragraphs: Sequence[str], button: str, link: str, issuer: str) -> str:
    page = _template().render(
        subject=subject,
        paragraphs=[paragraph.split("\n") for paragraph in paragraphs],
        button=button,
        link=link,
        issuer=issuer,
    )
    return _inliner().inline(page)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("testamur.delivery", "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("email.html")


@cache
def _inliner() -> css_inline.CSSInliner:
    # Several mail programs drop style sheets, so each element carries its own style. Nothing is ever fetched.
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def _one_line(text: str) -> str:
    """What stands in a header: no line break may begin another header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _address(name: str, address: str) -> Address:
    # In two parts, because the one that is parsed refuses letters beyond ASCII before the @.
    user, _, domain = address.rpartition("@")
    return Address(display_name=_one_line(name), username=user, domain=domain)
