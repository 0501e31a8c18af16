"""Sending the mails of a claim."""

from email.message import EmailMessage

import structlog

from testamur.clock import now
from testamur.credentials.sending import set_delivery_states
from testamur.delivery.composing import compose, compose_server_email
from testamur.delivery.defaults import Texts
from testamur.delivery.model import Email, ServerEmail
from testamur.delivery.outbox import LEASE, claimed_emails, drop_email, record_failed, record_sent, take_email
from testamur.delivery.queueing import EmailKind
from testamur.delivery.templates import texts_for
from testamur.delivery.transports import MAILS_FOLDER, Outgoing, Refused, Unreachable, make_transport
from testamur.web.platform import Platform
from testamur.worker.server_emails import write_server_email

# Workspace, credential template and kind: what decides on the texts.
_TextsKey = tuple[str, str, EmailKind]
_log = structlog.get_logger(__name__)


def send_emails(platform: Platform, claim: str) -> None:
    """Send what the claim holds, one after the other, and record each at once: a crash repeats one mail at most."""
    ends = now() + LEASE / 2
    with platform.database.read() as tx:
        waiting = claimed_emails(tx, claim)
        texts = {
            key: texts_for(tx, *key) for key in {_texts_key(email) for email in waiting if isinstance(email, Email)}
        }
    transport = make_transport(platform.settings.smtp_url, platform.settings.data_dir / MAILS_FOLDER)
    try:
        with transport.open() as outgoing:
            while waiting and now() < ends:
                _send_one(platform, claim, waiting[0], texts, outgoing)
                waiting.pop(0)
    except Unreachable as error:
        _log.warning("mail_server_unreachable", reason=str(error), waiting=len(waiting))
        for email in waiting:
            _record_failure(platform, claim, email, str(error), is_final=False)
    # What is left when half the lease is over is claimed again, by this worker or another one.


def _texts_key(email: Email) -> _TextsKey:
    return email.workspace_id, email.credential_template_id, email.kind


def _send_one(
    platform: Platform,
    claim: str,
    email: Email | ServerEmail,
    texts: dict[_TextsKey, Texts],
    outgoing: Outgoing,
) -> None:
    with platform.database.write() as tx:
        if not take_email(tx, claim, email, at=now()):
            return
    try:
        if isinstance(email, ServerEmail):
            message = _compose_server_email(platform, claim, email)
        else:
            message = _compose(email, texts[_texts_key(email)], platform.settings.email_from)
        if message is None:
            return
        outgoing.send(message)
    except Refused as refusal:
        _log.info("email_refused", email_id=email.id, is_final=refusal.is_final)
        _record_failure(platform, claim, email, str(refusal), is_final=refusal.is_final)
        return
    with platform.database.write() as tx:
        was_recorded = record_sent(tx, claim, email, at=now())
        if was_recorded and isinstance(email, Email) and email.kind == "delivery":
            set_delivery_states(tx, email.workspace_id, {email.credential_id: "sent"})


def _compose(email: Email, texts: Texts, sender_address: str) -> EmailMessage:
    """Raises Refused for a mail that cannot be written: it must not keep those behind it."""
    try:
        return compose(email, texts, sender_address=sender_address)
    except Exception as failure:
        _log.exception("email_not_composed", email_id=email.id)
        raise Refused(f"The mail cannot be written: {type(failure).__name__}", is_final=True) from failure


def _compose_server_email(platform: Platform, claim: str, email: ServerEmail) -> EmailMessage | None:
    """The mail, or None if nobody is to get one: then it is forgotten. Raises Refused for one that cannot be written."""
    settings = platform.settings
    with platform.database.write() as tx:
        said = write_server_email(tx, email, base_url=settings.base_url, at=now())
        if said is None:
            drop_email(tx, claim, email)
            return None
    try:
        return compose_server_email(email, said, sender_address=settings.email_from)
    except Exception as failure:
        _log.exception("email_not_composed", email_id=email.id)
        raise Refused(f"The mail cannot be written: {type(failure).__name__}", is_final=True) from failure


def _record_failure(platform: Platform, claim: str, email: Email | ServerEmail, error: str, *, is_final: bool) -> None:
    with platform.database.write() as tx:
        is_over = record_failed(tx, claim, email, error=error, is_final=is_final, at=now())
        if is_over and isinstance(email, Email) and email.kind == "delivery":
            set_delivery_states(tx, email.workspace_id, {email.credential_id: "bounced"})
