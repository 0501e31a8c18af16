from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from testamur.db.schema import JSONText, Timestamp, metadata, same_workspace

recipients = Table(
    "recipients",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("name", String(255), nullable=False),
    Column("email", String(254)),
    # The folded e-mail: one address is one recipient. NULLs never collide, so the nameless-by-mail stay apart.
    Column("email_key", String(254)),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "email_key"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("id", String(26), nullable=False),
    Column("public_id", String(36), nullable=False),
    Column("credential_template_id", String(26), nullable=False),
    Column("recipient_id", String(26), nullable=False),
    Column("recipient_name", String(255), nullable=False),
    Column("recipient_email", String(254)),
    Column("state", String(16), nullable=False),
    Column("issue_date", Date, nullable=False),
    Column("expiry_date", Date),
    Column("custom_attributes", JSONText, nullable=False),
    # What makes a row of a spreadsheet the same row when the file is issued again.
    Column("issuing_key", String(100)),
    Column("issued_at", Timestamp),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    UniqueConstraint("public_id"),
    UniqueConstraint("credential_template_id", "issuing_key"),
    same_workspace("credential_template_id", "credential_templates"),
    same_workspace("recipient_id", "recipients"),
    Index(None, "workspace_id", "created_at", "id"),
    Index(None, "recipient_id"),
)

renderings = Table(
    "renderings",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("credential_id", String(26), nullable=False),
    Column("design_id", String(26), nullable=False),
    Column("digest", String(43), nullable=False),
    Column("design_version", Integer, nullable=False),
    Column("title", String(600), nullable=False),
    Column("values", JSONText, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("credential_id", "design_id", "digest"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
    ForeignKeyConstraint(["design_id", "design_version"], ["design_versions.design_id", "design_versions.number"]),
)
