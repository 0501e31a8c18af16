"""How many credentials there are and what happened on each day, counted before anybody asks."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import Timestamp

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "daily_counts",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("measure", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_daily_counts_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "day", "measure", name="pk_daily_counts"),
    )
    op.create_index("ix_daily_counts_day", "daily_counts", ["day"], unique=False)
    op.create_table(
        "standing_counts",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("standing", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_standing_counts_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "standing", name="pk_standing_counts"),
    )
    op.create_table(
        "statistics_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counted_until", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_statistics_progress"),
    )
    op.create_index(
        "ix_credentials_standing", "credentials", ["workspace_id", "state", "expiry_date", "revoked_at"], unique=False
    )
    op.create_index("ix_credentials_issued_at", "credentials", ["issued_at", "workspace_id"], unique=False)
    for name, table, columns, condition in (
        ("ix_credentials_revoked_at", "credentials", ["revoked_at", "workspace_id"], "revoked_at IS NOT NULL"),
        ("ix_credentials_bounced", "credentials", ["workspace_id", "id"], "delivery_state = 'bounced'"),
        ("ix_emails_sent_at", "emails", ["sent_at", "kind", "workspace_id"], "sent_at IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
