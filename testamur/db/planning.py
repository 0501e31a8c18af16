"""Telling both databases by which index to read, where they would guess wrong."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, literal_column


def off_index(column: Column[str]) -> ColumnElement[Any]:
    """The value of a text column in a form that no index has.

    A database that knows little of its rows takes the index of a workspace, or one that saves it sorting, and walks
    through a million rows where another index leads to ten. It takes that one if nothing else can serve.
    """
    return column.op("||")(literal_column("''"))


def by_index(statement: Select[Any], table: Table, name: str) -> Select[Any]:
    """The statement, with the index that SQLite is to take; PostgreSQL, which collects statistics, chooses by itself."""
    return statement.with_hint(table, f"INDEXED BY {name}", "sqlite")
