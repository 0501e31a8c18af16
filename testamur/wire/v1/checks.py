from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.credentials.bulk_issuing import RowResult
from testamur.credentials.checking import RowFinding
from testamur.credentials.spreadsheets import SheetRow
from testamur.wire.v1.credentials import GivenAttributes, NewRecipient


class CheckItem(Struct, rename="camel", kw_only=True):
    """A credential that might be issued, written as for creating one; it is not made."""

    recipient: NewRecipient
    issue_date: date | UnsetType | None = UNSET
    expiry_date: date | UnsetType | None = UNSET
    custom_attributes: GivenAttributes | UnsetType | None = UNSET


class CheckItems(Struct, kw_only=True):
    """Whom a credential template might be issued to."""

    items: Annotated[
        list[dict[str, Any]],
        Meta(
            description="Each as for creating a credential; at most 1000.",
            examples=[[{"recipient": {"name": "John Doe", "email": "john.doe@example.com"}}]],
        ),
    ]


class WireFinding(Struct, rename="camel", kw_only=True):
    """Something to look at before issuing."""

    row: Annotated[int, Meta(description="Of the list, counted from 1; of a file, its line.")]
    recipient_name: str
    kind: Annotated[
        Literal["invalid", "overflow", "missing", "glyph"],
        Meta(
            description="invalid: it could not be issued; overflow: a text is too long for its box; missing: an attribute "
            "without value or a picture that cannot be had; glyph: letters that no font has."
        ),
    ]
    design_id: str | None
    element: Annotated[str, Meta(description="Where in the design document, and the element's name if it has one.")]
    attributes: list[str]
    message: str


class WireCheck(Struct, rename="camel", kw_only=True):
    """What a check before issuing found."""

    checked: Annotated[int, Meta(description="How many rows were looked at.")]
    findings: list[WireFinding]
    next_row: Annotated[
        int | None, Meta(description="Where to go on (`fromRow`) if the file has more rows; null at its end.")
    ] = None


def to_row(number: int, item: CheckItem) -> SheetRow:
    return SheetRow(
        line=number,
        recipient_name=item.recipient.name,
        recipient_email=item.recipient.email,
        issue_date=item.issue_date or None,
        expiry_date=item.expiry_date or None,
        external_id=None,
        custom_attributes=item.custom_attributes or {},
    )


def to_finding(found: RowFinding) -> WireFinding:
    finding = found.finding
    return WireFinding(
        row=found.line,
        recipient_name=found.recipient_name,
        kind=finding.kind,
        design_id=found.design.id,
        element=f"{finding.path} ({finding.name})" if finding.name else finding.path,
        attributes=list(finding.tags),
        message=finding.message,
    )


def to_invalid(result: RowResult) -> WireFinding:
    return WireFinding(
        row=result.line,
        recipient_name="",
        kind="invalid",
        design_id=None,
        element="",
        attributes=[],
        message=result.error or "",
    )
