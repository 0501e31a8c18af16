from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from testamur.db.schema import JSONText, Timestamp, metadata, same_workspace

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("url", String(2048), nullable=False),
    Column("events", JSONText, nullable=False),
    Column("is_active", Boolean, nullable=False),
    # Encrypted: unlike a token's, this secret is needed again, to sign.
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text),
    Column("previous_secret_until", Timestamp),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    Index(None, "workspace_id", "created_at", "id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("id", String(26), nullable=False),
    Column("endpoint_id", String(26), nullable=False),
    Column("event_id", String(26), nullable=False),
    Column("event_type", String(64), nullable=False),
    Column("resource_id", String(26), nullable=False),
    Column("event_created_at", Timestamp, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    # When to try next; while an attempt is under way, when to take it for lost.
    Column("next_attempt_at", Timestamp),
    Column("claim", String(26)),
    Column("last_status", Integer),
    Column("last_error", String(500)),
    Column("finished_at", Timestamp),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    same_workspace("endpoint_id", "webhook_endpoints", ondelete="CASCADE"),
    Index(None, "state", "next_attempt_at"),
    Index("ix_webhook_deliveries_endpoint", "endpoint_id", "event_created_at", "id"),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("delivery_id", String(26), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("status", Integer),
    Column("error", String(500)),
    Column("milliseconds", Integer, nullable=False),
    PrimaryKeyConstraint("delivery_id", "number", "at"),
    same_workspace("delivery_id", "webhook_deliveries", ondelete="CASCADE"),
)
