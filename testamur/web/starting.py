"""What is made sure of before a process works with a database."""

import gc

from testamur.clock import now
from testamur.db.migrating import migrate
from testamur.encryption import WrongMasterKey
from testamur.signing_keys.master_key_check import check_master_key, is_recorded, record_master_key
from testamur.web.platform import Platform, master_key_file
from testamur.webhooks.endpoints import try_webhook_secrets
from testamur.workspaces.pdf_certificate import try_pdf_certificates

_TRIALS = (try_webhook_secrets, try_pdf_certificates)


def start(platform: Platform) -> list[str]:
    """Bring the database up to date, and see that the master key is its own; the migrations that were applied.

    Raises WrongMasterKey, before anything is sealed with a key that would read nothing of what is there.
    """
    applied = migrate(platform.database)
    try:
        with platform.database.read() as tx:
            was_recorded = is_recorded(tx)
            if was_recorded:
                check_master_key(tx, platform.master_key)
        if not was_recorded:
            with platform.database.write() as tx:
                record_master_key(tx, platform.master_key, _TRIALS, at=now())
    except WrongMasterKey:
        raise WrongMasterKey(_told(platform)) from None
    return applied


def settle() -> None:
    """Let the garbage collector forget what the start has made, which stays until the end: call it before serving.

    Otherwise it looks through all of that again and again, and a request that comes meanwhile waits.
    """
    gc.collect()
    gc.freeze()


def _told(platform: Platform) -> str:
    if platform.settings.master_key is not None:
        return (
            "TESTAMUR_MASTER_KEY is not the master key that this database was used with; set it to that one "
            "(docs/keys.md tells where to look)"
        )
    return (
        f"The master key in {master_key_file(platform.settings)} is not the one that this database was used with; "
        "put that file back, or set TESTAMUR_MASTER_KEY to what it held (docs/keys.md tells where to look)"
    )
