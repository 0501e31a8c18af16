"""What recipients ask their issuers to correct."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import Timestamp

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "change_requests",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("stated", sa.String(255), nullable=False),
        sa.Column("proposed", sa.String(255), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("answer", sa.String(1000), nullable=True),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("expires_at", Timestamp, nullable=False),
        sa.Column("confirmed_at", Timestamp, nullable=True),
        sa.Column("closed_at", Timestamp, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_id"],
            ["credentials.workspace_id", "credentials.id"],
            name="fk_change_requests_workspace_id_credential_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_change_requests"),
        sa.UniqueConstraint("secret_hash", name="uq_change_requests_secret_hash"),
    )
    for columns in (
        ["workspace_id", "state", "confirmed_at", "id"],
        ["credential_id"],
        ["state", "expires_at"],
    ):
        op.create_index(f"ix_change_requests_{'_'.join(columns)}", "change_requests", columns, unique=False)
