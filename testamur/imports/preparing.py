"""A spreadsheet is looked through, kept, and waits to be started."""

import io
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import insert

from testamur.attributes.queries import attribute_types
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.bulk_issuing import Action, CheckedRow, Duplicates, RowChecker
from testamur.credentials.spreadsheets import Sheet, read_sheet
from testamur.db import Transaction
from testamur.designs.queries import has_asset
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.imports.mending import MENDED_AT_ONCE_MAX, store_check, to_found_row
from testamur.imports.model import FoundRow, Import, Preview
from testamur.imports.tables import imports
from testamur.plans import UNLIMITED, Plan
from testamur.text import checked, clean_line
from testamur.workspaces.model import Workspace

FAULTS_SHOWN = 100
SAMPLES_SHOWN = 5
NAME_LENGTH_MAX = 255
_INSERT = insert(imports)


def look_through(
    tx: Transaction,
    workspace: Workspace,
    content: bytes,
    *,
    credential_template_id: str,
    duplicates: Duplicates = "skip",
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    changes: Mapping[int, Mapping[str, str]] | None = None,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> Preview:
    """What would become of a file, with the rows that were mended. It reads all of it and writes nothing, so give it a transaction that only reads.

    Raises Invalid if the file cannot be read, NotFound for the credential template, PaymentRequired.
    """
    plan.require("imports")
    template = _find_template(tx, workspace.id, credential_template_id)
    types = attribute_types(tx, workspace.id)
    has_picture = partial(has_asset, tx, workspace.id)
    checker = RowChecker(workspace, types, template, has_picture=has_picture, duplicates=duplicates, plan=plan)
    sheet = read_sheet(io.BytesIO(content), defined_tags=types, encoding=encoding, mapping=mapping, changes=changes)
    return _look_through(sheet, checker, at=at)


def receive_import(
    tx: Transaction,
    workspace: Workspace,
    *,
    import_id: str,
    credential_template_id: str,
    file_name: str,
    encoding: str | None = None,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> Import:
    """An import of a file that is stored under `file_key` already; somebody is to say what its columns are.

    Raises Invalid for a file name that cannot be used, NotFound for the credential template, PaymentRequired.
    """
    plan.require("imports")
    template = _find_template(tx, workspace.id, credential_template_id)
    return _insert(tx, workspace.id, import_id, template.id, file_name, encoding=encoding, at=at)


def prepare_import(
    tx: Transaction,
    workspace: Workspace,
    preview: Preview,
    *,
    import_id: str,
    credential_template_id: str,
    file_name: str,
    action: Action = "issue",
    duplicates: Duplicates = "skip",
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    at: datetime,
) -> Import:
    """An import of a file that was looked through and is stored under `file_key` already; it waits to be started.

    Raises Invalid for a file name that cannot be used, NotFound for the credential template.
    """
    template = _find_template(tx, workspace.id, credential_template_id)
    _insert(tx, workspace.id, import_id, template.id, file_name, encoding=encoding, action=action, at=at)
    return store_check(
        tx, workspace.id, import_id, preview, revision=0, columns=mapping or {}, duplicates=duplicates, at=at
    )


def _insert(
    tx: Transaction,
    workspace_id: str,
    import_id: str,
    template_id: str,
    file_name: str,
    *,
    encoding: str | None,
    action: Action = "issue",
    at: datetime,
) -> Import:
    made = Import(
        id=import_id,
        workspace_id=workspace_id,
        credential_template_id=template_id,
        file_name=clean_file_name(file_name),
        encoding=encoding,
        columns={},
        action=action,
        duplicates="skip",
        state="uploaded",
        rows=0,
        done=0,
        created=0,
        replaced=0,
        skipped=0,
        faulty=0,
        error=None,
        created_at=at,
        updated_at=at,
        finished_at=None,
    )
    tx.execute(_INSERT, {field: getattr(made, field) for field in made.__struct_fields__})
    return made


def clean_file_name(name: str) -> str:
    """Raises Invalid."""
    return checked("file_name", clean_line, name, length_max=NAME_LENGTH_MAX)


def file_key(workspace_id: str, import_id: str) -> str:
    return f"imports/{workspace_id}/{import_id}"


def _find_template(tx: Transaction, workspace_id: str, given: str) -> CredentialTemplate:
    template_id = normalize_id(given)
    if template_id is None:
        raise NotFound("The credential template does not exist")
    return get_credential_template(tx, workspace_id, template_id)


def _look_through(sheet: Sheet, checker: RowChecker, *, at: datetime) -> Preview:
    count = faulty = 0
    faults: list[tuple[int, str]] = []
    samples: list[dict[str, Any]] = []
    found: list[FoundRow] = []
    for row in sheet.rows:
        count += 1
        outcome = checker.check(row, at=at)
        if isinstance(outcome, CheckedRow):
            if len(samples) < SAMPLES_SHOWN:
                award = outcome.award
                samples.append({field: getattr(award, field) for field in award.__struct_fields__})
        else:
            faulty += 1
            if len(faults) < FAULTS_SHOWN:
                faults.append((outcome.line, outcome.error or ""))
            if len(found) < MENDED_AT_ONCE_MAX:
                found.append(to_found_row(row, outcome))
    return Preview(
        headings=list(sheet.headings),
        columns={sheet.headings[at_]: column for at_, column in sheet.columns.items()},
        ignored=list(sheet.ignored),
        rows=count,
        faulty=faulty,
        faults=faults,
        samples=samples,
        faulty_rows=found,
    )
