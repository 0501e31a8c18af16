from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, select

from testamur.credential_templates.achievement import Achievement
from testamur.credential_templates.model import CredentialTemplate, ExpiryRule, TemplateDesign
from testamur.credential_templates.tables import credential_template_designs, credential_templates
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.designs.tables import designs
from testamur.errors import NotFound

_OF_WORKSPACE = select(credential_templates).where(credential_templates.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(credential_templates.c.id == bindparam("id"))
_BY_IDS = _OF_WORKSPACE.where(credential_templates.c.id.in_(bindparam("ids", expanding=True)))
_NAMES = (
    select(credential_templates.c.id, credential_templates.c.name)
    .where(credential_templates.c.workspace_id == bindparam("workspace_id"))
    .order_by(credential_templates.c.name, credential_templates.c.id)
    .limit(bindparam("limit"))
)
_OF_ANY_WORKSPACE = select(credential_templates).where(credential_templates.c.id == bindparam("id"))
_PAGER = Pager(_OF_WORKSPACE, credential_templates.c.created_at, credential_templates.c.id)
_NAMES = (
    select(credential_templates.c.id, credential_templates.c.name)
    .where(credential_templates.c.workspace_id == bindparam("workspace_id"))
    .order_by(credential_templates.c.created_at.desc(), credential_templates.c.id.desc())
    .limit(bindparam("limit"))
)
_DESIGNS = (
    select(credential_template_designs.c.credential_template_id, designs.c.id, designs.c.type)
    .join(designs, designs.c.id == credential_template_designs.c.design_id)
    .where(
        credential_template_designs.c.workspace_id == bindparam("workspace_id"),
        credential_template_designs.c.credential_template_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(credential_template_designs.c.credential_template_id, credential_template_designs.c.position)
)


def get_credential_template(tx: Transaction, workspace_id: str, template_id: str) -> CredentialTemplate:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": template_id}).one_or_none()
    if row is None:
        raise NotFound
    return _models(tx, workspace_id, [row])[0]


def find_credential_templates(
    tx: Transaction, workspace_id: str, template_ids: Iterable[str]
) -> dict[str, CredentialTemplate]:
    """Those of the ids that are templates of the workspace, by id."""
    rows = tx.execute(_BY_IDS, {"workspace_id": workspace_id, "ids": list(template_ids)})
    return {template.id: template for template in _models(tx, workspace_id, rows)}


def list_template_names(tx: Transaction, workspace_id: str, limit: int) -> list[tuple[str, str]]:
    """Ids and names in the order of the names, at most `limit`: to choose from."""
    return [(row.id, row.name) for row in tx.execute(_NAMES, {"workspace_id": workspace_id, "limit": limit})]


def find_template_of_any_workspace(tx: Transaction, template_id: str) -> CredentialTemplate | None:
    """What is awarded is told to everybody who has its address: for the wallet only."""
    row = tx.execute(_OF_ANY_WORKSPACE, {"id": template_id}).one_or_none()
    return None if row is None else _models(tx, row.workspace_id, [row])[0]


def find_template_names(tx: Transaction, workspace_id: str, limit: int) -> list[tuple[str, str]]:
    """Ids and names of the newest templates, in the order of their names: to choose from."""
    rows = tx.execute(_NAMES, {"workspace_id": workspace_id, "limit": limit})
    return sorted(((row.id, row.name) for row in rows), key=lambda pair: (pair[1].casefold(), pair[0]))


def list_credential_templates(
    tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int
) -> Page[CredentialTemplate]:
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: _models(tx, workspace_id, rows))


def search_credential_templates(
    tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int, *, named: str
) -> Page[CredentialTemplate]:
    """Newest first: those in whose name that text stands, in capitals or not."""
    statement = _OF_WORKSPACE.where(credential_templates.c.name.icontains(named, autoescape=True))
    pager = Pager(statement, credential_templates.c.created_at, credential_templates.c.id)
    page = pager.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: _models(tx, workspace_id, rows))


def _models(tx: Transaction, workspace_id: str, rows: Iterable[Row[Any]]) -> list[CredentialTemplate]:
    found = list(rows)
    by_template: dict[str, list[TemplateDesign]] = defaultdict(list)
    if found:
        parameters = {"workspace_id": workspace_id, "ids": [row.id for row in found]}
        for template_id, design_id, type_ in tx.execute(_DESIGNS, parameters):
            by_template[template_id].append(TemplateDesign(design_id, type_))
    return [template_of(dict(row._mapping), tuple(by_template[row.id])) for row in found]  # noqa: SLF001


def template_of(values: dict[str, Any], designs_of: tuple[TemplateDesign, ...]) -> CredentialTemplate:
    """A template of the values of its table's columns; the dict is used up."""
    rule, achievement = values.pop("expiry_rule"), values.pop("achievement")
    return CredentialTemplate(
        **values,
        expiry_rule=None if rule is None else msgspec.convert(rule, ExpiryRule),
        achievement=Achievement() if achievement is None else msgspec.convert(achievement, Achievement),
        designs=designs_of,
    )
