"""How many requests a workspace may make."""

import math
import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network

import structlog
from limits import WindowStats, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import HTTPConnection

from testamur.errors import RateLimited

_log = structlog.get_logger(__name__)


class RateLimit:
    """A limit per workspace. `rate` is in the notation of `limits`; None is no limit.

    It is counted in this process, or, with `valkey_url`, in one place for all of them. While that place is away,
    requests pass uncounted: a limit protects the service, and must not be what stops it.
    """

    def __init__(self, rate: str | None, valkey_url: str | None = None) -> None:
        self._item = None if rate is None else parse(rate)
        storage = MemoryStorage() if valkey_url is None else storage_from_string(valkey_url, wrap_exceptions=True)
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    def check(self, key: str) -> None:
        """Raises RateLimited as `take` does, and counts nothing: for what counts only when it fails."""
        try:
            if self._item is None or self._limiter.test(self._item, key):
                return
        except StorageError as error:
            _log.warning("rate_limit_not_counted", reason=str(error.storage_error))
            return
        raise self._used_up(key)

    def take(self, workspace_id: str) -> None:
        """Count one request. Raises RateLimited with the time to wait if the workspace has used up its limit."""
        if self._item is None:
            return
        try:
            if self._limiter.hit(self._item, workspace_id):
                return
        except StorageError as error:
            _log.warning("rate_limit_not_counted", reason=str(error.storage_error))
            return
        raise self._used_up(workspace_id)

    def headers(self, workspace_id: str) -> Mapping[str, str]:
        """What is left, as the RateLimit fields of the IETF draft tell it."""
        found = self._stats(workspace_id)
        if self._item is None or found is None:
            return {}
        return {
            "RateLimit-Policy": f'"workspace";q={self._item.amount};w={self._item.get_expiry()}',
            "RateLimit": f'"workspace";r={max(0, found.remaining)};t={_seconds_until(found)}',
        }

    def _used_up(self, key: str) -> RateLimited:
        found = self._stats(key)
        return RateLimited(retry_after_seconds=_seconds_until(found) if found else 1)

    def _stats(self, workspace_id: str) -> WindowStats | None:
        if self._item is None:
            return None
        try:
            return self._limiter.get_window_stats(self._item, workspace_id)
        except StorageError:
            return None


def counted_client(request: HTTPConnection) -> str:
    """Whose requests are counted together: that of `client_of`."""
    return client_of(request.client.host if request.client else "")


def client_of(host: str) -> str:
    """An address, or a network of IPv6, of which one client has all addresses."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


def _seconds_until(found: WindowStats) -> int:
    return max(1, math.ceil(found.reset_time - time.time()))
