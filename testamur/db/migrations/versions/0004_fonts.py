"""Fonts that workspaces upload."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import Timestamp

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "fonts",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("family", sa.String(100), nullable=False),
        sa.Column("style", sa.String(100), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("is_italic", sa.Boolean(), nullable=False),
        sa.Column("may_subset", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_fonts_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_fonts"),
        sa.UniqueConstraint("workspace_id", "digest", name="uq_fonts_workspace_id_digest"),
    )
    op.create_index("ix_fonts_workspace_id_created_at_id", "fonts", ["workspace_id", "created_at", "id"], unique=False)
