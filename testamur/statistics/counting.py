"""Counting: what changed since the last time is read without a lock, and then written in one short transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Select,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    update,
)

from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.db.planning import off_index
from testamur.db.schema import insert_if_new
from testamur.delivery.tables import emails
from testamur.ids import first_id_of
from testamur.interactions.tables import credential_interactions as interactions
from testamur.statistics.model import Measure
from testamur.statistics.tables import daily_counts, standing_counts, statistics_progress

# What is going on when it is counted is written within this time.
LATE_MAX = timedelta(hours=1)
# Of the server's own account of what it has counted: written at least this often, though nothing changed.
PROGRESS_STEP = timedelta(minutes=10)
_PROGRESS_ID = 1
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_COUNTED_UNTIL = select(statistics_progress.c.counted_until)
_FIRST = insert_if_new(statistics_progress)
# Of two that have counted at once, one keeps it.
_NEXT = (
    update(statistics_progress)
    .where(statistics_progress.c.id == _PROGRESS_ID, statistics_progress.c.counted_until == bindparam("seen"))
    .values(counted_until=bindparam("at"))
)


def _per_day(moment: Column[datetime], workspace_id: Column[str], *conditions: ColumnElement[bool]) -> Select[Any]:
    """How many rows there are of each workspace and day since a moment."""
    counted: list[Any] = [off_index(workspace_id), func.date(moment, type_=Date), func.count()]
    return select(*counted).where(moment >= bindparam("since"), *conditions).group_by(*counted[:2])


_HAPPENED: Mapping[Measure, Select[Any]] = {
    "issued": _per_day(credentials.c.issued_at, credentials.c.workspace_id),
    "revoked": _per_day(credentials.c.revoked_at, credentials.c.workspace_id),
    "delivered": _per_day(emails.c.sent_at, emails.c.workspace_id, emails.c.kind == "delivery"),
}
_OF_INTERACTIONS: Sequence[Measure] = ("viewed", "shared", "verified")
_kind = case(
    (interactions.c.event_type == literal_column("'credential_viewed'"), "viewed"),
    (interactions.c.event_type == literal_column("'credential_verified'"), "verified"),
    (interactions.c.event_type == literal_column("'credential_downloaded'"), "downloaded"),
    else_="shared",
)
_interaction_day = func.date(interactions.c.triggered_at, type_=Date)
_ALL_INTERACTIONS = select(interactions.c.workspace_id, _interaction_day, _kind, func.count()).group_by(
    interactions.c.workspace_id, _interaction_day, _kind
)
# Ids grow with time, so those that came in lately are found by theirs, whatever moment they tell.
_TOUCHED = (
    select(off_index(interactions.c.workspace_id), _interaction_day)
    .where(interactions.c.id >= bindparam("since_id"))
    .distinct()
)
_OF_DAY = (
    select(_kind, func.count())
    .where(
        interactions.c.workspace_id == bindparam("workspace_id"),
        interactions.c.triggered_at >= bindparam("begins"),
        interactions.c.triggered_at < bindparam("ends"),
    )
    .group_by(_kind)
)
# In the order of an index that has all of these columns.
_STANDINGS = select(
    credentials.c.workspace_id,
    credentials.c.state,
    func.count(),
    func.count(credentials.c.revoked_at),
    func.count(
        case((credentials.c.revoked_at.is_(None) & (credentials.c.expiry_date < bindparam("today", type_=Date)), 1))
    ),
).group_by(credentials.c.workspace_id, credentials.c.state)
_KEPT_STANDINGS = select(standing_counts)
_KEPT_HAPPENED = select(daily_counts).where(
    daily_counts.c.day >= bindparam("since"), daily_counts.c.measure.in_(_HAPPENED)
)
_KEPT_DAY = select(daily_counts).where(
    daily_counts.c.workspace_id == bindparam("of_workspace"),
    daily_counts.c.day == bindparam("of_day"),
    daily_counts.c.measure.in_(_OF_INTERACTIONS),
)
_FORGET = delete(daily_counts).where(
    daily_counts.c.workspace_id == bindparam("of_workspace"),
    daily_counts.c.day == bindparam("of_day"),
    daily_counts.c.measure == bindparam("of_measure"),
)
_FORGET_STANDINGS = delete(standing_counts)

_Key = tuple[str, date, Measure]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted at a moment, as far as it differs from what is kept. `seen` is when it was counted before."""

    at: datetime
    seen: datetime | None
    days: Mapping[_Key, int]
    gone: Sequence[_Key]
    # None if they are as they were.
    standings: Mapping[tuple[str, str], int] | None

    @property
    def is_worth_keeping(self) -> bool:
        has_changed = bool(self.days or self.gone) or self.standings is not None
        return has_changed or self.seen is None or self.at - self.seen >= PROGRESS_STEP


