import re
import unicodedata
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, update

from testamur.attributes.model import Attribute, AttributeType
from testamur.attributes.queries import get_attribute
from testamur.attributes.tables import attributes
from testamur.db import Transaction
from testamur.db.schema import insert_if_new
from testamur.errors import Conflict, Invalid
from testamur.ids import new_id
from testamur.text import checked, clean_line

PREFIX = "custom."
TAG_LENGTH_MAX = 100
NAME_LENGTH_MAX = 255
_TAG = re.compile(r"custom\.[a-z0-9_]+(?:[.-][a-z0-9_]+)*", re.ASCII)
_INSERT = insert_if_new(attributes)
_RENAME = (
    update(attributes)
    .where(attributes.c.workspace_id == bindparam("of_workspace"), attributes.c.id == bindparam("of_id"))
    .values(name=bindparam("new_name"), updated_at=bindparam("new_updated_at"))
)


def define_attribute(
    tx: Transaction,
    workspace_id: str,
    *,
    tag: str | None = None,
    name: str | None = None,
    type_: AttributeType = "text",
    at: datetime,
) -> Attribute:
    """A new custom attribute; without a name it is called after its tag, without a tag its tag is made of the name.

    Raises Invalid for a tag or name that cannot be used, Conflict if the workspace has the tag already.
    """
    tag = tag_of(name or "") if tag is None else fold_tag(tag)
    if len(tag) > TAG_LENGTH_MAX or not _TAG.fullmatch(tag):
        raise Invalid(f"Must be custom. and then a-z, 0-9 or _, at most {TAG_LENGTH_MAX} characters in all", ("tag",))
    label = name if name is not None else tag.removeprefix(PREFIX).replace("_", " ").capitalize()
    attribute = Attribute(
        id=new_id(),
        workspace_id=workspace_id,
        tag=tag,
        name=checked("name", clean_line, label, length_max=NAME_LENGTH_MAX),
        type=type_,
        created_at=at,
        updated_at=at,
    )
    if not tx.execute(_INSERT, {field: getattr(attribute, field) for field in attribute.__struct_fields__}).rowcount:
        raise Conflict(f"The attribute [{tag}] is defined already")
    return attribute


def tag_of(name: str) -> str:
    """`Final grade` as `custom.final_grade`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return PREFIX + re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[: TAG_LENGTH_MAX - len(PREFIX)]


def rename_attribute(tx: Transaction, workspace_id: str, attribute_id: str, *, name: str, at: datetime) -> Attribute:
    """Its tag stays. Raises NotFound, or Invalid for a name that cannot be used."""
    before = get_attribute(tx, workspace_id, attribute_id)
    after = msgspec.structs.replace(before, name=checked("name", clean_line, name, length_max=NAME_LENGTH_MAX))
    if after == before:
        return before
    place = {"of_workspace": workspace_id, "of_id": attribute_id}
    tx.execute(_RENAME, {**place, "new_name": after.name, "new_updated_at": at})
    return msgspec.structs.replace(after, updated_at=at)


def fold_tag(tag: str) -> str:
    """The one form of a custom tag: some clients put `custom.` before a tag that has it already."""
    while tag.startswith(PREFIX * 2):
        tag = tag.removeprefix(PREFIX)
    return tag
