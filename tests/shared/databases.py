"""Which databases a test runs on: SQLite and PostgreSQL, unless it says otherwise."""

import pytest

# What is refused before a database is asked is refused on every one.
on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"])
