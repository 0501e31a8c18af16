from datetime import date, timedelta

from sqlalchemy import bindparam, select

from testamur.db import Transaction
from testamur.statistics.counting import counted_until
from testamur.statistics.model import MEASURES, STANDINGS, Period, Totals
from testamur.statistics.tables import daily_counts, standing_counts

_DAYS = select(daily_counts.c.day, daily_counts.c.measure, daily_counts.c.number).where(
    daily_counts.c.workspace_id == bindparam("workspace_id"),
    daily_counts.c.day.between(bindparam("first"), bindparam("last")),
)
_STANDINGS = select(standing_counts.c.standing, standing_counts.c.number).where(
    standing_counts.c.workspace_id == bindparam("workspace_id")
)


def get_period(tx: Transaction, workspace_id: str, *, first: date, last: date) -> Period:
    """What happened on the days from `first` to `last`, both of UTC and both included."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    counts = {measure: [0] * len(days) for measure in MEASURES}
    for day, measure, number in tx.execute(_DAYS, {"workspace_id": workspace_id, "first": first, "last": last}):
        counts[measure][(day - first).days] = number
    return Period(days=days, counts=counts)


def get_totals(tx: Transaction, workspace_id: str) -> Totals:
    """How many credentials there are now, as it was counted last."""
    counts = dict.fromkeys(STANDINGS, 0)
    for standing, number in tx.execute(_STANDINGS, {"workspace_id": workspace_id}):
        counts[standing] = number
    return Totals(counts=counts, counted_at=counted_until(tx))
