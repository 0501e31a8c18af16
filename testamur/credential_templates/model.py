from datetime import datetime

import msgspec

from testamur.rendering.document import DesignType


class TemplateDesign(msgspec.Struct, frozen=True):
    """A design as a template names it."""

    id: str
    type: DesignType


class CredentialTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """What is awarded; `designs` are in the order in which they are shown."""

    id: str
    workspace_id: str
    name: str
    learning_event_url: str | None
    designs: tuple[TemplateDesign, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def design_ids(self) -> list[str]:
        return [design.id for design in self.designs]

    def first_of(self, type_: DesignType) -> str | None:
        """The id of the first design of a type."""
        return next((design.id for design in self.designs if design.type == type_), None)
