from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table

from testamur.db.schema import Timestamp, metadata

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("secret_hash", String(64), nullable=False),
    Column("address", String(254), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("secret_hash"),
    Index(None, "expires_at"),
)

recipient_sessions = Table(
    "recipient_sessions",
    metadata,
    Column("secret_hash", String(64), nullable=False),
    Column("address", String(254), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("secret_hash"),
    Index(None, "expires_at"),
)
