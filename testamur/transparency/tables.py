from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from testamur.db.schema import JSONText, Timestamp, metadata

# On SQLite only a plain INTEGER is numbered by the database.
_Number = BigInteger().with_variant(Integer, "sqlite")

# What was done and is not in the tree yet, in the order of its doing.
log_pending = Table(
    "log_pending",
    metadata,
    Column("id", _Number, nullable=False, autoincrement=True),
    Column("kind", String(16), nullable=False),
    # Pairs of subject and digest: what was done at once is one row.
    Column("entries", JSONText, nullable=False),
    Column("entry_count", Integer, nullable=False),
    Column("recorded_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id"),
)

# The leaves of the tree. Their bytes follow from these columns.
log_entries = Table(
    "log_entries",
    metadata,
    Column("index", _Number, nullable=False, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("time", String(20), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("index"),
    Index(None, "subject", "index"),
    Index(None, "digest", "index"),
)

# The roots of all complete subtrees; those of level 0 are the hashes of the leaves.
log_nodes = Table(
    "log_nodes",
    metadata,
    # One number for level and index: where the node stands when the tree is read from left to right.
    Column("position", _Number, nullable=False, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("position"),
)

log_heads = Table(
    "log_heads",
    metadata,
    Column("size", _Number, nullable=False, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("size"),
)

# What heads are signed with. The log goes by the server's address, so it has another key at another address.
log_keys = Table(
    "log_keys",
    metadata,
    Column("origin", String(500), nullable=False),
    Column("public_key", JSONText, nullable=False),
    # Encrypted.
    Column("sealed_private_key", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("origin"),
)
