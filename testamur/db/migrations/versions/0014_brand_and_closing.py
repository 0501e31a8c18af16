"""The colour of an issuer, and workspaces that were closed."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import Timestamp

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("brand_color", sa.String(7), nullable=True))
    op.add_column("workspaces", sa.Column("closed_at", Timestamp, nullable=True))
    op.add_column("workspaces", sa.Column("erased_at", Timestamp, nullable=True))
