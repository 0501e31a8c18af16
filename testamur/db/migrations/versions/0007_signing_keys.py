"""The keys and the identities that workspaces sign under, slugs that stay reserved, issuer profiles."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("logo_url", sa.String(2048), nullable=True))
    op.create_table(
        "workspace_slugs",
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_workspace_slugs_workspace_id"),
        sa.PrimaryKeyConstraint("slug", name="pk_workspace_slugs"),
    )
    op.execute(
        "INSERT INTO workspace_slugs (slug, workspace_id, created_at) SELECT slug, id, created_at FROM workspaces"
    )
    op.create_table(
        "issuer_identities",
        sa.Column("did", sa.String(600), nullable=False),
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("host", sa.String(260), nullable=False),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_issuer_identities_workspace_id"),
        sa.PrimaryKeyConstraint("did", name="pk_issuer_identities"),
    )
    op.create_index(
        "ix_issuer_identities_workspace_id_slug", "issuer_identities", ["workspace_id", "slug"], unique=False
    )
    op.create_table(
        "signing_keys",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("public_key", JSONText, nullable=False),
        sa.Column("sealed_private_key", sa.Text(), nullable=True),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("active_from", Timestamp, nullable=False),
        sa.Column("retired_at", Timestamp, nullable=True),
        sa.Column("compromised_at", Timestamp, nullable=True),
        sa.Column("reason", sa.String(500), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_signing_keys_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_signing_keys"),
    )
    op.create_table(
        "master_key_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_master_key_checks"),
    )
