"""The search request of the wire (contract, section 7): JSON to a tree of conditions, each fault with its path."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.credentials.searching import And, Comparison, DateField, DateIs, Filter, Not, Or, Order, StatusIs, TextIs
from testamur.errors import Invalid
from testamur.text import clean_text

DEPTH_MAX = 10
LEAVES_MAX = 200
IN_MAX = 1000
# Over all leaves: databases take so many values in one statement.
VALUES_MAX = 20_000
TEXT_LENGTH_MAX = 1000

Property = Literal["id", "createdAt", "updatedAt", "issueDate", "expiryDate"]
STATUSES = ("draft", "scheduled", "issued", "expired")

_TEXT_FIELDS: dict[str, Any] = {"id": "id", "publicId": "public_id", "groupId": "credential_template_id"}
_RECIPIENT_FIELDS: dict[str, Any] = {"name": "recipient_name", "email": "recipient_email"}
_DATE_FIELDS: dict[str, DateField] = {
    "issueDate": "issue_date",
    "expiryDate": "expiry_date",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
_FIELDS = ("AND", "OR", "NOT", *_TEXT_FIELDS, "recipient", "status", *_DATE_FIELDS)
_TEXT_OPERATORS = ("equals", "contains", "startsWith", "endsWith", "in")


class Sort(Struct):
    """What to sort by."""

    property: Property
    order: Literal["asc", "desc"]


class SearchCredentials(Struct):
    """A search; everything may be left out."""

    filter: (
        Annotated[
            dict[str, Any],
            Meta(
                description="AND, OR and NOT hold lists of filters; a leaf is {field: {operator: value}}. Text fields "
                "(id, publicId, groupId, recipient.name, recipient.email): equals, contains, startsWith, endsWith, in. "
                "status: equals, in. Dates (issueDate, expiryDate, createdAt, updatedAt): equals, lt, lte, gt, gte.",
                examples=[{"AND": [{"status": {"equals": "issued"}}, {"recipient": {"name": {"contains": "John"}}}]}],
            ),
        ]
        | UnsetType
        | None
    ) = UNSET
    sort: Sort | UnsetType | None = UNSET
    cursor: str | UnsetType | None = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] | UnsetType | None = UNSET


def read_filter(given: Mapping[str, Any]) -> Filter:
    """The conditions that a filter asks for. Raises Invalid with the path of the first fault."""
    return _Reader().node(given, ("filter",), 1)


def read_order(sort: Sort | None) -> Order:
    if sort is None:
        return Order()
    return Order("id" if sort.property == "id" else _DATE_FIELDS[sort.property], sort.order == "desc")


class _Reader:
    """Reads one filter and counts what is limited."""

    def __init__(self) -> None:
        self._leaves = 0
        self._values = 0

    def node(self, given: Any, path: tuple[str | int, ...], depth: int) -> Filter:
        if not isinstance(given, Mapping):
            raise Invalid('Must be an object such as {"status": {"equals": "issued"}}', path)
        if depth > DEPTH_MAX:
            raise Invalid(f"Must not nest deeper than {DEPTH_MAX} levels", path)
        parts = [self._member(name, value, (*path, name), depth) for name, value in given.items()]
        return parts[0] if len(parts) == 1 else And(parts)

    def _member(self, name: str, value: Any, path: tuple[str | int, ...], depth: int) -> Filter:
        if name in {"AND", "OR", "NOT"}:
            if name == "NOT" and isinstance(value, Mapping):
                value = [value]
            if not isinstance(value, list):
                raise Invalid("Must be a list of filters", path)
            parts = [self.node(part, (*path, position), depth + 1) for position, part in enumerate(value)]
            return And(parts) if name == "AND" else Or(parts) if name == "OR" else Not(parts)
        if name == "recipient":
            return And([
                self._text(_RECIPIENT_FIELDS[field], operators, (*path, field))
                for field, operators in _object(value, path, _RECIPIENT_FIELDS).items()
            ])  # fmt: skip
        if name in _TEXT_FIELDS:
            return self._text(_TEXT_FIELDS[name], value, path)
        if name == "status":
            return self._status(value, path)
        if name in _DATE_FIELDS:
            return self._date(_DATE_FIELDS[name], value, path)
        raise Invalid(f"Is not a field; the fields are {', '.join(_FIELDS)}", path)

    def _text(self, field: Any, given: Any, path: tuple[str | int, ...]) -> Filter:
        leaves: list[Filter] = []
        for operator, value in _object(given, path, _TEXT_OPERATORS).items():
            at = (*path, operator)
            texts = self._texts(value, at) if operator == "in" else _text(value, at)
            leaves.append(self._leaf(TextIs(field, operator, texts), path))  # type: ignore[arg-type]
        return And(leaves)

    def _status(self, given: Any, path: tuple[str | int, ...]) -> Filter:
        leaves: list[Filter] = []
        for operator, value in _object(given, path, ("equals", "in")).items():
            at = (*path, operator)
            statuses = self._texts(value, at) if operator == "in" else (_text(value, at),)
            for status in statuses:
                if status not in STATUSES:
                    raise Invalid(f"Must be one of {', '.join(STATUSES)}", at)
            leaves.append(self._leaf(StatusIs(tuple(dict.fromkeys(statuses))), path))
        return And(leaves)

    def _date(self, field: DateField, given: Any, path: tuple[str | int, ...]) -> Filter:
        leaves: list[Filter] = []
        is_moment = field in {"created_at", "updated_at"}
        for operator, value in _object(given, path, get_args(Comparison)).items():
            at = (*path, operator)
            if value is None and operator == "equals" and field == "expiry_date":
                day: date | datetime | None = None
            else:
                day = _day(value, at, or_moment=is_moment)
            leaves.append(self._leaf(DateIs(field, operator, day), path))  # type: ignore[arg-type]
        return And(leaves)

    def _texts(self, value: Any, path: tuple[str | int, ...]) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise Invalid("Must be a list of texts", path)
        self._values += len(value)
        if len(value) > IN_MAX or self._values > VALUES_MAX:
            raise Invalid(f"Must have at most {IN_MAX} items, and {VALUES_MAX} in the whole filter", path)
        return tuple(_text(item, (*path, position)) for position, item in enumerate(value))

    def _leaf(self, leaf: Filter, path: tuple[str | int, ...]) -> Filter:
        self._leaves += 1
        if self._leaves > LEAVES_MAX:
            raise Invalid(f"The filter must have at most {LEAVES_MAX} conditions", path)
        return leaf


def _object(given: Any, path: tuple[str | int, ...], allowed: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise Invalid(f"Must be an object with one of {', '.join(allowed)}", path)
    for name in given:
        if name not in allowed:
            raise Invalid(f"Is not known here; use one of {', '.join(allowed)}", (*path, name))
    return given


def _text(value: Any, path: tuple[str | int, ...]) -> str:
    if not isinstance(value, str):
        raise Invalid("Must be text", path)
    try:
        return clean_text(value, length_max=TEXT_LENGTH_MAX)
    except Invalid as error:
        raise error.under(*path) from None


def _day(value: Any, path: tuple[str | int, ...], *, or_moment: bool) -> date | datetime:
    try:
        if isinstance(value, str) and len(value) == 10:
            return msgspec.convert(value, date)
        if isinstance(value, str) and or_moment:
            moment = msgspec.convert(value, datetime)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    except msgspec.ValidationError:
        pass
    forms = "2026-11-24 or 2026-11-24T12:00:00.000Z" if or_moment else "2026-11-24"
    raise Invalid(f"Must be a day of the calendar, written as {forms}", path)
