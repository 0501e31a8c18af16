"""The certificate that a workspace signs its PDFs with."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import Timestamp

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "pdf_certificates",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("not_after", Timestamp, nullable=False),
        sa.Column("fingerprint_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_pdf_certificates_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_pdf_certificates"),
    )
