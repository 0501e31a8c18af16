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
    false,
)

from testamur.db.schema import Timestamp, metadata

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", String(26), nullable=False),
    Column("name", String(255), nullable=False),
    Column("slug", String(63), nullable=False),
    Column("website_url", String(2048)),
    Column("support_email", String(254)),
    Column("description", Text),
    Column("logo_url", String(2048)),
    # #rrggbb: what the issuer's pages are coloured with.
    Column("brand_color", String(7)),
    Column("time_zone", String(64), nullable=False),
    # What signed credentials say of recipients, and whether search engines may list their pages.
    Column("names_in_credentials", String(16), nullable=False, server_default="plain"),
    Column("emails_in_credentials", String(16), nullable=False, server_default="hashed"),
    Column("is_indexed", Boolean, nullable=False, server_default=false()),
    # The name of a plan in the plans file; a workspace without one is unlimited.
    Column("plan", String(64)),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    # Closed for everybody, and when all that it held was removed.
    Column("closed_at", Timestamp),
    Column("erased_at", Timestamp),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("slug"),
)

# Every slug that a workspace has or had: addresses of documents hold it, so nobody else ever gets it.
workspace_slugs = Table(
    "workspace_slugs",
    metadata,
    Column("slug", String(63), nullable=False),
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("slug"),
)

# Every DID that a workspace has signed under.
issuer_identities = Table(
    "issuer_identities",
    metadata,
    Column("did", String(600), nullable=False),
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    # Host and port of the server at that time, lower-case, and the workspace's slug.
    Column("host", String(260), nullable=False),
    Column("slug", String(63), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("did"),
    Index(None, "workspace_id", "slug"),
)

# How many credentials a workspace has issued in a calendar year; deleting one gives nothing back.
credential_usage = Table(
    "credential_usage",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("year", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "year"),
)

# The certificate that a workspace signs its PDFs with, at most one.
pdf_certificates = Table(
    "pdf_certificates",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    # Encrypted: the key, the certificate and its chain.
    Column("sealed", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("serial", String(64), nullable=False),
    Column("not_after", Timestamp, nullable=False),
    Column("fingerprint_sha256", String(64), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("workspace_id"),
)
