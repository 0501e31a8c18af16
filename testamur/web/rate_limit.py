"""How many requests a workspace may make."""

import math
import time
from collections.abc import Mapping

from limits import parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from testamur.errors import RateLimited


class RateLimit:
    """A limit per workspace. `rate` is in the notation of `limits`; None is no limit.

    It is counted in this process, or, with `valkey_url`, in one place for all of them.
    """

    def __init__(self, rate: str | None, valkey_url: str | None = None) -> None:
        self._item = None if rate is None else parse(rate)
        storage = MemoryStorage() if valkey_url is None else storage_from_string(valkey_url)
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    def take(self, workspace_id: str) -> None:
        """Count one request. Raises RateLimited with the time to wait if the workspace has used up its limit."""
        if self._item is None or self._limiter.hit(self._item, workspace_id):
            return
        raise RateLimited(retry_after_seconds=self._seconds_to_wait(workspace_id))

    def headers(self, workspace_id: str) -> Mapping[str, str]:
        """What is left, as the RateLimit fields of the IETF draft tell it."""
        if self._item is None:
            return {}
        remaining = max(0, self._limiter.get_window_stats(self._item, workspace_id).remaining)
        window = self._item.get_expiry()
        return {
            "RateLimit-Policy": f'"workspace";q={self._item.amount};w={window}',
            "RateLimit": f'"workspace";r={remaining};t={self._seconds_to_wait(workspace_id)}',
        }

    def _seconds_to_wait(self, workspace_id: str) -> int:
        assert self._item is not None
        reset_time = self._limiter.get_window_stats(self._item, workspace_id).reset_time
        return max(1, math.ceil(reset_time - time.time()))
