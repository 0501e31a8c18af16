import re
from datetime import datetime

from testamur.attributes.model import Attribute, AttributeType
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


def define_attribute(
    tx: Transaction,
    workspace_id: str,
    *,
    tag: str,
    name: str | None = None,
    type_: AttributeType = "text",
    at: datetime,
) -> Attribute:
    """A new custom attribute; without a name it is called after its tag.

    Raises Invalid for a tag or name that cannot be used, Conflict if the workspace has the tag already.
    """
    tag = fold_tag(tag)
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


def fold_tag(tag: str) -> str:
    """The one form of a custom tag: some clients put `custom.` before a tag that has it already."""
    while tag.startswith(PREFIX * 2):
        tag = tag.removeprefix(PREFIX)
    return tag
