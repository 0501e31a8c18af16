from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from testamur.db.schema import Timestamp, metadata

status_lists = Table(
    "status_lists",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    # The issuer and the address that stand in its credentials; the list goes on stating them when the server moves.
    Column("did", String(600), nullable=False),
    Column("url", String(2048), nullable=False),
    # Encrypted: what the order of its places is drawn from.
    Column("sealed_secret", Text, nullable=False),
    # How many places were given.
    Column("used", Integer, nullable=False),
    # Counts the changes of bits, so that a copy that was signed can be told from a newer one.
    Column("version", Integer, nullable=False),
    Column("changed_at", Timestamp, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    Index("ix_status_lists_did", "workspace_id", "did", "id"),
)

# The bits that are set. When the credential is deleted, this is what is left of it: its place and its public id.
revoked_places = Table(
    "revoked_places",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("list_id", String(26), nullable=False),
    Column("index", Integer, nullable=False),
    Column("public_id", String(36), nullable=False),
    Column("revoked_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("list_id", "index"),
    ForeignKeyConstraint(["workspace_id", "list_id"], ["status_lists.workspace_id", "status_lists.id"]),
    Index(None, "public_id"),
)
