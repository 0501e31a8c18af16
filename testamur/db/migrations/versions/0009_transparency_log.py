"""The transparency log: what waits for it, its entries, the tree over them, its heads and keys."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "log_pending",
        sa.Column("id", number, nullable=False, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("entries", JSONText, nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("recorded_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_pending"),
    )
    op.create_table(
        "log_entries",
        sa.Column("index", number, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("time", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("index", name="pk_log_entries"),
    )
    op.create_index("ix_log_entries_subject_index", "log_entries", ["subject", "index"], unique=False)
    op.create_index("ix_log_entries_digest_index", "log_entries", ["digest", "index"], unique=False)
    op.create_table(
        "log_nodes",
        sa.Column("position", number, nullable=False, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_log_nodes"),
    )
    op.create_table(
        "log_heads",
        sa.Column("size", number, nullable=False, autoincrement=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_log_heads"),
    )
    op.create_table(
        "log_keys",
        sa.Column("origin", sa.String(500), nullable=False),
        sa.Column("public_key", JSONText, nullable=False),
        sa.Column("sealed_private_key", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_log_keys"),
    )
