"""Indexes by which a million credentials are browsed: by name, by day of issue, and those of the rarer statuses."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index("ix_credentials_name", "credentials", ["workspace_id", "recipient_name_key", "id"])
    op.create_index("ix_credentials_issue_date", "credentials", ["workspace_id", "issue_date", "id"])
    op.create_index(
        "ix_credentials_template_issue_date",
        "credentials",
        ["workspace_id", "credential_template_id", "issue_date", "id"],
    )
    for name, columns, condition in (
        ("ix_credentials_unissued", ["workspace_id", "state", "created_at", "id"], "state != 'issued'"),
        ("ix_credentials_revoked", ["workspace_id", "created_at", "id"], "revoked_at IS NOT NULL"),
        ("ix_credentials_expiring", ["workspace_id", "expiry_date", "id"], "expiry_date IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "credentials", columns, sqlite_where=where, postgresql_where=where)
