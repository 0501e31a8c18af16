"""Recipients sign in by a link in a mail, which is the server's own and no workspace's."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import Timestamp

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    with op.batch_alter_table("emails") as emails:
        for column in ("workspace_id", "credential_id", "credential_template_id"):
            emails.alter_column(column, existing_type=sa.String(26), nullable=True)
    op.create_index("ix_credentials_recipient_email_key", "credentials", ["recipient_email_key"], unique=False)
    for name in ("sign_in_links", "recipient_sessions"):
        op.create_table(
            name,
            sa.Column("secret_hash", sa.String(64), nullable=False),
            sa.Column("address", sa.String(254), nullable=False),
            sa.Column("created_at", Timestamp, nullable=False),
            sa.Column("expires_at", Timestamp, nullable=False),
            sa.PrimaryKeyConstraint("secret_hash", name=f"pk_{name}"),
        )
        op.create_index(f"ix_{name}_expires_at", name, ["expires_at"], unique=False)
