from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from testamur.credential_templates.achievement import Achievement
from testamur.rendering.document import DesignType
from testamur.rendering.languages import DEFAULT_LANGUAGE

# Whether credentials look as their template and designs do now, or for ever as they did when they were issued.
DesignPolicy = Literal["follow", "pinned"]


class TemplateDesign(msgspec.Struct, frozen=True):
    """A design as a template names it."""

    id: str
    type: DesignType


class ExpiryRule(msgspec.Struct, frozen=True):
    """How long what is issued from now on stays valid, counted from its issue date."""

    number: int
    unit: Literal["days", "weeks", "months", "years"]

    def expiry_date(self, issue_date: date) -> date:
        """The last day of validity; the 31st of a month that has none becomes the month's last day."""
        if self.unit in {"days", "weeks"}:
            return issue_date + timedelta(days=self.number * (7 if self.unit == "weeks" else 1))
        months = issue_date.year * 12 + issue_date.month - 1 + self.number * (12 if self.unit == "years" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(issue_date.day, monthrange(year, month + 1)[1]))


class CredentialTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """What is awarded; `designs` are in the order in which they are shown, `language` is that of their dates."""

    id: str
    workspace_id: str
    name: str
    learning_event_url: str | None
    description: str | None = None
    criteria: str | None = None
    expiry_rule: ExpiryRule | None = None
    language: str = DEFAULT_LANGUAGE
    # Of what is issued from now on; what was issued before stays with what held then.
    design_policy: DesignPolicy = "follow"
    achievement: Achievement = Achievement()
    designs: tuple[TemplateDesign, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def design_ids(self) -> list[str]:
        return [design.id for design in self.designs]

    def first_of(self, type_: DesignType) -> str | None:
        """The id of the first design of a type."""
        return next((design.id for design in self.designs if design.type == type_), None)
