from datetime import datetime
from typing import Literal

import msgspec

AttributeType = Literal["text", "date", "number", "image"]


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """A custom attribute; `tag` includes the prefix `custom.`."""

    id: str
    workspace_id: str
    tag: str
    name: str
    type: AttributeType
    created_at: datetime
    updated_at: datetime
