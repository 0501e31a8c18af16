from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from testamur.db.schema import JSONText, Timestamp, metadata, same_workspace

designs = Table(
    "designs",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("name", String(255), nullable=False),
    Column("type", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    # Which starter design this is a copy of, so that a repeated set-up adds no second copy.
    Column("starter", String(64)),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "starter"),
    Index(None, "workspace_id", "created_at", "id"),
)

design_versions = Table(
    "design_versions",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("design_id", String(26), nullable=False),
    Column("number", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("tags", JSONText, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("design_id", "number"),
    same_workspace("design_id", "designs", ondelete="CASCADE"),
)

# Pictures that attributes name by their address. They are fetched once, so that a credential looks the same for ever.
fetched_pictures = Table(
    "fetched_pictures",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("url_digest", String(64), nullable=False),
    Column("url", String(2048), nullable=False),
    Column("asset_digest", String(64), nullable=False),
    Column("fetched_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("workspace_id", "url_digest"),
    ForeignKeyConstraint(["workspace_id", "asset_digest"], ["assets.workspace_id", "assets.digest"]),
)

assets = Table(
    "assets",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("workspace_id", "digest"),
)

fonts = Table(
    "fonts",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("family", String(100), nullable=False),
    Column("style", String(100), nullable=False),
    Column("weight", Integer, nullable=False),
    Column("is_italic", Boolean, nullable=False),
    Column("may_subset", Boolean, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "digest"),
    Index(None, "workspace_id", "created_at", "id"),
)
