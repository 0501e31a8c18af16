"""What the tables of all slices share: one metadata object and a few column types."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from isal import isal_zlib
from sqlalchemy import DateTime, ForeignKeyConstraint, Insert, LargeBinary, MetaData, String, Table, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Timestamp(TypeDecorator[datetime]):
    """A moment, always in UTC: `timestamptz` on PostgreSQL, text on SQLite, an aware datetime in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class JSONText(TypeDecorator[Any]):
    """A JSON value as text, which both databases hold alike; nothing in it is ever searched."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value)


class Compressed(TypeDecorator[bytes]):
    """Bytes that are kept compressed: documents that repeat themselves take less than half of their size.

    They are given as `compressed` has made them, which another process may have done.
    """

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> bytes | None:
        return None if value is None else isal_zlib.decompress(value)


def compressed(content: bytes) -> bytes:
    """What a column of this kind is given."""
    return bytes(isal_zlib.compress(content, 1))


def folded(length: int) -> TypeEngine[str]:
    """Case-folded text that is searched by its beginning: both databases order it by its code points."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def same_workspace(
    column: str, table: str, *, name: str | None = None, ondelete: str | None = None
) -> ForeignKeyConstraint:
    """A foreign key that can only lead to a row of the same workspace, whatever the code above forgets."""
    return ForeignKeyConstraint(
        ["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"], name=name, ondelete=ondelete
    )


def insert_if_new(table: Table) -> Insert:
    """An INSERT that leaves alone the rows that collide with a unique key.

    Both databases spell ON CONFLICT DO NOTHING alike, so PostgreSQL's construct serves for SQLite too. The number of
    rows that were inserted is kept, which SQLAlchemy does for UPDATE and DELETE only unless asked.
    """
    return postgresql.insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def insert_or_update(table: Table) -> Insert:
    """An INSERT that takes the place of the row which has the same primary key."""
    new = postgresql.insert(table)
    replaced = {column.name: new.excluded[column.name] for column in table.columns if not column.primary_key}
    return new.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=replaced)
