"""Inserting many rows at once, by the fastest way of each database."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table

from testamur.db.engine import Transaction
from testamur.db.schema import insert_if_new

# Below this a plain statement is as quick.
COPIED_FROM = 20


def refresh_statistics(tx: Transaction, *tables: Table) -> None:
    """Have the database look at tables that have grown fast.

    PostgreSQL goes on reading a table from end to end, for every foreign key too, as long as it takes it for small; its
    own look comes a minute later. SQLite needs nothing of the kind.
    """
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql(f"ANALYZE {', '.join(table.name for table in tables)}")


def insert_many(tx: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows, all with the same columns, and leave out those that collide with a unique key; how many were new.

    On PostgreSQL they are copied into a temporary table first and inserted from there: one statement for all rows
    takes a tenth of the time of one for each. On SQLite they go to the driver as they are, column by column made what it
    takes: SQLAlchemy works out each row's parameters anew, which took as long as inserting them.
    """
    if not rows:
        return 0
    if len(rows) < COPIED_FROM:
        return int(tx.execute(insert_if_new(table), rows).rowcount)
    names = list(rows[0])
    columns = ", ".join(tx.dialect.identifier_preparer.quote(name) for name in names)
    converted = [_converted(tx, table.c[name], [row[name] for row in rows]) for name in names]
    if tx.dialect.name == "sqlite":
        statement = (
            f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(names))}) ON CONFLICT DO NOTHING"  # noqa: S608
        )
        return int(tx.exec_driver_sql(statement, list(zip(*converted, strict=True))).rowcount)
    temporary = f"new_{table.name}"
    tx.exec_driver_sql(f"CREATE TEMPORARY TABLE {temporary} (LIKE {table.name}) ON COMMIT DROP")
    connection: Any = tx.connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(f"COPY {temporary} ({columns}) FROM STDIN") as copy:
        for row in zip(*converted, strict=True):
            copy.write_row(row)
    inserted = tx.exec_driver_sql(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {temporary} ON CONFLICT DO NOTHING"  # noqa: S608
    ).rowcount
    tx.exec_driver_sql(f"DROP TABLE {temporary}")
    return int(inserted)


def _converted(tx: Transaction, column: Column[Any], values: list[Any]) -> list[Any]:
    """As the driver takes them. A moment that all rows share is converted once."""
    process = column.type.dialect_impl(tx.dialect).bind_processor(tx.dialect)
    if process is None:
        return values
    first = values[0]
    if all(value is first for value in values):
        return [process(first)] * len(values)
    return [process(value) for value in values]