def counted_until(tx: Transaction) -> datetime | None:
    """When everything was counted last; None if it never was."""
    return tx.execute(_COUNTED_UNTIL).scalar_one_or_none()


def count(tx: Transaction, *, at: datetime) -> Counted:
    """Count what may have changed since the last time, of all workspaces. It only reads, and may take seconds."""
    seen = counted_until(tx)
    since = _BEGINNING if seen is None else min(seen, at) - LATE_MAX
    found, kept = _happened(tx, since.date())
    if seen is None:
        _take(found, tx.execute(_ALL_INTERACTIONS))
    else:
        for workspace_id, day in tx.execute(_TOUCHED, {"since_id": first_id_of(since)}).all():
            begins = datetime.combine(day, time(), UTC)
            place = {"workspace_id": workspace_id, "begins": begins, "ends": begins + timedelta(days=1)}
            _take(found, ((workspace_id, day, kind, number) for kind, number in tx.execute(_OF_DAY, place)))
            kept |= _kept(tx.execute(_KEPT_DAY, {"of_workspace": workspace_id, "of_day": day}))
    standings = _standings(tx, at.date())
    kept_standings = {(row.workspace_id, row.standing): row.number for row in tx.execute(_KEPT_STANDINGS)}
    return Counted(
        at=at,
        seen=seen,
        days={key: number for key, number in found.items() if kept.get(key) != number},
        gone=[key for key in kept if key not in found],
        standings=None if standings == kept_standings else standings,
    )


def keep(tx: Transaction, counted: Counted) -> bool:
    """Write what was counted; False if somebody else has counted meanwhile, and nothing was written."""
    if counted.seen is None:
        is_ours = tx.execute(_FIRST, {"id": _PROGRESS_ID, "counted_until": counted.at}).rowcount
    else:
        is_ours = tx.execute(_NEXT, {"seen": counted.seen, "at": counted.at}).rowcount
    if not is_ours:
        return False
    replaced = [
        {"of_workspace": workspace_id, "of_day": day, "of_measure": measure}
        for workspace_id, day, measure in (*counted.days, *counted.gone)
    ]
    if replaced and counted.seen is not None:
        tx.execute(_FORGET, replaced)
    rows = [
        {"workspace_id": workspace_id, "day": day, "measure": measure, "number": number}
        for (workspace_id, day, measure), number in counted.days.items()
    ]
    insert_many(tx, daily_counts, rows)
    if counted.standings is not None:
        tx.execute(_FORGET_STANDINGS)
        insert_many(
            tx,
            standing_counts,
            [
                {"workspace_id": workspace_id, "standing": standing, "number": number}
                for (workspace_id, standing), number in counted.standings.items()
            ],
        )
    return True


def _happened(tx: Transaction, since: date) -> tuple[dict[_Key, int], dict[_Key, int]]:
    """What was issued, revoked and delivered on the days since then: as it is, and as it was kept."""
    begins = datetime.combine(since, time(), UTC)
    found = {
        (workspace_id, day, measure): int(number)
        for measure, statement in _HAPPENED.items()
        for workspace_id, day, number in tx.execute(statement, {"since": begins})
    }
    return found, _kept(tx.execute(_KEPT_HAPPENED, {"since": since}))


def _standings(tx: Transaction, today: date) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for workspace_id, state, number, revoked, expired in tx.execute(_STANDINGS, {"today": today}):
        if state != "issued":
            found[workspace_id, state] = int(number)
            continue
        parts = {"issued": number - revoked - expired, "revoked": revoked, "expired": expired}
        found |= {(workspace_id, standing): int(part) for standing, part in parts.items() if part}
    return found


def _take(found: dict[_Key, int], rows: Iterable[Any]) -> None:
    for workspace_id, day, kind, number in rows:
        if kind in _OF_INTERACTIONS:
            found[workspace_id, day, kind] = int(number)


def _kept(rows: Iterable[Any]) -> dict[_Key, int]:
    return {(row.workspace_id, row.day, row.measure): row.number for row in rows}
