from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Column, Table, bindparam, select, tuple_
from stream_zip import ZIP_64, MemberFile, stream_zip

from testamur.accounts.model import Member
from testamur.accounts.queries import list_members
from testamur.db import Database, Transaction
from testamur.db.schema import metadata
from testamur.storage import Storage
from testamur.text import csv_line
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import get_workspace

# Secrets, and what only means something while the server works on it.
LEFT_OUT_COLUMNS = frozenset(
    {
        "secret",
        "previous_secret",
        "secret_hash",
        "sealed",
        "sealed_private_key",
        "sealed_secret",
        "claim",
        "claimed_until",
    }
)
LEFT_OUT_TABLES = frozenset({"idempotency_keys"})
# Files of a workspace by where they are stored; what is rendered can be made again from the rest.
_FILES = {"assets": "assets/{workspace}/{digest}", "fonts": "fonts/{workspace}/{digest}"}
_ROWS_PER_PAGE = 500
_FILE_MODE = 0o100644
_README = """All data of the workspace {name} ({slug}), taken on {moment}.

data/NAME.jsonl   one row of the table NAME in each line, as JSON; moments are in UTC
credentials.csv   the credentials, for a spreadsheet program
signed/ID.json    each signed credential (Open Badges 3.0), which anybody can verify
files/            pictures and fonts under the digest of their bytes (SHA-256)

Secrets are left out: access tokens, secrets of webhooks, private keys.
"""


def tables_of_workspaces() -> list[Table]:
    """Every table whose rows belong to a workspace, those that others refer to first."""
    return [table for table in metadata.sorted_tables if "workspace_id" in table.c]


def export_workspace(database: Database, storage: Storage, workspace_id: str, *, at: datetime) -> Iterable[bytes]:
    """A ZIP of all data, made while it is read: memory does not grow with it, and no transaction stays open.

    Raises NotFound.
    """
    with database.read() as tx:
        workspace = get_workspace(tx, workspace_id)
        members = list_members(tx, workspace_id)
    moment = at.astimezone(UTC).replace(tzinfo=None)

    def files() -> Iterator[MemberFile]:
        for name, content in _files(database, storage, workspace, members, at):
            yield name, moment, _FILE_MODE, ZIP_64, content

    return stream_zip(files(), chunk_size=65536)


def _files(
    database: Database, storage: Storage, workspace: Workspace, members: list[Member], at: datetime
) -> Iterator[tuple[str, Iterable[bytes]]]:
    readme = _README.format(name=workspace.name, slug=workspace.slug, moment=f"{at:%Y-%m-%d %H:%M} UTC")
    yield "README.txt", [readme.encode()]
    yield "data/workspace.jsonl", _lines([workspace])
    yield "data/members.jsonl", _lines(members)
    for table in tables_of_workspaces():
        if table.name not in LEFT_OUT_TABLES:
            yield f"data/{table.name}.jsonl", _lines(_rows(database, table, workspace.id))
    yield "credentials.csv", _as_csv(database, workspace.id)
    for row in _rows(database, metadata.tables["signed_credentials"], workspace.id):
        if row["document"] is not None:
            yield f"signed/{row['credential_id']}-{row['version']}.json", [row["document"]]
    for name, pattern in _FILES.items():
        for row in _rows(database, metadata.tables[name], workspace.id):
            content = storage.read(pattern.format(workspace=workspace.id, digest=row["digest"]))
            if content is not None:
                yield f"files/{name}/{row['digest']}", [content]


def _rows(database: Database, table: Table, workspace_id: str) -> Iterator[dict[str, Any]]:
    """The rows of a workspace page by page, each page in a transaction of its own."""
    columns = [column for column in table.c if column.key not in LEFT_OUT_COLUMNS | {"workspace_id"}]
    key: list[Column[Any]] = [column for column in table.primary_key.columns if column.key != "workspace_id"]
    if not key:
        with database.read() as tx:
            yield from _read(tx, select(*columns).where(table.c.workspace_id == workspace_id), {}, columns)
        return
    first = (
        select(*columns, *(column.label(f"key_{index}") for index, column in enumerate(key)))
        .where(table.c.workspace_id == bindparam("of_workspace"))
        .order_by(*key)
        .limit(_ROWS_PER_PAGE)
    )
    place = [bindparam(f"after_{index}", type_=column.type) for index, column in enumerate(key)]
    following = first.where(tuple_(*key) > tuple_(*place))
    values: dict[str, Any] = {"of_workspace": workspace_id}
    statement = first
    while True:
        with database.read() as tx:
            found = tx.execute(statement, values).all()
        for row in found:
            yield {column.key: row[index] for index, column in enumerate(columns)}
        if len(found) < _ROWS_PER_PAGE:
            return
        values |= {f"after_{index}": value for index, value in enumerate(found[-1][len(columns) :])}
        statement = following


def _read(tx: Transaction, statement: Any, values: dict[str, Any], columns: list[Column[Any]]) -> list[dict[str, Any]]:
    return [{column.key: row[index] for index, column in enumerate(columns)} for row in tx.execute(statement, values)]


def _lines(rows: Iterable[Any]) -> Iterator[bytes]:
    for row in rows:
        yield msgspec.json.encode(row, enc_hook=_encoded) + b"\n"


def _encoded(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else str(value)


def _as_csv(database: Database, workspace_id: str) -> Iterator[bytes]:
    table = metadata.tables["credentials"]
    names = ["id", "public_id", "credential_template_id", "recipient_name", "recipient_email", "state", "issue_date"]
    names += ["expiry_date", "issued_at", "revoked_at", "revocation_reason"]
    yield b"\xef\xbb\xbf" + csv_line(names).encode()  # Spreadsheet programs take it for UTF-8 by these bytes.
    for row in _rows(database, table, workspace_id):
        cells = ["" if row[name] is None else str(row[name]) for name in names]
        yield csv_line(cells).encode()
