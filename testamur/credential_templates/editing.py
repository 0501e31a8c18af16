from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, delete, insert, update

from testamur.credential_templates.achievement import Achievement, checked_achievement
from testamur.credential_templates.model import CredentialTemplate, DesignPolicy, ExpiryRule, TemplateDesign
from testamur.credential_templates.queries import get_credential_template
from testamur.credential_templates.tables import credential_template_designs, credential_templates
from testamur.db import Transaction
from testamur.designs.queries import find_designs
from testamur.errors import Invalid, NotFound, PaymentRequired
from testamur.ids import new_id, normalize_id
from testamur.plans import UNLIMITED, Plan
from testamur.rendering.languages import DEFAULT_LANGUAGE, clean_language
from testamur.text import checked, clean_line, clean_text, clean_url

NAME_LENGTH_MAX = 255
DESIGNS_MAX = 50
TEXT_LENGTH_MAX = 10_000
EXPIRY_NUMBER_MAX = 1000

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
        description=bindparam("new_description"),
        criteria=bindparam("new_criteria"),
        expiry_rule=bindparam("new_expiry_rule"),
        language=bindparam("new_language"),
        design_policy=bindparam("new_design_policy"),
        achievement=bindparam("new_achievement"),
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
    description: str | None = None,
    criteria: str | None = None,
    expiry_rule: ExpiryRule | None = None,
    language: str = DEFAULT_LANGUAGE,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> CredentialTemplate:
    """A new template with its designs in the order given.

    Raises Invalid for a value that cannot be used, NotFound for a design that is not the workspace's, PaymentRequired
    for what the plan does not include.
    """
    template = CredentialTemplate(
        id=new_id(),
        workspace_id=workspace_id,
        name=checked("name", clean_line, name, length_max=NAME_LENGTH_MAX),
        learning_event_url=_checked_event_url(learning_event_url),
        description=_checked_text("description", description),
        criteria=_checked_text("criteria", criteria),
        expiry_rule=_checked_rule(expiry_rule),
        language=checked("language", clean_language, language),
        designs=_checked_designs(tx, workspace_id, design_ids),
        created_at=at,
        updated_at=at,
    )
    _check_plan(template, plan)
    row = {
        "workspace_id": workspace_id,
        "id": template.id,
        "name": template.name,
        "learning_event_url": template.learning_event_url,
        "description": template.description,
        "criteria": template.criteria,
        "expiry_rule": template.expiry_rule,
        "language": template.language,
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
    learning_event_url: str | UnsetType | None = UNSET,
    description: str | UnsetType | None = UNSET,
    criteria: str | UnsetType | None = UNSET,
    expiry_rule: ExpiryRule | UnsetType | None = UNSET,
    language: str | None = None,
    design_policy: DesignPolicy | None = None,
    achievement: Achievement | None = None,
    plan: Plan = UNLIMITED,
    at: datetime,
) -> CredentialTemplate:
    """The template with some values replaced (None and UNSET leave one as it is; None clears what may be empty).

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
        description=before.description if description is UNSET else _checked_text("description", description),
        criteria=before.criteria if criteria is UNSET else _checked_text("criteria", criteria),
        expiry_rule=before.expiry_rule if expiry_rule is UNSET else _checked_rule(expiry_rule),
        language=before.language if language is None else checked("language", clean_language, language),
        design_policy=design_policy or before.design_policy,
        achievement=before.achievement if achievement is None else _checked_achievement(achievement),
    )
    if after == before:
        return before
    _check_plan(after, plan)
    after = msgspec.structs.replace(after, updated_at=at)
    place = {"of_workspace": workspace_id, "template_id": template_id}
    values = {
        "new_name": after.name,
        "new_learning_event_url": after.learning_event_url,
        "new_description": after.description,
        "new_criteria": after.criteria,
        "new_expiry_rule": after.expiry_rule,
        "new_language": after.language,
        "new_design_policy": after.design_policy,
        "new_achievement": after.achievement,
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


def _check_plan(template: CredentialTemplate, plan: Plan) -> None:
    if plan.designs_per_template is not None and len(template.designs) > plan.designs_per_template:
        raise PaymentRequired(f"Your plan allows {plan.designs_per_template} design(s) in a credential template")
    if template.expiry_rule is not None:
        plan.require("expiry")


def _checked_text(name: str, text: str | None) -> str | None:
    return None if text is None else checked(name, clean_text, text, length_max=TEXT_LENGTH_MAX) or None


def _checked_rule(rule: ExpiryRule | None) -> ExpiryRule | None:
    if rule is not None and not 1 <= rule.number <= EXPIRY_NUMBER_MAX:
        raise Invalid(f"Must be 1 to {EXPIRY_NUMBER_MAX}", ("expiry_rule", "number"))
    return rule


def _checked_achievement(achievement: Achievement) -> Achievement:
    try:
        return checked_achievement(achievement)
    except Invalid as error:
        raise error.under("achievement") from None


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
