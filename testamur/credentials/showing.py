"""All that a credential's page shows, in two statements: of all that the public asks for, the page is what counts."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Column, bindparam, select

from testamur.credential_templates.model import TemplateDesign
from testamur.credential_templates.queries import template_of
from testamur.credential_templates.tables import credential_template_designs, credential_templates
from testamur.credentials.badges import get_shown_credential
from testamur.credentials.model import Credential
from testamur.credentials.pins import pin_of
from testamur.credentials.queries import COLUMNS, credential_of
from testamur.credentials.renderings import Rendering, following_rendering, pinned_rendering
from testamur.credentials.tables import credential_pins, credentials, renderings
from testamur.credentials.values import attribute_values, types_for
from testamur.db import Transaction
from testamur.designs.model import Design
from testamur.designs.renderers import DrawnVersion, Renderers
from testamur.designs.tables import designs
from testamur.errors import NotFound
from testamur.rendering.values import as_text
from testamur.workspaces.model import Workspace
from testamur.workspaces.tables import workspaces

_PARTS: Sequence[Sequence[Column[Any]]] = (
    COLUMNS,
    list(workspaces.c),
    list(credential_templates.c),
    list(credential_pins.c),
)
# The keys of each part, and where in a row it is.
_ENDS = list(accumulate(len(part) for part in _PARTS))
_PLACES = [
    ([column.key for column in part], slice(end - len(part), end)) for part, end in zip(_PARTS, _ENDS, strict=True)
]
_CREDENTIAL = (
    select(*(column for part in _PARTS for column in part))
    .select_from(credentials)
    .join(workspaces, workspaces.c.id == credentials.c.workspace_id)
    .join(
        credential_templates,
        (credential_templates.c.workspace_id == credentials.c.workspace_id)
        & (credential_templates.c.id == credentials.c.credential_template_id),
    )
    .outerjoin(
        credential_pins,
        (credential_pins.c.workspace_id == credentials.c.workspace_id)
        & (credential_pins.c.credential_id == credentials.c.id),
    )
    .where(credentials.c.public_id == bindparam("public_id"))
)
_WORKSPACE_ID: BindParameter[str] = bindparam("workspace_id")
# Each design as often as there are addresses of pictures of it.
_DESIGNS = (
    select(*designs.c, renderings.c.digest)
    .outerjoin(
        renderings,
        (renderings.c.workspace_id == _WORKSPACE_ID)
        & (renderings.c.credential_id == bindparam("credential_id"))
        & (renderings.c.design_id == designs.c.id),
    )
    .where(designs.c.workspace_id == _WORKSPACE_ID)
)
_OF_TEMPLATE = (
    _DESIGNS.join(credential_template_designs, credential_template_designs.c.design_id == designs.c.id)
    .where(
        credential_template_designs.c.workspace_id == _WORKSPACE_ID,
        credential_template_designs.c.credential_template_id == bindparam("template_id"),
    )
    .order_by(credential_template_designs.c.position)
)
_BY_IDS = _DESIGNS.where(designs.c.id.in_(bindparam("ids", expanding=True)))
_DESIGN_NAMES = [column.key for column in designs.c]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An issued credential, and what is said of it now or, if it is pinned, was said when it was issued."""

    credential: Credential
    workspace: Workspace
    name: str
    issuer_name: str
    description: str | None
    learning_event_url: str | None
    # In the order in which they are shown, each with the version that it draws.
    renderings: list[tuple[Rendering, DrawnVersion]]
    # Whether the addresses of all renderings will be answered already.
    is_recorded: bool


def get_shown(tx: Transaction, public_id: str, base_url: str, renderers: Renderers) -> Shown:
    """For the wallet only. Raises NotFound if it is not there or was not issued yet, Gone if it was deleted."""
    row = tx.execute(_CREDENTIAL, {"public_id": public_id}).one_or_none()
    if row is None or row.state != "issued":
        get_shown_credential(tx, public_id)  # Tells why there is none.
        raise NotFound
    parts = [dict(zip(names, row[place], strict=True)) for names, place in _PLACES]
    credential, workspace = credential_of(parts[0]), Workspace(**parts[1])
    pin = None if parts[3]["credential_id"] is None else pin_of(parts[3])
    place: dict[str, Any] = {"workspace_id": workspace.id, "credential_id": credential.id}
    if pin is None:
        rows = tx.execute(_OF_TEMPLATE, {**place, "template_id": credential.credential_template_id})
    else:
        rows = tx.execute(_BY_IDS, {**place, "ids": [design.id for design in pin.designs]})
    found: dict[str, Design] = {}
    recorded = set()
    for *columns, digest in rows:
        design = Design(**dict(zip(_DESIGN_NAMES, columns, strict=True)))
        found[design.id] = design
        recorded.add((design.id, digest))

    def version(design_id: str, number: int) -> DrawnVersion:
        return renderers.version(tx, workspace.id, design_id, number)

    if pin is None:
        template = template_of(parts[2], tuple(TemplateDesign(design.id, design.type) for design in found.values()))
        values = attribute_values(credential, template, workspace, base_url, types_for(tx, workspace.id, [credential]))
        drawn = [(design, version(design.id, design.version)) for design in found.values()]
        made = [(following_rendering(credential, template, *item, values), item[1]) for item in drawn]
    else:
        drawn = [(found[item.id], version(item.id, item.version)) for item in pin.designs]
        made = [(pinned_rendering(credential, pin, *item), item[1]) for item in drawn]
    return Shown(
        credential=credential,
        workspace=workspace,
        # The page says what the pictures on it say.
        name=parts[2]["name"] if pin is None else as_text(pin.values["group.name"]),
        issuer_name=workspace.name if pin is None else as_text(pin.values["issuer.name"]),
        description=parts[2]["description"],
        learning_event_url=parts[2]["learning_event_url"],
        renderings=made,
        is_recorded=all((item.design.id, item.digest) in recorded for item, _ in made),
    )
