"""How many requests a workspace may make."""

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from testamur.errors import RateLimited


class RateLimit:
    """A limit per workspace, counted in this process. `rate` is in the notation of `limits`; None is no limit."""

    def __init__(self, rate: str | None) -> None:
        self._item = None if rate is None else parse(rate)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, workspace_id: str) -> None:
        """Count one request. Raises RateLimited with the time to wait if the workspace has used up its limit."""
        if self._item is None or self._limiter.hit(self._item, workspace_id):
            return
        reset_time = self._limiter.get_window_stats(self._item, workspace_id).reset_time
        raise RateLimited(retry_after_seconds=max(1, math.ceil(reset_time - time.time())))
