"""What a credential was issued with, if its template pins: design versions, and the value of every attribute.

A pin is written in the transaction that issues, on every way of issuing. Whatever is done to designs, template and
issuer afterwards, the credential goes on looking as it was issued.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.model import Credential
from testamur.credentials.tables import credential_pins
from testamur.credentials.values import attribute_values, types_for
from testamur.db import Transaction
from testamur.db.bulk import insert_many
from testamur.designs.queries import hold_designs
from testamur.errors import Conflict
from testamur.rendering.values import Value, as_text, decode_values, encode_values
from testamur.workspaces.model import Workspace

# What begins so is said of the credential itself, and a correction of it changes it; the rest stays as issued.
_OWN = ("recipient.", "certificate.", "custom.")

_PINS = select(credential_pins).where(
    credential_pins.c.workspace_id == bindparam("workspace_id"),
    credential_pins.c.credential_id.in_(bindparam("credential_ids", expanding=True)),
)
_RENEW = (
    update(credential_pins)
    .where(
        credential_pins.c.workspace_id == bindparam("of_workspace"),
        credential_pins.c.credential_id == bindparam("of_credential"),
    )
    .values(title=bindparam("new_title"), values=bindparam("new_values"), created_at=bindparam("at"))
)


class PinnedDesign(msgspec.Struct, frozen=True):
    """One version of a design."""

    id: str
    version: int


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """What a credential shows; `designs` are in the order in which they are shown."""

    workspace_id: str
    credential_id: str
    title: str
    designs: tuple[PinnedDesign, ...]
    values: dict[str, Value]
    language: str
    created_at: datetime


def pin_credentials(
    tx: Transaction,
    workspace: Workspace,
    template: CredentialTemplate,
    issued: Sequence[Credential],
    *,
    base_url: str,
    at: datetime,
) -> None:
    """Bind credentials of a template, which are just being issued, to what they show now, if the template pins.

    Raises Conflict if a design of the template has been deleted since the template was read.
    """
    if template.design_policy != "pinned" or not issued:
        return
    versions = hold_designs(tx, workspace.id, template.design_ids)
    if len(versions) != len(template.designs):
        raise Conflict(f'The designs of "{template.name}" are being changed; try again')
    pinned = [PinnedDesign(design_id, versions[design_id]) for design_id in template.design_ids]
    types = types_for(tx, workspace.id, issued)
    rows = []
    for credential in issued:
        values = attribute_values(credential, template, workspace, base_url, types)
        row = {
            "workspace_id": workspace.id,
            "credential_id": credential.id,
            "title": _title(values),
            "designs": pinned,
            "values": encode_values(values),
            "language": template.language,
            "created_at": at,
        }
        rows.append(row)
    insert_many(tx, credential_pins, rows)


def renew_pin(tx: Transaction, workspace: Workspace, corrected: Credential, *, at: datetime) -> None:
    """Carry a correction into the credential's pin, if it has one: its own values change and nothing else."""
    pin = find_pin(tx, workspace.id, corrected.id)
    if pin is None:
        return
    template = get_credential_template(tx, workspace.id, corrected.credential_template_id)
    # Without an address: the credential's page is none of its own values.
    now = attribute_values(corrected, template, workspace, "", types_for(tx, workspace.id, [corrected]))
    values = {tag: value for tag, value in pin.values.items() if not tag.startswith(_OWN)}
    values |= {tag: value for tag, value in now.items() if tag.startswith(_OWN)}
    place = {"of_workspace": workspace.id, "of_credential": corrected.id}
    tx.execute(_RENEW, {**place, "new_title": _title(values), "new_values": encode_values(values), "at": at})


def find_pin(tx: Transaction, workspace_id: str, credential_id: str) -> Pin | None:
    return find_pins(tx, workspace_id, [credential_id]).get(credential_id)


def find_pins(tx: Transaction, workspace_id: str, credential_ids: Collection[str]) -> dict[str, Pin]:
    """The pins of those of the credentials that have one, by the credential's id."""
    rows = tx.execute(_PINS, {"workspace_id": workspace_id, "credential_ids": list(credential_ids)})
    return {row.credential_id: pin_of(dict(row._mapping)) for row in rows}  # noqa: SLF001


def pin_of(columns: dict[str, Any]) -> Pin:
    """A pin of the values of its table's columns; the dict is used up."""
    values = decode_values(columns.pop("values"))
    designs = msgspec.convert(columns.pop("designs"), tuple[PinnedDesign, ...])
    return Pin(**columns, designs=designs, values=values)


def _title(values: Mapping[str, Value]) -> str:
    return f"{as_text(values['group.name'])} - {as_text(values['recipient.name'])}"
