"""Signed credentials, status lists, and what credential templates and workspaces say of them."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("credential_templates", sa.Column("achievement", JSONText, nullable=True))
    op.add_column(
        "workspaces", sa.Column("names_in_credentials", sa.String(16), nullable=False, server_default="plain")
    )
    op.add_column(
        "workspaces", sa.Column("emails_in_credentials", sa.String(16), nullable=False, server_default="hashed")
    )
    op.add_column("workspaces", sa.Column("is_indexed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "status_lists",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("did", sa.String(600), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Timestamp, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_status_lists_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_status_lists"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_status_lists_workspace_id_id"),
    )
    op.create_index("ix_status_lists_did", "status_lists", ["workspace_id", "did", "id"], unique=False)
    op.create_table(
        "revoked_places",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("list_id", sa.String(26), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("revoked_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "list_id"],
            ["status_lists.workspace_id", "status_lists.id"],
            name="fk_revoked_places_workspace_id",
        ),
        sa.PrimaryKeyConstraint("list_id", "index", name="pk_revoked_places"),
    )
    op.create_index("ix_revoked_places_public_id", "revoked_places", ["public_id"], unique=False)
    op.create_table(
        "signed_credentials",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("jwt", sa.Text(), nullable=True),
        sa.Column("did", sa.String(600), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("list_id", sa.String(26), nullable=False),
        sa.Column("list_index", sa.Integer(), nullable=False),
        sa.Column("signed_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_id"],
            ["credentials.workspace_id", "credentials.id"],
            name="fk_signed_credentials_workspace_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "list_id"],
            ["status_lists.workspace_id", "status_lists.id"],
            name="fk_signed_credentials_list_id",
        ),
        sa.PrimaryKeyConstraint("credential_id", name="pk_signed_credentials"),
        sa.UniqueConstraint("list_id", "list_index", name="uq_signed_credentials_list_id_list_index"),
    )
    op.create_index("ix_signed_credentials_key_id", "signed_credentials", ["workspace_id", "key_id"], unique=False)
