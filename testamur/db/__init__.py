"""The database: one engine for SQLite or PostgreSQL, column types, migrations, pages of a list.

Everything here is the same for both; what must differ by database stands in this package and nowhere else.
Only doors open transactions; nothing below a door commits.
"""

from testamur.db.engine import Database, Transaction

__all__ = ["Database", "Transaction"]
