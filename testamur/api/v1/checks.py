from collections.abc import Callable, Iterable
from itertools import islice

from testamur.api.v1.operations import Call, Operation, Parameter
from testamur.attributes.queries import attribute_types
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.bulk_issuing import CheckedRow, Duplicates, RowChecker, RowResult
from testamur.credentials.checking import AwardCheck
from testamur.credentials.spreadsheets import FaultyRow, SheetRow, read_sheet
from testamur.db import Transaction
from testamur.designs.queries import has_asset
from testamur.errors import Conflict, Invalid
from testamur.imports.mending import mended_rows
from testamur.imports.preparing import file_key
from testamur.imports.queries import get_import
from testamur.wire.v1.checks import CheckItem, CheckItems, WireCheck, WireFinding, to_finding, to_invalid, to_row
from testamur.wire.v1.decoding import convert_object

ROWS_MAX = 1000


def check_group(call: Call) -> WireCheck:
    template_id, body = call.id, call.body(CheckItems)
    if not 1 <= len(body.items) <= ROWS_MAX:
        raise Invalid(f"Must be 1 to {ROWS_MAX} items, are {len(body.items)}", ("items",))
    rows: list[SheetRow | FaultyRow] = []
    for number, item in enumerate(body.items, start=1):
        try:
            rows.append(to_row(number, convert_object(item, CheckItem)))
        except Invalid as error:
            rows.append(FaultyRow(number, error.message))
    with call.platform.database.read() as tx:
        template = get_credential_template(tx, call.workspace.id, template_id)
        check = _opened(call, tx, template, "allow")
    return WireCheck(checked=len(rows), findings=check(rows))


def check_import(call: Call) -> WireCheck:
    first = _first_row(call.query.get("fromRow"))
    with call.platform.database.read() as tx:
        found = get_import(tx, call.workspace.id, call.id)
        template = get_credential_template(tx, call.workspace.id, found.credential_template_id)
        types = attribute_types(tx, call.workspace.id)
        changes = mended_rows(tx, call.workspace.id, found.id)
        check = _opened(call, tx, template, found.duplicates)
    file = call.platform.storage.open(file_key(call.workspace.id, found.id))
    if file is None:
        raise Conflict("The import is over, and its file is gone")
    with file:
        sheet = read_sheet(file, defined_tags=types, encoding=found.encoding, mapping=found.columns, changes=changes)
        wanted = (row for row in sheet.rows if row.line >= first)
        rows = list(islice(wanted, ROWS_MAX))
        following = next(wanted, None)
    return WireCheck(checked=len(rows), findings=check(rows), next_row=None if following is None else following.line)


def _opened(
    call: Call, tx: Transaction, template: CredentialTemplate, duplicates: Duplicates
) -> Callable[[Iterable[SheetRow | FaultyRow]], list[WireFinding]]:
    """A check of rows that is to be called outside of transactions."""
    types = attribute_types(tx, call.workspace.id)
    database, workspace_id = call.platform.database, call.workspace.id

    def has_picture(digest: str) -> bool:
        with database.read() as reading:
            return has_asset(reading, workspace_id, digest)

    checker = RowChecker(
        call.workspace, types, template, has_picture=has_picture, duplicates=duplicates, plan=call.plan
    )
    awards = AwardCheck(tx, call.platform.renderers, call.workspace, template, call.base_url)

    def check(rows: Iterable[SheetRow | FaultyRow]) -> list[WireFinding]:
        outcomes = [checker.check(row, at=call.at) for row in rows]
        checked = [outcome for outcome in outcomes if isinstance(outcome, CheckedRow)]
        findings = [to_invalid(outcome) for outcome in outcomes if isinstance(outcome, RowResult)]
        for _, found in awards.check(checked, at=call.at):
            findings += [to_finding(finding) for finding in found]
        return sorted(findings, key=lambda finding: finding.row)

    return check


def _first_row(given: str | None) -> int:
    if not given:
        return 1
    if not given.isdecimal() or len(given) > 9:
        raise Invalid("Must be the number of a line", ("fromRow",))
    return int(given)


OPERATIONS = [
    Operation(
        method="POST",
        path="/groups/{id}/check",
        name="checkGroup",
        is_long=True,
        summary="Check a list of recipients before issuing",
        description="Sets each recipient's certificates and tells which texts would be too long for their boxes, which "
        "attributes have no value and which letters no font has. Nothing is made.",
        tag="Credential templates",
        run=check_group,
        body=CheckItems,
        answer=WireCheck,
        errors=(404, 503),
        is_extension=True,
    ),
    Operation(
        method="GET",
        path="/imports/{id}/check",
        name="checkImport",
        is_long=True,
        summary="Check an uploaded spreadsheet before it is started",
        description=f"The same for the rows of an import, {ROWS_MAX} at a time.",
        tag="Imports",
        run=check_import,
        parameters=(Parameter("fromRow", "The line to begin with; the first one if left out."),),
        answer=WireCheck,
        errors=(404, 409, 503),
        is_extension=True,
    ),
]
