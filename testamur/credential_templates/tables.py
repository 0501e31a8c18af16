from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

from testamur.db.schema import JSONText, Timestamp, metadata, same_workspace

credential_templates = Table(
    "credential_templates",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("name", String(255), nullable=False),
    Column("learning_event_url", String(2048)),
    Column("description", Text),
    Column("criteria", Text),
    Column("expiry_rule", JSONText),
    # BCP 47; 35 characters hold every tag that is really used.
    Column("language", String(35), nullable=False, server_default="en"),
    Column("design_policy", String(16), nullable=False, server_default="follow"),
    Column("achievement", JSONText),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    Index(None, "workspace_id", "created_at", "id"),
)

credential_template_designs = Table(
    "credential_template_designs",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("credential_template_id", String(26), nullable=False),
    Column("position", Integer, nullable=False),
    Column("design_id", String(26), nullable=False),
    PrimaryKeyConstraint("credential_template_id", "position"),
    UniqueConstraint("credential_template_id", "design_id", name="uq_credential_template_designs_design"),
    same_workspace(
        "credential_template_id",
        "credential_templates",
        name="fk_credential_template_designs_credential_template",
        ondelete="CASCADE",
    ),
    same_workspace("design_id", "designs", name="fk_credential_template_designs_design"),
    Index(None, "design_id"),
)
