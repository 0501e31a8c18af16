from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from testamur.db.schema import Timestamp, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(26), nullable=False),
    Column("email", String(254), nullable=False),
    # The address in the form under which it is one account.
    Column("email_key", String(254), nullable=False),
    Column("name", String(255), nullable=False),
    Column("language", String(16)),
    Column("theme", String(8)),
    # argon2id, with its parameters; none for somebody who signs in by passkey only, or was invited and not here yet.
    Column("password_hash", String(255)),
    # Encrypted. It counts once it was confirmed with a first code.
    Column("totp_secret", Text),
    Column("has_second_factor", Boolean, nullable=False, server_default=false()),
    # The time step of the last code that was taken: each works once.
    Column("totp_last_step", BigInteger),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("email_key"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("workspace_id", "account_id"),
    Index(None, "account_id"),
)

account_sessions = Table(
    "account_sessions",
    metadata,
    Column("id", String(26), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("user_agent", String(255), nullable=False),
    Column("client", String(64), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # When they last proved who they are: by signing in, or again before something that matters.
    Column("confirmed_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("secret_hash"),
    Index(None, "account_id"),
    Index(None, "expires_at"),
)

# A new password, a changed address (both come by mail), or the second step of signing in (a cookie). Each works once.
account_links = Table(
    "account_links",
    metadata,
    Column("secret_hash", String(64), nullable=False),
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", String(16), nullable=False),
    # The new address, if it is about one.
    Column("email", String(254)),
    # How many codes were tried, of a second step.
    Column("attempts", Integer, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("secret_hash"),
    Index(None, "account_id"),
    Index(None, "expires_at"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    PrimaryKeyConstraint("account_id", "secret_hash"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String(26), nullable=False),
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("credential_id", String(1400), nullable=False),
    # The attested credential data of WebAuthn: the key's kind, its id and its public part.
    Column("credential_data", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(255), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("credential_id"),
    Index(None, "account_id"),
)

# What a device shall sign, once: asked for before signing in, or by an account that registers a passkey.
passkey_challenges = Table(
    "passkey_challenges",
    metadata,
    Column("challenge_hash", String(64), nullable=False),
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE")),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("challenge_hash"),
    Index(None, "expires_at"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String(26), nullable=False),
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    # None until its mail is sent, which makes the link.
    Column("secret_hash", String(64)),
    Column("email", String(254), nullable=False),
    Column("email_key", String(254), nullable=False),
    Column("role", String(16), nullable=False),
    Column("invited_by", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("secret_hash"),
    UniqueConstraint("workspace_id", "email_key"),
    Index(None, "expires_at"),
)
