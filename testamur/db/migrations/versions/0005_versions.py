"""Corrections of credentials, and what credentials were issued with."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "credential_versions",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recipient_name", sa.String(255), nullable=False),
        sa.Column("recipient_email", sa.String(254), nullable=True),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("custom_attributes", JSONText, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("superseded_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_id"],
            ["credentials.workspace_id", "credentials.id"],
            name="fk_credential_versions_workspace_id_credential_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("credential_id", "number", name="pk_credential_versions"),
    )
    op.create_table(
        "credential_pins",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("title", sa.String(600), nullable=False),
        sa.Column("designs", JSONText, nullable=False),
        sa.Column("values", JSONText, nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_id"],
            ["credentials.workspace_id", "credentials.id"],
            name="fk_credential_pins_workspace_id_credential_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("credential_id", name="pk_credential_pins"),
    )
    op.create_index("ix_credential_pins_workspace_id", "credential_pins", ["workspace_id"], unique=False)
    op.add_column(
        "credential_templates", sa.Column("design_policy", sa.String(16), server_default="follow", nullable=False)
    )
    op.add_column("credentials", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
