from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from testamur.api.v1.operations import Call
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page
from testamur.wire.v1.paging import WirePage, read_cursor, read_limit, to_page

Item = TypeVar("Item")
Wire = TypeVar("Wire")


def answer_page(
    call: Call,
    name: str,
    read: Callable[[Transaction, str, Cursor | None, int], Page[Item]],
    convert: Callable[[Item], Wire],
    *,
    value_type: Any = datetime,
) -> WirePage[Wire]:
    """The page of a list that the query's `cursor` and `limit` ask for.

    `name` is that of the list, with whatever else narrows it: a cursor serves only the list of the workspace that gave
    it. `value_type` is that of the values by which the list is sorted. Raises Invalid for a cursor or a limit that cannot be used.
    """
    list_name = f"{name}:{call.workspace.id}"
    limit, cursor = read_limit(call.query.get("limit")), read_cursor(call.query.get("cursor"), list_name, value_type)
    with call.platform.database.read() as tx:
        page = read(tx, call.workspace.id, cursor, limit)
    return to_page(page, list_name, convert)
