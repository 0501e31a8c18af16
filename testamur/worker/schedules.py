"""What comes with time: scheduled issuing, mails about expiry, the transparency log, forgetting what is old."""

from datetime import datetime, timedelta

from testamur.accounts.inviting import forget_invitations
from testamur.accounts.links import forget_links
from testamur.accounts.passkeys import forget_challenges
from testamur.accounts.sessions import forget_sessions
from testamur.change_requests.asking import forget_unconfirmed
from testamur.credentials.issuing import find_due, issue_due
from testamur.credentials.reminding import queue_expiry_emails
from testamur.credentials.resigning import sign_again, sign_unsigned
from testamur.delivery.outbox import forget_old_server_emails
from testamur.idempotency.keys import forget_old_keys
from testamur.imports.controlling import end_idle_import, find_idle_imports
from testamur.imports.preparing import file_key
from testamur.recipient_accounts.signing_in import forget_expired
from testamur.statistics.counting import count, counted_until, keep
from testamur.transparency.appending import append_pending, is_append_due
from testamur.transparency.keys import log_origin
from testamur.web.platform import Platform
from testamur.webhooks.outbox import forget_old_deliveries
from testamur.workspace_data.deleting import FOLDERS, erase_some, find_closed
from testamur.workspaces.allowance import plan_of
from testamur.workspaces.queries import get_workspace

DUE_MAX = 200
# Another worker may have counted just now.
COUNT_EVERY = timedelta(seconds=10)
# In one transaction, in which others cannot write.
SIGNED_MAX = 100


def issue_scheduled(platform: Platform, at: datetime) -> int:
    """Issue credentials whose scheduled time has come; how many were looked at."""
    with platform.database.read() as tx:
        due = find_due(tx, at, DUE_MAX)
    for workspace_id, credential_id, is_sent in due:
        with platform.database.write() as tx:
            workspace = get_workspace(tx, workspace_id)
            plan = plan_of(workspace, platform.settings.plans)
            issue_due(tx, workspace, credential_id, is_sent=is_sent, signers=platform.signers, plan=plan, at=at)
    return len(due)


def sign_what_is_left(platform: Platform, at: datetime, *, is_first: bool) -> int:
    """Sign anew what compromised keys have signed; how many were signed.

    `is_first` is whether there may be credentials that were issued before there were signatures: to find that there are
    none takes a look at all of them.
    """
    with platform.database.write() as tx:
        count = sign_again(tx, platform.signers, limit=SIGNED_MAX, at=at)
        if is_first:
            count += sign_unsigned(tx, platform.signers, limit=SIGNED_MAX, at=at)
        return count


def remind(platform: Platform, at: datetime) -> int:
    """Queue mails about expiry; how many."""
    with platform.database.write() as tx:
        return queue_expiry_emails(tx, base_url=platform.settings.base_url, at=at)


def count_statistics(platform: Platform, at: datetime) -> bool:
    """Count what happened since it was counted last; whether that was necessary."""
    with platform.database.read() as tx:
        last = counted_until(tx)
        if last is not None and timedelta() <= at - last < COUNT_EVERY:
            return False
        counted = count(tx, at=at)
    if counted.is_worth_keeping:
        with platform.database.write() as tx:
            keep(tx, counted)
    return True


def append_to_log(platform: Platform, at: datetime) -> int:
    """Enter what was recorded for the transparency log; how many entries, which is 0 when none waits."""
    origin = log_origin(platform.settings.base_url)
    with platform.database.read() as tx:
        if not is_append_due(tx, origin):
            return 0
    with platform.database.write() as tx:
        return append_pending(tx, origin=origin, master_key=platform.master_key, at=at)


def erase_closed(platform: Platform, at: datetime) -> int:
    """Remove some of what a deleted workspace held; how many rows, which is 0 when there is nothing to remove."""
    with platform.database.read() as tx:
        workspace_id = find_closed(tx)
    if workspace_id is None:
        return 0
    # Files first: the rows are what tells that they are still to be removed.
    for folder in FOLDERS:
        platform.storage.delete_all(folder.format(workspace_id))
    with platform.database.write() as tx:
        return erase_some(tx, workspace_id, at=at)


def clean_up(platform: Platform, at: datetime) -> None:
    with platform.database.read() as tx:
        idle = find_idle_imports(tx, at=at, limit=DUE_MAX)
    for workspace_id, import_id in idle:
        # The file goes first, so that a storage that is away is asked again the next time.
        platform.storage.delete_all(file_key(workspace_id, import_id))
        with platform.database.write() as tx:
            end_idle_import(tx, workspace_id, import_id, at=at)
    with platform.database.write() as tx:
        forget_old_keys(tx, at=at)
        forget_old_deliveries(tx, at=at)
        forget_old_server_emails(tx, at=at)
        forget_expired(tx, at=at)
        forget_sessions(tx, at=at)
        forget_links(tx, at=at)
        forget_challenges(tx, at=at)
        forget_invitations(tx, at=at)
        forget_unconfirmed(tx, at=at)
