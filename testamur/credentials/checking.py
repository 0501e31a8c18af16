"""The check before issuing: what would go wrong in the certificates of a list of recipients, before anything exists.

It sets each recipient's certificates with the engine that will draw them, so what it finds is what would be seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from testamur.credential_templates.model import CredentialTemplate
from testamur.credentials.awards import Award
from testamur.credentials.bulk_issuing import CheckedRow
from testamur.credentials.drafting import new_credential
from testamur.credentials.model import Recipient
from testamur.credentials.values import attribute_values
from testamur.designs.model import Design
from testamur.ids import new_id
from testamur.rendering.renderer import Finding
from testamur.rendering.values import Value
from testamur.workspaces.model import Workspace


class Specimen(msgspec.Struct, frozen=True):
    """One certificate to look at: the row it is for, its design, and what the design would show."""

    line: int
    recipient_name: str
    design: Design
    values: dict[str, Value]


class RowFinding(msgspec.Struct, frozen=True):
    """Something that somebody should look at before the row is issued."""

    line: int
    recipient_name: str
    design: Design | None
    finding: Finding


def specimens(
    workspace: Workspace,
    template: CredentialTemplate,
    designs: Sequence[Design],
    rows: Iterable[CheckedRow],
    base_url: str,
    *,
    at: datetime,
) -> Iterator[Specimen]:
    """What would be drawn for each row, in the order of rows and designs; nothing of it is stored."""
    for row in rows:
        values = _values(workspace, template, row.award, base_url, at=at)
        for design in designs:
            yield Specimen(row.line, row.award.recipient_name, design, values)


def _values(
    workspace: Workspace, template: CredentialTemplate, award: Award, base_url: str, *, at: datetime
) -> dict[str, Value]:
    recipient = Recipient(new_id(), award.recipient_name, award.recipient_email)
    credential = new_credential(workspace.id, template.id, award, recipient, state="draft", at=at)
    return {**attribute_values(credential, template, workspace, base_url)}
