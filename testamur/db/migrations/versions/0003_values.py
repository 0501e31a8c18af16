"""The language of credential templates and of what was rendered; pictures that were fetched for attributes."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import Timestamp

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for table in ("credential_templates", "renderings"):
        op.add_column(table, sa.Column("language", sa.String(35), server_default="en", nullable=False))
    op.create_table(
        "fetched_pictures",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("url_digest", sa.String(64), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("asset_digest", sa.String(64), nullable=False),
        sa.Column("fetched_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "asset_digest"],
            ["assets.workspace_id", "assets.digest"],
            name="fk_fetched_pictures_workspace_id_asset_digest",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "url_digest", name="pk_fetched_pictures"),
    )
