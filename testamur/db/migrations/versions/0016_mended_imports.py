"""Imports whose faulty rows are mended, that start later, and whose file outlives their cancelling for a while."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("imports", sa.Column("starts_at", Timestamp, nullable=True))
    op.add_column("imports", sa.Column("has_file", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("imports", sa.Column("faults_found", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("imports", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    # Those that were over had their file removed.
    imports = sa.table("imports", sa.column("state"), sa.column("has_file", sa.Boolean()))
    op.execute(imports.update().where(imports.c.state.in_(["completed", "cancelled"])).values(has_file=sa.false()))
    op.create_table(
        "import_rows",
        sa.Column("workspace_id", sa.String(length=26), nullable=False),
        sa.Column("import_id", sa.String(length=26), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("cells", JSONText, nullable=False),
        sa.Column("faults", JSONText, nullable=True),
        sa.Column("is_mended", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "import_id"],
            ["imports.workspace_id", "imports.id"],
            name="fk_import_rows_workspace_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name="pk_import_rows"),
    )
