"""Workspaces, access tokens, attributes, designs, credential templates and credentials."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("website_url", sa.String(2048)),
        sa.Column("support_email", sa.String(254)),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sa.UniqueConstraint("slug", name="uq_workspaces_slug"),
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("secret_end", sa.String(4), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("last_used_at", Timestamp),
        sa.Column("revoked_at", Timestamp),
        sa.PrimaryKeyConstraint("id", name="pk_access_tokens"),
        sa.UniqueConstraint("secret_hash", name="uq_access_tokens_secret_hash"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_access_tokens_workspace_id"),
    )
    op.create_index("ix_access_tokens_workspace_id_created_at", "access_tokens", ["workspace_id", "created_at"])
    op.create_table(
        "attributes",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("tag", sa.String(100), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attributes"),
        sa.UniqueConstraint("workspace_id", "tag", name="uq_attributes_workspace_id_tag"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_attributes_workspace_id"),
    )
    op.create_table(
        "assets",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("width_px", sa.Integer, nullable=False),
        sa.Column("height_px", sa.Integer, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "digest", name="pk_assets"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_assets_workspace_id"),
    )
    op.create_table(
        "designs",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("starter", sa.String(64)),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_designs"),
        # The target of composite foreign keys, which keep rows of two workspaces from being joined.
        sa.UniqueConstraint("workspace_id", "id", name="uq_designs_workspace_id_id"),
        sa.UniqueConstraint("workspace_id", "starter", name="uq_designs_workspace_id_starter"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_designs_workspace_id"),
    )
    op.create_index("ix_designs_workspace_id_created_at_id", "designs", ["workspace_id", "created_at", "id"])
    op.create_table(
        "design_versions",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("design_id", sa.String(26), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("tags", JSONText, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("design_id", "number", name="pk_design_versions"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "design_id"],
            ["designs.workspace_id", "designs.id"],
            name="fk_design_versions_workspace_id_design_id",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "credential_templates",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("learning_event_url", sa.String(2048)),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_credential_templates"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_credential_templates_workspace_id_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_credential_templates_workspace_id"),
    )
    op.create_index(
        "ix_credential_templates_workspace_id_created_at_id",
        "credential_templates",
        ["workspace_id", "created_at", "id"],
    )
    op.create_table(
        "credential_template_designs",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("credential_template_id", sa.String(26), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("design_id", sa.String(26), nullable=False),
        sa.PrimaryKeyConstraint("credential_template_id", "position", name="pk_credential_template_designs"),
        sa.UniqueConstraint("credential_template_id", "design_id", name="uq_credential_template_designs_design"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_template_id"],
            ["credential_templates.workspace_id", "credential_templates.id"],
            name="fk_credential_template_designs_credential_template",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "design_id"],
            ["designs.workspace_id", "designs.id"],
            name="fk_credential_template_designs_design",
        ),
    )
    op.create_index("ix_credential_template_designs_design_id", "credential_template_designs", ["design_id"])
    op.create_table(
        "recipients",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(254)),
        sa.Column("email_key", sa.String(254)),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recipients"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_recipients_workspace_id_id"),
        sa.UniqueConstraint("workspace_id", "email_key", name="uq_recipients_workspace_id_email_key"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_recipients_workspace_id"),
    )
    op.create_table(
        "credentials",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("credential_template_id", sa.String(26), nullable=False),
        sa.Column("recipient_id", sa.String(26), nullable=False),
        sa.Column("recipient_name", sa.String(255), nullable=False),
        sa.Column("recipient_email", sa.String(254)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("issue_date", sa.Date, nullable=False),
        sa.Column("expiry_date", sa.Date),
        sa.Column("custom_attributes", JSONText, nullable=False),
        sa.Column("issuing_key", sa.String(100)),
        sa.Column("issued_at", Timestamp),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_credentials_workspace_id_id"),
        sa.UniqueConstraint("public_id", name="uq_credentials_public_id"),
        sa.UniqueConstraint(
            "credential_template_id", "issuing_key", name="uq_credentials_credential_template_id_issuing_key"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_template_id"],
            ["credential_templates.workspace_id", "credential_templates.id"],
            name="fk_credentials_workspace_id_credential_template_id",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "recipient_id"],
            ["recipients.workspace_id", "recipients.id"],
            name="fk_credentials_workspace_id_recipient_id",
        ),
    )
    op.create_index("ix_credentials_workspace_id_created_at_id", "credentials", ["workspace_id", "created_at", "id"])
    op.create_index("ix_credentials_recipient_id", "credentials", ["recipient_id"])
    op.create_table(
        "renderings",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("design_id", sa.String(26), nullable=False),
        sa.Column("digest", sa.String(43), nullable=False),
        sa.Column("design_version", sa.Integer, nullable=False),
        sa.Column("title", sa.String(600), nullable=False),
        sa.Column("values", JSONText, nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.PrimaryKeyConstraint("credential_id", "design_id", "digest", name="pk_renderings"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_id"],
            ["credentials.workspace_id", "credentials.id"],
            name="fk_renderings_workspace_id_credential_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["design_id", "design_version"],
            ["design_versions.design_id", "design_versions.number"],
            name="fk_renderings_design_id_design_version",
        ),
    )
