from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from testamur.db.schema import Timestamp, metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("key", String(255), nullable=False),
    Column("request_hash", String(64), nullable=False),
    # None while the request is being worked on.
    Column("status", Integer),
    Column("body", Text),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("workspace_id", "key"),
    Index(None, "created_at"),
)
