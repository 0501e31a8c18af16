from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

from testamur.db.schema import Timestamp, metadata, same_workspace

change_requests = Table(
    "change_requests",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("id", String(26), nullable=False),
    Column("credential_id", String(26), nullable=False),
    # Of the link that was mailed last; none before that.
    Column("secret_hash", String(64)),
    Column("kind", String(16), nullable=False),
    Column("stated", String(255), nullable=False),
    Column("proposed", String(255), nullable=False),
    Column("message", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("answer", String(1000)),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("confirmed_at", Timestamp),
    Column("closed_at", Timestamp),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("secret_hash"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
    Index(None, "workspace_id", "state", "confirmed_at", "id"),
    Index(None, "credential_id"),
    Index(None, "state", "expires_at"),
)
