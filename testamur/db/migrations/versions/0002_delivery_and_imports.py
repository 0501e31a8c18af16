"""Interactions, webhooks, emails, imports, idempotency keys, plans; what searching and expiry rules need."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp, folded

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "credential_usage",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_credential_usage_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "year", name="pk_credential_usage"),
    )
    op.create_table(
        "email_templates",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sender_name", sa.String(255), nullable=True),
        sa.Column("reply_to", sa.String(254), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_email_templates_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_email_templates"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_email_templates_workspace_id_id"),
    )
    op.create_index(
        "ix_email_templates_workspace_id_created_at_id",
        "email_templates",
        ["workspace_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_idempotency_keys_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "webhook_endpoints",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("events", JSONText, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_secret_until", Timestamp, nullable=True),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_webhook_endpoints_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoints"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_webhook_endpoints_workspace_id_id"),
    )
    op.create_index(
        "ix_webhook_endpoints_workspace_id_created_at_id",
        "webhook_endpoints",
        ["workspace_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "credential_template_emails",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("credential_template_id", sa.String(26), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("email_template_id", sa.String(26), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_template_id"],
            ["credential_templates.workspace_id", "credential_templates.id"],
            name="fk_credential_template_emails_template",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "email_template_id"],
            ["email_templates.workspace_id", "email_templates.id"],
            name="fk_credential_template_emails_email",
        ),
        sa.PrimaryKeyConstraint("credential_template_id", "kind", name="pk_credential_template_emails"),
    )
    op.create_table(
        "imports",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("credential_template_id", sa.String(26), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("encoding", sa.String(64), nullable=True),
        sa.Column("columns", JSONText, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("duplicates", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("faulty", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(500), nullable=True),
        sa.Column("claimed_until", Timestamp, nullable=True),
        sa.Column("claim", sa.String(26), nullable=True),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("updated_at", Timestamp, nullable=False),
        sa.Column("finished_at", Timestamp, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_template_id"],
            ["credential_templates.workspace_id", "credential_templates.id"],
            name="fk_imports_workspace_id_credential_template_id",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_imports_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_imports_workspace_id_id"),
    )
    op.create_index("ix_imports_state", "imports", ["state"], unique=False)
    op.create_index(
        "ix_imports_workspace_id_created_at_id", "imports", ["workspace_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("endpoint_id", sa.String(26), nullable=False),
        sa.Column("event_id", sa.String(26), nullable=False),
        sa.Column("event_type", sa.String(64), nullable=False),
        sa.Column("resource_id", sa.String(26), nullable=False),
        sa.Column("event_created_at", Timestamp, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Timestamp, nullable=True),
        sa.Column("claim", sa.String(26), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(500), nullable=True),
        sa.Column("finished_at", Timestamp, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "endpoint_id"],
            ["webhook_endpoints.workspace_id", "webhook_endpoints.id"],
            name="fk_webhook_deliveries_workspace_id_endpoint_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("workspace_id", "id", name="uq_webhook_deliveries_workspace_id_id"),
    )
    op.create_index(
        "ix_webhook_deliveries_endpoint", "webhook_deliveries", ["endpoint_id", "event_created_at", "id"], unique=False
    )
    op.create_index(
        "ix_webhook_deliveries_state_next_attempt_at", "webhook_deliveries", ["state", "next_attempt_at"], unique=False
    )
    op.create_table(
        "credential_interactions",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("event_type", sa.String(64), nullable=False),
        sa.Column("triggered_by", sa.String(16), nullable=False),
        sa.Column("triggered_at", Timestamp, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_id"],
            ["credentials.workspace_id", "credentials.id"],
            name="fk_credential_interactions_workspace_id_credential_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credential_interactions"),
    )
    op.create_index(
        "ix_credential_interactions_credential",
        "credential_interactions",
        ["credential_id", "triggered_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credential_interactions_workspace_id_triggered_at_id",
        "credential_interactions",
        ["workspace_id", "triggered_at", "id"],
        unique=False,
    )
    op.create_table(
        "emails",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("credential_template_id", sa.String(26), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("intent", sa.String(100), nullable=False),
        sa.Column("to_name", sa.String(255), nullable=False),
        sa.Column("to_address", sa.String(254), nullable=False),
        sa.Column("values", JSONText, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Timestamp, nullable=True),
        sa.Column("claim", sa.String(26), nullable=True),
        sa.Column("last_error", sa.String(500), nullable=True),
        sa.Column("created_at", Timestamp, nullable=False),
        sa.Column("sent_at", Timestamp, nullable=True),
        sa.Column("opened_at", Timestamp, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "credential_id"],
            ["credentials.workspace_id", "credentials.id"],
            name="fk_emails_workspace_id_credential_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_emails"),
        sa.UniqueConstraint("workspace_id", "intent", name="uq_emails_workspace_id_intent"),
    )
    op.create_index("ix_emails_credential", "emails", ["credential_id", "created_at"], unique=False)
    op.create_index("ix_emails_state_next_attempt_at", "emails", ["state", "next_attempt_at"], unique=False)
    op.create_table(
        "import_chunks",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("import_id", sa.String(26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("results", JSONText, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "import_id"],
            ["imports.workspace_id", "imports.id"],
            name="fk_import_chunks_workspace_id_import_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name="pk_import_chunks"),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("workspace_id", sa.String(26), nullable=False),
        sa.Column("delivery_id", sa.String(26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Timestamp, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(500), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "delivery_id"],
            ["webhook_deliveries.workspace_id", "webhook_deliveries.id"],
            name="fk_webhook_attempts_workspace_id_delivery_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", "at", name="pk_webhook_attempts"),
    )
    op.add_column("credential_templates", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("credential_templates", sa.Column("criteria", sa.Text(), nullable=True))
    op.add_column("credential_templates", sa.Column("expiry_rule", JSONText, nullable=True))
    op.add_column(
        "credentials",
        sa.Column(
            "recipient_name_key",
            folded(600),
            server_default="",
            nullable=False,
        ),
    )
    op.add_column(
        "credentials",
        sa.Column(
            "recipient_email_key",
            folded(600),
            nullable=True,
        ),
    )
    op.add_column("credentials", sa.Column("scheduled_for", Timestamp, nullable=True))
    op.add_column(
        "credentials", sa.Column("is_sent_when_issued", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("credentials", sa.Column("revoked_at", Timestamp, nullable=True))
    op.add_column("credentials", sa.Column("revocation_reason", sa.String(1000), nullable=True))
    op.add_column("credentials", sa.Column("delivery_state", sa.String(16), server_default="not_sent", nullable=False))
    op.create_index("ix_credentials_email_key", "credentials", ["workspace_id", "recipient_email_key"], unique=False)
    op.create_index("ix_credentials_expiry_date", "credentials", ["expiry_date"], unique=False)
    op.create_index("ix_credentials_scheduled_for", "credentials", ["scheduled_for"], unique=False)
    op.create_index(
        "ix_credentials_template_created_at",
        "credentials",
        ["workspace_id", "credential_template_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_credentials_template_name",
        "credentials",
        ["workspace_id", "credential_template_id", "recipient_name_key", "created_at"],
        unique=False,
    )
    op.add_column("workspaces", sa.Column("plan", sa.String(64), nullable=True))
    _fold_names()


def _fold_names() -> None:
    """Credentials that are there already become searchable too; folding is Python's, so it is done here."""
    connection = op.get_bind()
    read = sa.text(
        "SELECT id, recipient_name, recipient_email FROM credentials WHERE id > :after ORDER BY id LIMIT 1000"
    )
    fold = sa.text("UPDATE credentials SET recipient_name_key = :name, recipient_email_key = :email WHERE id = :id")
    after = ""
    while rows := connection.execute(read, {"after": after}).all():
        for row in rows:
            email = None if row.recipient_email is None else row.recipient_email.casefold()
            connection.execute(fold, {"id": row.id, "name": row.recipient_name.casefold(), "email": email})
        after = rows[-1].id
