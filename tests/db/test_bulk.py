"""Many rows at once come back as they went in, and those that collide are left out and not counted."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Boolean, Column, Date, Integer, MetaData, String, Table, select

from testamur.db.bulk import COPIED_FROM, insert_many
from testamur.db.schema import Compressed, JSONText, Timestamp, compressed

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("values", JSONText, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("day", Date),
    Column("at", Timestamp),
    Column("content", Compressed),
    # The same in all rows.
    Column("shared", Timestamp),
    Column("name", String(100)),
)


@pytest.mark.parametrize("count", [COPIED_FROM - 1, COPIED_FROM, 1000])
def test_rows_come_back_as_they_went_in_and_others_of_their_key_are_left_out(platform, count):
    rows = [
        {
            "id": number,
            "name": None if number % 2 else "Zoë",
            "values": {"custom.hours": number},
            "is_on": number % 3 == 0,
            "day": date(2026, 11, 20) if number % 5 else None,
            "at": AT + timedelta(milliseconds=number),
            "content": compressed(b"badge" * number),
            "shared": AT,
        }
        for number in range(count)
    ]
    with platform.database.write() as tx:
        THINGS.create(tx)
        assert insert_many(tx, THINGS, []) == 0
        assert insert_many(tx, THINGS, rows[:5]) == 5
        changed = [{**row, "name": "another"} for row in rows[:5]]
        assert insert_many(tx, THINGS, [*changed, *rows[5:]]) == count - 5
        assert insert_many(tx, THINGS, rows) == 0
        found = [dict(row._mapping) for row in tx.execute(select(THINGS).order_by(THINGS.c.id))]
        THINGS.drop(tx)
    assert found == [{**row, "content": b"badge" * number} for number, row in enumerate(rows)]
