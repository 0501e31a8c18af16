"""Mails of the server itself: what is kept of them, and for how long."""

from datetime import timedelta

from sqlalchemy import select, update

from testamur.clock import now
from testamur.delivery.outbox import forget_old_server_emails
from testamur.delivery.queueing import SERVER_EMAIL_KINDS, queue_server_email
from testamur.delivery.tables import emails
from testamur.worker.server_emails import _WRITERS


def test_each_kind_is_written_by_something():
    assert set(_WRITERS) == set(SERVER_EMAIL_KINDS)


def test_who_was_sent_a_mail_is_remembered_for_a_day(platform):
    at = now()
    with platform.database.write() as tx:
        for state in ("queued", "sent", "bounced"):
            for kind in ("sign_in", "invitation"):
                queue_server_email(tx, kind, f"{state}@example.com", {}, at=at)
            tx.execute(update(emails).where(emails.c.to_address == f"{state}@example.com").values(state=state))
    kinds = ["sign_in", "invitation"] * 3
    for later, left in ((timedelta(hours=23), kinds), (timedelta(hours=25), ["invitation"])):
        with platform.database.write() as tx:
            forget_old_server_emails(tx, at=at + later)
            assert sorted(tx.execute(select(emails.c.kind)).scalars()) == sorted(left)
