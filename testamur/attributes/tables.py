from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, String, Table, UniqueConstraint

from testamur.db.schema import Timestamp, metadata

attributes = Table(
    "attributes",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("tag", String(100), nullable=False),
    Column("name", String(255), nullable=False),
    Column("type", String(16), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "tag"),
)
