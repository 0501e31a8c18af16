from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Integer, Text, bindparam, cast, delete, select

from testamur.attributes.queries import get_attribute
from testamur.attributes.tables import attributes
from testamur.credential_templates.queries import get_credential_template
from testamur.credential_templates.tables import credential_template_designs, credential_templates
from testamur.credentials.badges import publish_revocation
from testamur.credentials.queries import count_credentials_of_template, lock_credential
from testamur.credentials.tables import credential_pins, credentials, renderings
from testamur.db import Transaction
from testamur.designs.editing import remove_design
from testamur.designs.queries import lock_design
from testamur.designs.tables import design_versions, designs
from testamur.errors import Conflict
from testamur.webhooks.recording import record_events

_DELETE = delete(credentials).where(
    credentials.c.workspace_id == bindparam("of_workspace"), credentials.c.id == bindparam("credential_id")
)
_DELETE_TEMPLATE = delete(credential_templates).where(
    credential_templates.c.workspace_id == bindparam("of_workspace"),
    credential_templates.c.id == bindparam("template_id"),
)

_DELETE_ATTRIBUTE = delete(attributes).where(
    attributes.c.workspace_id == bindparam("of_workspace"), attributes.c.id == bindparam("attribute_id")
)
# Tags and values are kept as JSON; a tag holds nothing that JSON would write otherwise, nor a wildcard but _.
_DESIGN_WITH_TAG = (
    select(designs.c.name)
    .join(design_versions, design_versions.c.design_id == designs.c.id)
    .where(
        designs.c.workspace_id == bindparam("workspace_id"),
        cast(design_versions.c.tags, Text).like(bindparam("quoted", type_=Text)),
    )
    .limit(1)
)
_CREDENTIAL_WITH_TAG = (
    select(credentials.c.id)
    .where(
        credentials.c.workspace_id == bindparam("workspace_id"),
        cast(credentials.c.custom_attributes, Text).like(bindparam("quoted", type_=Text)),
    )
    .limit(1)
)

# A few of them are named, and that there are more is said.
NAMED_MAX = 3
_TEMPLATES_WITH_DESIGN = (
    select(credential_templates.c.id, credential_templates.c.name)
    .join(
        credential_template_designs, credential_template_designs.c.credential_template_id == credential_templates.c.id
    )
    .where(
        credential_templates.c.workspace_id == bindparam("workspace_id"),
        credential_template_designs.c.design_id == bindparam("design_id"),
    )
    .order_by(credential_templates.c.created_at, credential_templates.c.id)
    .limit(bindparam("most", type_=Integer))
)
_RENDERING_OF_DESIGN = (
    select(renderings.c.digest)
    .where(renderings.c.workspace_id == bindparam("workspace_id"), renderings.c.design_id == bindparam("design_id"))
    .limit(1)
)
# An id holds no wildcard and nothing that JSON would write otherwise.
_PIN_OF_DESIGN = (
    select(credential_pins.c.credential_id)
    .where(
        credential_pins.c.workspace_id == bindparam("workspace_id"),
        cast(credential_pins.c.designs, Text).like(bindparam("quoted", type_=Text)),
    )
    .limit(1)
)


def delete_credential(tx: Transaction, workspace_id: str, credential_id: str, *, at: datetime) -> None:
    """The credential is gone, with all its versions and the values it was rendered from. Raises NotFound.

    To verifiers it is revoked: copies that others have must not go on verifying. Its place in the status list and its
    public id are all that is kept.

    The files rendered from it are removed by `renderings.delete_files`, which is called before: what remains of a
    credential can be rendered again, while files without their row would be found by nobody.
    """
    publish_revocation(tx, lock_credential(tx, workspace_id, credential_id), at=at)
    tx.execute(_DELETE, {"of_workspace": workspace_id, "credential_id": credential_id})
    record_events(tx, workspace_id, ["credential.deleted"], [credential_id], at=at)


def delete_credential_template(tx: Transaction, workspace_id: str, template_id: str) -> None:
    """Raises NotFound, or Conflict while credentials of the template exist, drafts included.

    A foreign key refuses what a credential made at the same moment would make wrong.
    """
    template = get_credential_template(tx, workspace_id, template_id)
    count = count_credentials_of_template(tx, workspace_id, template_id)
    if count:
        noun = "credential" if count == 1 else "credentials"
        raise Conflict(f'"{template.name}" has {count} {noun}; delete them first')
    tx.execute(_DELETE_TEMPLATE, {"of_workspace": workspace_id, "template_id": template_id})


def delete_attribute(tx: Transaction, workspace_id: str, attribute_id: str) -> None:
    """Raises NotFound, or Conflict while a design shows the attribute or a credential has a value for it."""
    attribute = get_attribute(tx, workspace_id, attribute_id)
    quoted = f'%"{attribute.tag}"%'
    place = {"workspace_id": workspace_id, "quoted": quoted}
    design = tx.execute(_DESIGN_WITH_TAG, place).scalar()
    if design is not None:
        raise Conflict(f'The design "{design}" shows [{attribute.tag}]; take it out first')
    if tx.execute(_CREDENTIAL_WITH_TAG, place).scalar() is not None:
        raise Conflict(f"There are credentials with a value for [{attribute.tag}]; delete these first")
    tx.execute(_DELETE_ATTRIBUTE, {"of_workspace": workspace_id, "attribute_id": attribute_id})


def templates_with_design(tx: Transaction, workspace_id: str, design_id: str, *, limit: int) -> dict[str, str]:
    """The names of the credential templates that show a design, oldest first, by id."""
    place = {"workspace_id": workspace_id, "design_id": design_id, "most": limit}
    return {row.id: row.name for row in tx.execute(_TEMPLATES_WITH_DESIGN, place)}


def _named(users: Sequence[str]) -> str:
    if len(users) == 1:
        return f'The credential template "{users[0]}" shows'
    names = ", ".join(f'"{name}"' for name in users[:NAMED_MAX])
    return f"The credential templates {names}{' and others' if len(users) > NAMED_MAX else ''} show"


def delete_design(tx: Transaction, workspace_id: str, design_id: str) -> None:
    """Raises NotFound, or Conflict while a credential template shows the design or a credential was made with it.

    Whoever pins the design holds it: either its pin is seen here, or it finds the design deleted.
    """
    design = lock_design(tx, workspace_id, design_id)
    place = {"workspace_id": workspace_id, "design_id": design_id}
    users = list(templates_with_design(tx, workspace_id, design_id, limit=NAMED_MAX + 1).values())
    if users:
        raise Conflict(f'{_named(users)} "{design.name}"; take it out there first')
    if tx.execute(_RENDERING_OF_DESIGN, place).scalar() is not None:
        raise Conflict(f'There are credentials that were rendered from "{design.name}"; delete these first')
    if tx.execute(_PIN_OF_DESIGN, {"workspace_id": workspace_id, "quoted": f'%"{design_id}"%'}).scalar() is not None:
        raise Conflict(f'There are credentials that were issued with "{design.name}" and keep it; delete these first')
    remove_design(tx, workspace_id, design_id)
