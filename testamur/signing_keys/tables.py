from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table, Text

from testamur.db.schema import JSONText, Timestamp, metadata

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(64), nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("public_key", JSONText, nullable=False),
    # Encrypted; nothing once the key signs no more.
    Column("sealed_private_key", Text),
    Column("created_at", Timestamp, nullable=False),
    Column("active_from", Timestamp, nullable=False),
    Column("retired_at", Timestamp),
    Column("compromised_at", Timestamp),
    Column("reason", String(500)),
    PrimaryKeyConstraint("workspace_id", "id"),
)

# One row: something that only the right master key decrypts.
master_key_checks = Table(
    "master_key_checks",
    metadata,
    Column("id", Integer, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
)
