"""Pages of a list by keyset: rows added meanwhile are neither skipped nor repeated."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec
from sqlalchemy import BindParameter, Column, ColumnElement, Integer, Row, Select, bindparam, tuple_

from testamur.db.engine import Transaction

Model = TypeVar("Model")
Value = TypeVar("Value")

LIMIT_DEFAULT = 20
LIMIT_MAX = 100


class Cursor(msgspec.Struct, frozen=True):
    """A place in a list: just after (`next`) or just before (`prev`) the row with this sort value and id."""

    direction: Literal["next", "prev"]
    value: Any
    id: str


class Page(msgspec.Struct, Generic[Model], frozen=True):
    """Some rows of a list, in its order, and the cursors of the pages around it (None where there is none)."""

    items: list[Model]
    prev: Cursor | None
    next: Cursor | None


class Pager:
    """The statements of one list in one order, newest first unless said otherwise.

    `statement` has all conditions but those of the page. `value` is what the list is sorted by (never NULL), before the
    ids; `value_of` finds it in a row, if it is more than a column.
    """

    def __init__(
        self,
        statement: Select[Any],
        value: ColumnElement[Any],
        row_id: Column[str],
        *,
        descending: bool = True,
        value_of: Callable[[Row[Any]], Any] | None = None,
    ) -> None:
        place = tuple_(bindparam("page_value", type_=value.type), bindparam("page_id"))
        limit: BindParameter[int] = bindparam("page_limit", type_=Integer)
        key = tuple_(value, row_id)
        downwards, upwards = (value.desc(), row_id.desc()), (value.asc(), row_id.asc())
        forwards, backwards = (downwards, upwards) if descending else (upwards, downwards)
        after, before = (key < place, key > place) if descending else (key > place, key < place)
        self._first = statement.order_by(*forwards).limit(limit)
        self._next = self._first.where(after)
        self._prev = statement.where(before).order_by(*backwards).limit(limit)
        self._id_name = row_id.name
        name = getattr(value, "name", "")
        self._value_of = value_of or (lambda row: row._mapping[name])  # noqa: SLF001

    def rows(self, tx: Transaction, parameters: dict[str, Any], cursor: Cursor | None, limit: int) -> Page[Row[Any]]:
        """One page of rows. One row more than asked for is read, to learn whether another page follows."""
        values = {**parameters, "page_limit": limit + 1}
        if cursor is None:
            found = tx.execute(self._first, values).all()
            return self._page(found[:limit], has_prev=False, has_next=len(found) > limit)
        values |= {"page_value": cursor.value, "page_id": cursor.id}
        if cursor.direction == "next":
            found = tx.execute(self._next, values).all()
            return self._page(found[:limit], has_prev=bool(found), has_next=len(found) > limit)
        found = tx.execute(self._prev, values).all()
        return self._page(found[:limit][::-1], has_prev=len(found) > limit, has_next=bool(found))

    def _page(self, rows: Sequence[Row[Any]], *, has_prev: bool, has_next: bool) -> Page[Row[Any]]:
        return Page(
            list(rows),
            self._cursor("prev", rows[0]) if has_prev and rows else None,
            self._cursor("next", rows[-1]) if has_next and rows else None,
        )

    def _cursor(self, direction: Literal["next", "prev"], row: Row[Any]) -> Cursor:
        return Cursor(direction, self._value_of(row), row._mapping[self._id_name])  # noqa: SLF001


def map_page(page: Page[Value], convert: Callable[[list[Value]], list[Model]]) -> Page[Model]:
    """The same page of other things; `convert` keeps their number and order."""
    return Page(convert(page.items), page.prev, page.next)
