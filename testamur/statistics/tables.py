from sqlalchemy import Column, Date, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table

from testamur.db.schema import Timestamp, metadata

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("measure", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "day", "measure"),
    Index(None, "day"),
)

standing_counts = Table(
    "standing_counts",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "standing"),
)

# One row: up to when everything was counted.
statistics_progress = Table(
    "statistics_progress",
    metadata,
    Column("id", Integer, nullable=False, autoincrement=False),
    Column("counted_until", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
)
