"""Pages on the wire, and the opaque cursors between them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import msgspec

from testamur.db.paging import LIMIT_DEFAULT, LIMIT_MAX, Cursor, Page
from testamur.errors import Invalid
from testamur.ids import normalize_id

Item = TypeVar("Item")
Wire = TypeVar("Wire")

_CURSOR_LENGTH_MAX = 500


class _CursorText(msgspec.Struct, array_like=True):
    """What a cursor holds: which list it belongs to, the direction, the sort value and the id it stands at."""

    of: str
    direction: Literal["next", "prev"]
    # As text, because JSON cannot tell a day from a moment or an id.
    value: str
    id: str


class Pagination(msgspec.Struct):
    """Cursors of the pages before and after this one; null where there is none."""

    prev: str | None
    next: str | None


class WirePage(msgspec.Struct, Generic[Wire]):
    """A page of a list."""

    data: list[Wire]
    pagination: Pagination


def to_page(page: Page[Item], list_name: str, convert: Callable[[Item], Wire]) -> WirePage[Wire]:
    """`list_name` binds the cursors to the list and to what it was asked for."""
    return WirePage(
        [convert(item) for item in page.items],
        Pagination(_encode(page.prev, list_name), _encode(page.next, list_name)),
    )


def read_limit(text: str | None) -> int:
    """The query parameter `limit`: 1 to 100, 20 if absent. Raises Invalid."""
    if text is None:
        return LIMIT_DEFAULT
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= LIMIT_MAX:
        raise Invalid(f"Must be a whole number from 1 to {LIMIT_MAX}", ("limit",))
    return int(text)


def read_cursor(text: str | None, list_name: str, value_type: Any = datetime) -> Cursor | None:
    """The query parameter `cursor`. Raises Invalid if it is none of ours, or one of another list.

    `value_type` is that of the values by which the list is sorted.
    """
    if not text:
        return None
    try:
        if len(text) > _CURSOR_LENGTH_MAX:
            raise ValueError
        decoded = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_CursorText)
        row_id = normalize_id(decoded.id)
        # Not strict: a number stands as text in a cursor too.
        value = msgspec.convert(decoded.value, value_type, strict=False)
        if decoded.of != list_name or row_id is None or (isinstance(value, datetime) and value.tzinfo is None):
            raise ValueError
    except (ValueError, msgspec.MsgspecError):
        raise Invalid("Must be a cursor that an earlier page of this list gave", ("cursor",)) from None
    return Cursor(decoded.direction, value, row_id)


def _encode(cursor: Cursor | None, list_name: str) -> str | None:
    if cursor is None:
        return None
    value = str(cursor.value) if isinstance(cursor.value, str | int) else cursor.value.isoformat()
    content = _CursorText(list_name, cursor.direction, value, cursor.id)
    return urlsafe_b64encode(msgspec.json.encode(content)).decode().rstrip("=")
