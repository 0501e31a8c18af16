from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal, get_args

import msgspec

# delivered: mails with a credential that a mail server took.
Measure = Literal["issued", "delivered", "viewed", "shared", "verified", "revoked"]
# What a credential is today, of one kind each; "issued" ones are in force.
Standing = Literal["draft", "scheduled", "issued", "expired", "revoked"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
STANDINGS: tuple[Standing, ...] = get_args(Standing)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a workspace on each of `days`, the oldest first."""

    days: Sequence[date]
    counts: Mapping[Measure, Sequence[int]]

    def total(self, measure: Measure) -> int:
        return sum(self.counts[measure])


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """How many credentials of each standing a workspace has. `counted_at` is None before the first counting."""

    counts: Mapping[Standing, int]
    counted_at: datetime | None


class Attention(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a workspace waits for somebody, counted no further than COUNTED_MAX."""

    bounced_credentials: int
    failing_webhooks: int
    expiring_credentials: int
    open_requests: int
    stopped_imports: int


# Whoever has more than this to look at need not know how much more.
COUNTED_MAX = 100
