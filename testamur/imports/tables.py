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
    UniqueConstraint,
    true,
)

from testamur.db.schema import JSONText, Timestamp, metadata, same_workspace

imports = Table(
    "imports",
    metadata,
    Column("workspace_id", String(26), ForeignKey("workspaces.id"), nullable=False),
    Column("id", String(26), nullable=False),
    Column("credential_template_id", String(26), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("encoding", String(64)),
    Column("columns", JSONText, nullable=False),
    Column("action", String(16), nullable=False),
    Column("duplicates", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("created", Integer, nullable=False),
    Column("replaced", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("faulty", Integer, nullable=False),
    Column("error", String(500)),
    # Until when the worker that runs it is taken to be alive; each chunk moves it on.
    Column("claimed_until", Timestamp),
    Column("claim", String(26)),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("finished_at", Timestamp),
    # When it is to be started, if that is later than when somebody said so.
    Column("starts_at", Timestamp),
    # Whether the spreadsheet is kept, without which the import cannot go on.
    Column("has_file", Boolean, nullable=False, server_default=true()),
    # How many rows the last check found faulty.
    Column("faults_found", Integer, nullable=False, server_default="0"),
    # Moves with every mended row, so that a check which began before does not tell what was found then.
    Column("revision", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("workspace_id", "id"),
    same_workspace("credential_template_id", "credential_templates"),
    Index(None, "workspace_id", "created_at", "id"),
    Index(None, "state"),
)

import_chunks = Table(
    "import_chunks",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("import_id", String(26), nullable=False),
    Column("number", Integer, nullable=False),
    Column("results", JSONText, nullable=False),
    PrimaryKeyConstraint("import_id", "number"),
    ForeignKeyConstraint(["workspace_id", "import_id"], ["imports.workspace_id", "imports.id"], ondelete="CASCADE"),
)

# Rows that are faulty, and rows that are read as somebody has mended them instead of as the file has them.
import_rows = Table(
    "import_rows",
    metadata,
    Column("workspace_id", String(26), nullable=False),
    Column("import_id", String(26), nullable=False),
    Column("line", Integer, nullable=False),
    # By column: recipient_name, custom.mentor.
    Column("cells", JSONText, nullable=False),
    # What is wrong by column, under no name what is wrong with the row; None if nothing is.
    Column("faults", JSONText),
    Column("is_mended", Boolean, nullable=False),
    PrimaryKeyConstraint("import_id", "line"),
    ForeignKeyConstraint(["workspace_id", "import_id"], ["imports.workspace_id", "imports.id"], ondelete="CASCADE"),
)
