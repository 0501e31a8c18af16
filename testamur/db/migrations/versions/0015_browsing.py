"""Indexes by which a million credentials are browsed: by name, by day of issue, and those of the rarer statuses."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    # Ending in the id, it also is the order of the rows of one name.
    op.drop_index("ix_credentials_template_name", "credentials")
    template = ["workspace_id", "credential_template_id"]
    op.create_index("ix_credentials_template_name", "credentials", [*template, "recipient_name_key", "id"])
    op.create_index("ix_credentials_name", "credentials", ["workspace_id", "recipient_name_key", "id"])
    op.create_index("ix_credentials_issue_date", "credentials", ["workspace_id", "issue_date", "id"])
    op.create_index("ix_credentials_template_issue_date", "credentials", [*template, "issue_date", "id"])
    shown = ["id", "credential_template_id", "issue_date", "recipient_name_key"]
    for name, columns, condition in (
        ("ix_credentials_unissued", ["state", "created_at", *shown], "state != 'issued'"),
        ("ix_credentials_revoked", ["created_at", *shown, "revoked_at"], "revoked_at IS NOT NULL"),
        (
            "ix_credentials_expiring",
            ["expiry_date", *shown, "created_at", "state", "revoked_at"],
            "expiry_date IS NOT NULL",
        ),
    ):
        where = sa.text(condition)
        op.create_index(name, "credentials", ["workspace_id", *columns], sqlite_where=where, postgresql_where=where)
