from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table

from testamur.db.schema import Timestamp, metadata, same_workspace

credential_interactions = Table(
    "credential_interactions",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("id", String(26), nullable=False),
    Column("credential_id", String(26), nullable=False),
    Column("event_type", String(64), nullable=False),
    Column("triggered_by", String(16), nullable=False),
    Column("triggered_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
    Index(None, "workspace_id", "triggered_at", "id"),
    Index("ix_credential_interactions_credential", "credential_id", "triggered_at", "id"),
)
