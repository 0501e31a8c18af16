from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, String, Table, UniqueConstraint

from testamur.db.schema import Timestamp, metadata

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", String(26), nullable=False),
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("secret_end", String(4), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp),
    Column("revoked_at", Timestamp),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("secret_hash"),
    Index(None, "workspace_id", "created_at"),
)
