from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, String, Table

from testamur.db.schema import JSONText, Timestamp, metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", String(26), nullable=False),
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("actor_id", String(26), nullable=False),
    Column("actor_name", String(255), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(64)),
    Column("details", JSONText, nullable=False),
    # The address that the request came from.
    Column("client", String(64), nullable=False),
    PrimaryKeyConstraint("id"),
    Index(None, "workspace_id", "at", "id"),
)
