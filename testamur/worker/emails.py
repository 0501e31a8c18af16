"""Sending the mails of a claim."""

from email.message import EmailMessage

import structlog

from testamur.clock import now
from testamur.credentials.sending import set_delivery_states
from testamur.delivery.composing import compose
from testamur.delivery.defaults import Texts
from testamur.delivery.model import Email
from testamur.delivery.outbox import LEASE, claimed_emails, record_failed, record_sent, take_email
from testamur.delivery.queueing import EmailKind
from testamur.delivery.templates import texts_for
from testamur.delivery.transports import Outgoing, Refused, Unreachable, make_transport
from testamur.web.platform import Platform

MAILS_FOLDER = "mails"
# Workspace, credential template and kind: what decides on the texts.
_TextsKey = tuple[str, str, EmailKind]
_log = structlog.get_logger(__name__)


def send_emails(platform: Platform, claim: str) -> None:
    """Send what the claim holds, one after the other, and record each at once: a crash repeats one mail at most."""
    ends = now() + LEASE / 2
    with platform.database.read() as tx:
        waiting = claimed_emails(tx, claim)
        texts = {key: texts_for(tx, *key) for key in {_texts_key(email) for email in waiting}}
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


def _send_one(platform: Platform, claim: str, email: Email, texts: dict[_TextsKey, Texts], outgoing: Outgoing) -> None:
    with platform.database.write() as tx:
        if not take_email(tx, claim, email, at=now()):
            return
    try:
        outgoing.send(_compose(email, texts[_texts_key(email)], platform.settings.email_from))
    except Refused as refusal:
        _log.info("email_refused", email_id=email.id, is_final=refusal.is_final)
        _record_failure(platform, claim, email, str(refusal), is_final=refusal.is_final)
        return
    with platform.database.write() as tx:
        if record_sent(tx, claim, email, at=now()) and email.kind == "delivery":
            set_delivery_states(tx, email.workspace_id, {email.credential_id: "sent"})


def _compose(email: Email, texts: Texts, sender_address: str) -> EmailMessage:
    """Raises Refused for a mail that cannot be written: it must not keep those behind it."""
    try:
        return compose(email, texts, sender_address=sender_address)
    except Exception as failure:
        _log.exception("email_not_composed", email_id=email.id)
        raise Refused(f"The mail cannot be written: {type(failure).__name__}", is_final=True) from failure


def _record_failure(platform: Platform, claim: str, email: Email, error: str, *, is_final: bool) -> None:
    with platform.database.write() as tx:
        is_over = record_failed(tx, claim, email, error=error, is_final=is_final, at=now())
        if is_over and email.kind == "delivery":
            set_delivery_states(tx, email.workspace_id, {email.credential_id: "bounced"})
