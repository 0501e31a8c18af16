from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from testamur.db.schema import JSONText, Timestamp, metadata, same_workspace

email_templates = Table(
    "email_templates",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("name", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Column("sender_name", String(255)),
    Column("reply_to", String(254)),
    # At most one default of a kind; without one the built-in texts are sent.
    Column("is_default", Boolean, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    Index(None, "workspace_id", "created_at", "id"),
)

# Which template a credential template sends instead of the default one.
credential_template_emails = Table(
    "credential_template_emails",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("credential_template_id", String(26), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("email_template_id", String(26), nullable=False),
    PrimaryKeyConstraint("credential_template_id", "kind"),
    same_workspace(
        "credential_template_id",
        "credential_templates",
        name="fk_credential_template_emails_template",
        ondelete="CASCADE",
    ),
    same_workspace("email_template_id", "email_templates", name="fk_credential_template_emails_email"),
)

emails = Table(
    "emails",
    metadata,
    # A mail of the server itself has no workspace and is about no one credential.
    Column("workspace_id", String(26)),
    Column("id", String(26), nullable=False),
    Column("credential_id", String(26)),
    Column("credential_template_id", String(26)),
    Column("kind", String(32), nullable=False),
    Column("intent", String(100), nullable=False),
    Column("to_name", String(255), nullable=False),
    Column("to_address", String(254), nullable=False),
    Column("values", JSONText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    # When to try next; while it is being sent, when to take the attempt for lost.
    Column("next_attempt_at", Timestamp),
    Column("claim", String(26)),
    Column("last_error", String(500)),
    Column("created_at", Timestamp, nullable=False),
    Column("sent_at", Timestamp),
    Column("opened_at", Timestamp),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "intent"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
    Index(None, "state", "next_attempt_at"),
    Index("ix_emails_credential", "credential_id", "created_at"),
    Index(
        "ix_emails_sent_at",
        "sent_at",
        "kind",
        "workspace_id",
        sqlite_where=text("sent_at IS NOT NULL"),
        postgresql_where=text("sent_at IS NOT NULL"),
    ),
)
