from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET
from sqlalchemy import bindparam, delete, insert, update

from testamur.credential_templates.model import CredentialTemplate, TemplateDesign
from testamur.credential_templates.queries import get_credential_template
from testamur.credential_templates.tables import credential_template_designs, credential_templates
from testamur.db import Transaction
from testamur.designs.queries import find_designs
from testamur.errors import Invalid, NotFound
from testamur.ids import new_id, normalize_id
from testamur.text import checked, clean_line, clean_url

NAME_LENGTH_MAX = 255
DESIGNS_MAX = 50

_INSERT = insert(credential_templates)
_INSERT_DESIGNS = insert(credential_template_designs)
_UPDATE = (
    update(credential_templates)
    .where(
        credential_templates.c.workspace_id == bindparam("of_workspace"),
        credential_templates.c.id == bindparam("template_id"),
    )
    .values(
        name=bindparam("new_name"),
        learning_event_url=bindparam("new_learning_event_url"),
        updated_at=bindparam("new_updated_at"),
    )
)
_DELETE_DESIGNS = delete(credential_template_designs).where(
    credential_template_designs.c.workspace_id == bindparam("of_workspace"),
    credential_template_designs.c.credential_template_id == bindparam("template_id"),
)


def create_credential_template(
    tx: Transaction,
    workspace_id: str,
    *,
    name: str,
    design_ids: Sequence[str],
    learning_event_url: str | None = None,
    at: datetime,
) -> CredentialTemplate:
    """A new template with its designs in the order given.

    Raises Invalid for a value that cannot be used, NotFound for a design that is not the workspace's.
    """
    template = CredentialTemplate(
        id=new_id(),
        workspace_id=workspace_id,
        name=checked("name", clean_line, name, length_max=NAME_LENGTH_MAX),
        learning_event_url=_checked_event_url(learning_event_url),
        designs=_checked_designs(tx, workspace_id, design_ids),
        created_at=at,
        updated_at=at,
    )
    row = {
        "workspace_id": workspace_id,
        "id": template.id,
        "name": template.name,
        "learning_event_url": template.learning_event_url,
        "created_at": at,
        "updated_at": at,
    }
    tx.execute(_INSERT, row)
    _insert_designs(tx, template)
    return template


def update_credential_template(
    tx: Transaction,
    workspace_id: str,
    template_id: str,
    *,
    name: str | None = None,
    design_ids: Sequence[str] | None = None,
    learning_event_url: str | msgspec.UnsetType | None = UNSET,
    at: datetime,
) -> CredentialTemplate:
    """The template with some values replaced (None and UNSET leave one as it is; None clears the URL).

    `updated_at` moves only if something really changed. Raises as `create_credential_template` does.
    """
    before = get_credential_template(tx, workspace_id, template_id)
    after = msgspec.structs.replace(
        before,
        name=before.name if name is None else checked("name", clean_line, name, length_max=NAME_LENGTH_MAX),
        designs=before.designs if design_ids is None else _checked_designs(tx, workspace_id, design_ids),
        learning_event_url=before.learning_event_url
        if learning_event_url is UNSET
        else _checked_event_url(learning_event_url),
    )
    if after == before:
        return before
    after = msgspec.structs.replace(after, updated_at=at)
    place = {"of_workspace": workspace_id, "template_id": template_id}
    values = {
        "new_name": after.name,
        "new_learning_event_url": after.learning_event_url,
        "new_updated_at": after.updated_at,
    }
    tx.execute(_UPDATE, {**place, **values})
    if after.designs != before.designs:
        tx.execute(_DELETE_DESIGNS, place)
        _insert_designs(tx, after)
    return after


def _insert_designs(tx: Transaction, template: CredentialTemplate) -> None:
    rows = [
        {
            "workspace_id": template.workspace_id,
            "credential_template_id": template.id,
            "position": position,
            "design_id": design.id,
        }
        for position, design in enumerate(template.designs)
    ]
    tx.execute(_INSERT_DESIGNS, rows)


def _checked_event_url(url: str | None) -> str | None:
    return None if url is None else checked("learning_event_url", clean_url, url)


def _checked_designs(tx: Transaction, workspace_id: str, design_ids: Sequence[str]) -> tuple[TemplateDesign, ...]:
    if not design_ids:
        raise Invalid("Must name at least one design", ("design_ids",))
    if len(design_ids) > DESIGNS_MAX:
        raise Invalid(f"Must name at most {DESIGNS_MAX} designs, names {len(design_ids)}", ("design_ids",))
    wanted: list[str] = []
    for position, given in enumerate(design_ids):
        design_id = normalize_id(given)
        if design_id is None:
            raise _no_design(given)
        if design_id in wanted:
            raise Invalid("Must not name a design twice", ("design_ids", position))
        wanted.append(design_id)
    found = find_designs(tx, workspace_id, wanted)
    for design_id in wanted:
        if design_id not in found:
            raise _no_design(design_id)
    return tuple(TemplateDesign(design_id, found[design_id].type) for design_id in wanted)


def _no_design(given: str) -> NotFound:
    return NotFound(f"The design {given[:40]} does not exist")
