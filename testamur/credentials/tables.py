from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from testamur.db.schema import Compressed, JSONText, Timestamp, folded, metadata, same_workspace


def _index_of(name: str, condition: str, *columns: str, also: tuple[str, ...] = ()) -> Index:
    """An index of those rows alone that meet a condition, in the order of some columns.

    It holds what rows are filtered and sorted by: looking each of them up in the table would take ten times as long.
    """
    where = text(condition)
    held = ("id", "credential_template_id", "issue_date", "recipient_name_key", *also)
    return Index(name, "workspace_id", *columns, *held, sqlite_where=where, postgresql_where=where)


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
    # Case-folded, for searching.
    Column("recipient_name_key", folded(600), nullable=False, server_default=""),
    Column("recipient_email_key", folded(600)),
    Column("state", String(16), nullable=False),
    Column("issue_date", Date, nullable=False),
    Column("expiry_date", Date),
    Column("custom_attributes", JSONText, nullable=False),
    # How often it was corrected after it was issued, and one.
    Column("version", Integer, nullable=False, server_default="1"),
    # What makes a row of a spreadsheet the same row when the file is issued again.
    Column("issuing_key", String(100)),
    Column("issued_at", Timestamp),
    Column("scheduled_for", Timestamp),
    Column("is_sent_when_issued", Boolean, nullable=False, server_default=false()),
    Column("revoked_at", Timestamp),
    Column("revocation_reason", String(1000)),
    Column("delivery_state", String(16), nullable=False, server_default="not_sent"),
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
    Index("ix_credentials_template_name", "workspace_id", "credential_template_id", "recipient_name_key", "id"),
    Index("ix_credentials_template_created_at", "workspace_id", "credential_template_id", "created_at", "id"),
    Index("ix_credentials_email_key", "workspace_id", "recipient_email_key"),
    # For the recipient, whose credentials are of any workspace.
    Index("ix_credentials_recipient_email_key", "recipient_email_key"),
    # Browsing: in the order of names and of days, and what is rare among all. The latter hold no other rows, so that
    # they cost nothing where there are none.
    Index("ix_credentials_name", "workspace_id", "recipient_name_key", "id"),
    Index("ix_credentials_issue_date", "workspace_id", "issue_date", "id"),
    Index("ix_credentials_template_issue_date", "workspace_id", "credential_template_id", "issue_date", "id"),
    _index_of("ix_credentials_unissued", "state != 'issued'", "state", "created_at"),
    _index_of("ix_credentials_revoked", "revoked_at IS NOT NULL", "created_at", also=("revoked_at",)),
    _index_of(
        "ix_credentials_expiring",
        "expiry_date IS NOT NULL",
        "expiry_date",
        also=("created_at", "state", "revoked_at"),
    ),
    Index("ix_credentials_expiry_date", "expiry_date"),
    Index("ix_credentials_scheduled_for", "scheduled_for"),
    # For what is counted: alone enough to tell how many there are of each standing, and on which days.
    Index("ix_credentials_standing", "workspace_id", "state", "expiry_date", "revoked_at"),
    Index("ix_credentials_issued_at", "issued_at", "workspace_id"),
    Index(
        "ix_credentials_revoked_at",
        "revoked_at",
        "workspace_id",
        sqlite_where=text("revoked_at IS NOT NULL"),
        postgresql_where=text("revoked_at IS NOT NULL"),
    ),
    Index(
        "ix_credentials_bounced",
        "workspace_id",
        "id",
        sqlite_where=text("delivery_state = 'bounced'"),
        postgresql_where=text("delivery_state = 'bounced'"),
    ),
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
    Column("language", String(35), nullable=False, server_default="en"),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("credential_id", "design_id", "digest"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
    ForeignKeyConstraint(["design_id", "design_version"], ["design_versions.design_id", "design_versions.number"]),
)

# What a corrected credential stated before: one row for each version that another one has superseded.
credential_versions = Table(
    "credential_versions",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("credential_id", String(26), nullable=False),
    Column("number", Integer, nullable=False),
    Column("recipient_name", String(255), nullable=False),
    Column("recipient_email", String(254)),
    Column("issue_date", Date, nullable=False),
    Column("expiry_date", Date),
    Column("custom_attributes", JSONText, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("superseded_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("credential_id", "number"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
)

# What a credential of a template that pins was issued with. Which designs these are stands in JSON, so that issuing
# many writes one row for each; deleting a design looks here first.
credential_pins = Table(
    "credential_pins",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("credential_id", String(26), nullable=False),
    Column("title", String(600), nullable=False),
    Column("designs", JSONText, nullable=False),
    Column("values", JSONText, nullable=False),
    Column("language", String(35), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("credential_id"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
    Index(None, "workspace_id"),
)

# What was signed of a credential that was issued: its newest version, as verifiers get it, never made anew when read.
signed_credentials = Table(
    "signed_credentials",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("credential_id", String(26), nullable=False),
    # The version of the credential that the document states.
    Column("version", Integer, nullable=False),
    # JSON with its embedded proof.
    Column("document", Compressed, nullable=False),
    # The same as a JWT, signed when somebody first asks for it.
    Column("jwt", Text),
    Column("did", String(600), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("list_id", String(26), nullable=False),
    Column("list_index", Integer, nullable=False),
    Column("signed_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("credential_id"),
    UniqueConstraint("list_id", "list_index"),
    same_workspace("credential_id", "credentials", ondelete="CASCADE"),
    same_workspace("list_id", "status_lists", name="fk_signed_credentials_list_id"),
    Index("ix_signed_credentials_key_id", "workspace_id", "key_id"),
)
