from sqlalchemy import Column, PrimaryKeyConstraint, String, Table, UniqueConstraint

from testamur.db.schema import Timestamp, metadata

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", String(26), nullable=False),
    Column("name", String(255), nullable=False),
    Column("slug", String(63), nullable=False),
    Column("website_url", String(2048)),
    Column("support_email", String(254)),
    Column("time_zone", String(64), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("slug"),
)
