"""Searching credentials: a tree of conditions becomes one statement (wire contract, section 7).

A condition is true or false of every row, never unknown: a row that has no expiry date or no email fails each
comparison with it, and so passes its negation.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Column, ColumnElement, Date, Row, and_, false, func, literal, not_, or_, select, true

from testamur.credentials.model import Credential
from testamur.credentials.queries import COLUMNS, to_credential
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page

TextField = Literal["id", "public_id", "credential_template_id", "recipient_name", "recipient_email"]
DateField = Literal["issue_date", "expiry_date", "created_at", "updated_at"]
SortField = Literal["id", "created_at", "updated_at", "issue_date", "expiry_date"]
Comparison = Literal["equals", "lt", "lte", "gt", "gte"]

# Later than any expiry date: credentials that never expire sort as if they did so at last.
_NEVER = date(9999, 12, 31)
# Sorts after every text that has a prefix: the last code point.
_LAST = "\U0010ffff"


class And(msgspec.Struct, frozen=True):
    """All of its parts; true if there are none."""

    parts: "Sequence[Filter]"


class Or(msgspec.Struct, frozen=True):
    """Any of its parts; false if there are none."""

    parts: "Sequence[Filter]"


class Not(msgspec.Struct, frozen=True):
    """None of its parts; true if there are none."""

    parts: "Sequence[Filter]"


class TextIs(msgspec.Struct, frozen=True):
    """A text field against a text (for `in`: texts)."""

    field: TextField
    operator: Literal["equals", "contains", "startsWith", "endsWith", "in"]
    value: str | tuple[str, ...]


class StatusIs(msgspec.Struct, frozen=True):
    """One of these statuses, as they are today."""

    statuses: tuple[str, ...]


class DateIs(msgspec.Struct, frozen=True):
    """A date field against a day (of UTC, if the field is a moment), a moment, or (equals only) nothing."""

    field: DateField
    operator: Comparison
    value: date | datetime | None


Filter = And | Or | Not | TextIs | StatusIs | DateIs


class Order(msgspec.Struct, frozen=True):
    """What found credentials are sorted by."""

    field: SortField = "created_at"
    descending: bool = True


def search_credentials(
    tx: Transaction,
    workspace_id: str,
    filter_: Filter,
    *,
    order: Order,
    today: date,
    cursor: Cursor | None,
    limit: int,
) -> Page[Credential]:
    """`today` in the workspace's time zone decides what has expired."""
    condition = _condition(filter_, today)
    statement = select(*COLUMNS).where(credentials.c.workspace_id == workspace_id, condition)
    value, value_of = _SORTED_BY[order.field]
    pager = Pager(statement, value, credentials.c.id, descending=order.descending, value_of=value_of)
    return map_page(pager.rows(tx, {}, cursor, limit), lambda rows: [to_credential(row) for row in rows])


def count_found(tx: Transaction, workspace_id: str, filter_: Filter, *, today: date) -> int:
    """How many credentials a search finds."""
    found = (
        select(func.count())
        .select_from(credentials)
        .where(credentials.c.workspace_id == workspace_id, _condition(filter_, today))
    )
    return int(tx.execute(found).scalar_one())


def sort_type(order: Order) -> type[datetime] | type[date] | type[str]:
    """The type of what a list in this order is sorted by."""
    if order.field == "id":
        return str
    return date if order.field in {"issue_date", "expiry_date"} else datetime


_SORTED_BY: dict[SortField, tuple[ColumnElement[Any], Callable[[Row[Any]], Any] | None]] = {
    "id": (credentials.c.id, None),
    "created_at": (credentials.c.created_at, None),
    "updated_at": (credentials.c.updated_at, None),
    "issue_date": (credentials.c.issue_date, None),
    "expiry_date": (
        func.coalesce(credentials.c.expiry_date, literal(_NEVER, Date), type_=Date()),
        lambda row: row.expiry_date or _NEVER,
    ),
}


def _condition(filter_: Filter, today: date) -> ColumnElement[bool]:
    match filter_:
        case And(parts):
            return and_(true(), *(_condition(part, today) for part in parts))
        case Or(parts):
            return or_(false(), *(_condition(part, today) for part in parts))
        case Not(parts):
            return not_(or_(false(), *(_condition(part, today) for part in parts)))
        case TextIs():
            return _text_condition(filter_)
        case StatusIs(statuses):
            return or_(false(), *(status_condition(status, today) for status in statuses))
        case DateIs():
            return _date_condition(filter_)


def status_condition(status: str, today: date) -> ColumnElement[bool]:
    """Whether a credential has a status on a day; the same rule as `Credential.status_on`."""
    state, expiry = credentials.c.state, credentials.c.expiry_date
    has_lapsed = or_(credentials.c.revoked_at.is_not(None), and_(expiry.is_not(None), expiry < today))
    if status == "expired":
        return and_(state == "issued", has_lapsed)
    if status == "issued":
        return and_(state == "issued", not_(has_lapsed))
    return state == status


_TEXT: dict[TextField, tuple[Column[str], Column[str], Callable[[str], str]]] = {
    # The column as written, the column to search in, and how a value is folded like it.
    "id": (credentials.c.id, credentials.c.id, str.lower),
    "public_id": (credentials.c.public_id, credentials.c.public_id, str.lower),
    "credential_template_id": (
        credentials.c.credential_template_id,
        credentials.c.credential_template_id,
        str.lower,
    ),
    "recipient_name": (credentials.c.recipient_name, credentials.c.recipient_name_key, str.casefold),
    "recipient_email": (credentials.c.recipient_email_key, credentials.c.recipient_email_key, str.casefold),
}


def _text_condition(leaf: TextIs) -> ColumnElement[bool]:
    exact, key, fold = _TEXT[leaf.field]
    # A name is equal only as written; ids and addresses are, however their letters are.
    same = fold if exact is key else str
    found: ColumnElement[bool]
    if leaf.operator == "in":
        found = exact.in_([same(value) for value in leaf.value])
    elif leaf.operator == "equals":
        found = exact == same(str(leaf.value))
    elif leaf.operator == "startsWith":
        prefix = fold(str(leaf.value))
        found = and_(key >= prefix, key < prefix + _LAST)
    else:
        found = getattr(key, "contains" if leaf.operator == "contains" else "endswith")(
            fold(str(leaf.value)), autoescape=True
        )
    return and_(exact.is_not(None), found) if exact.nullable else found


def _date_condition(leaf: DateIs) -> ColumnElement[bool]:
    column = credentials.c[leaf.field]
    value = leaf.value
    if value is None:
        return column.is_(None)
    if isinstance(value, datetime) or isinstance(column.type, Date):
        found = _compare(column, leaf.operator, value)
    else:
        # A day of a moment: all of the day, in UTC.
        begins = datetime.combine(value, time(), UTC)
        ends = begins + timedelta(days=1)
        found = {
            "equals": and_(column >= begins, column < ends),
            "lt": column < begins,
            "lte": column < ends,
            "gt": column >= ends,
            "gte": column >= begins,
        }[leaf.operator]
    return and_(column.is_not(None), found) if column.nullable else found


def _compare(column: Column[Any], operator: Comparison, value: date | datetime) -> ColumnElement[bool]:
    return {
        "equals": column == value,
        "lt": column < value,
        "lte": column <= value,
        "gt": column > value,
        "gte": column >= value,
    }[operator]
