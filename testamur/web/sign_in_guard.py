"""What keeps signing in from being tried too often, and checking passwords from taking all memory."""

from collections.abc import Callable
from hashlib import sha256

import anyio
from anyio.to_thread import run_sync

from testamur.errors import Unavailable
from testamur.text import account_address
from testamur.web.rate_limit import RateLimit, client_of
from testamur.web.threads import Result

# Failures. An address is protected from whoever guesses its password, all of them from whoever guesses one for many.
FAILURES_PER_ADDRESS = "10/15 minutes"
FAILURES_PER_CLIENT = "30/15 minutes"
# Mails that anybody can have sent to an address, and challenges for passkeys, which are rows in the database.
MAILS_PER_ADDRESS = "5/hour"
MAILS_PER_CLIENT = "30/hour"
INVITATIONS_PER_WORKSPACE = "100/hour"
CHALLENGES_PER_CLIENT = "100/15 minutes"
# Each hash takes 64 MiB and a processor for a while.
HASHES_AT_ONCE = 2
HASHES_WAITING_MAX = 50


class SignInGuard:
    """Counts in this process, or with `valkey_url` for all of them; hashes on a few threads."""

    def __init__(self, valkey_url: str | None) -> None:
        self._failures_of_address = RateLimit(FAILURES_PER_ADDRESS, valkey_url)
        self._failures_of_client = RateLimit(FAILURES_PER_CLIENT, valkey_url)
        self._mails_to_address = RateLimit(MAILS_PER_ADDRESS, valkey_url)
        self._mails_of_client = RateLimit(MAILS_PER_CLIENT, valkey_url)
        self._invitations_of_workspace = RateLimit(INVITATIONS_PER_WORKSPACE, valkey_url)
        self._challenges_of_client = RateLimit(CHALLENGES_PER_CLIENT, valkey_url)
        self._limiter: anyio.CapacityLimiter | None = None

    def check(self, email: str, host: str) -> None:
        """Before a password or a code is looked at. Raises RateLimited after too many failures."""
        self._failures_of_client.check(_client_key(host))
        self._failures_of_address.check(_address_key(email))

    def count_failure(self, email: str, host: str) -> None:
        """A wrong password or code. Raises RateLimited if it was one too many just now."""
        self._failures_of_client.take(_client_key(host))
        self._failures_of_address.take(_address_key(email))

    def count_mail(self, email: str, host: str) -> None:
        """Somebody has a mail sent to an address. Raises RateLimited."""
        self._mails_of_client.take(_client_key(host))
        self._mails_to_address.take(_address_key(email))

    def count_invitation(self, email: str, workspace_id: str) -> None:
        """Somebody is invited into a workspace. Raises RateLimited."""
        self._invitations_of_workspace.take(f"accounts/workspace/{workspace_id}")
        self._mails_to_address.take(_address_key(email))

    def count_challenge(self, host: str) -> None:
        """Somebody asks for what a passkey shall sign. Raises RateLimited."""
        self._challenges_of_client.take(_client_key(host))

    async def hash(self, work: Callable[[], Result]) -> Result:
        """Hash or check a password on a thread, a few at once. Raises Unavailable if many wait already."""
        # Made on first use, because a limiter belongs to the event loop that runs then.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(HASHES_AT_ONCE)
        if self._limiter.statistics().tasks_waiting >= HASHES_WAITING_MAX:
            raise Unavailable("Many people are signing in right now", retry_after_seconds=5)
        return await run_sync(work, limiter=self._limiter)


def _client_key(host: str) -> str:
    return f"accounts/client/{client_of(host)}"


def _address_key(email: str) -> str:
    return f"accounts/address/{sha256(account_address(email).encode()).hexdigest()}"
