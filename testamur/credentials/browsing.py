"""Browsing: the rows of a table of credentials, filtered and sorted, in the same time whatever number there is.

Nothing here reads more than a few thousand rows for one page, which is kept in one of two ways:

- A *walk* follows an index that is in the order wanted. What the index does not hold (whether an issued credential has
  expired) is looked at row by row, `WINDOW` rows at most; if those do not fill the page, it says where to go on.
- A *gathering* takes at most `GATHERED` rows by an index that is in another order (the newest drafts, names that begin
  so), and sorts these. It says so if there were more.

No statement leaves to the database which index to take: SQLite is told, and PostgreSQL can use no other, because
conditions beside the index are written so that none serves them. A wrong guess would read a million rows.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union,
)

from testamur.credentials.model import DeliveryState, State
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.db.planning import by_index

WINDOW = 2_000
GATHERED = 1_500
# Of names, and of addresses, that begin with a text; and the newest, which may hold it anywhere.
BEGINNING_MAX = 60
HOLDING_MAX = 250
TEXT_LENGTH_MAX = 100
# Sorts after every text that has a prefix: the last code point.
_LAST = "\U0010ffff"

# What a row is said to be. The public API tells revoked ones as expired; whoever revokes wants to tell them apart.
ShownStatus = Literal["draft", "scheduled", "issued", "expired", "revoked"]
STATUSES: tuple[ShownStatus, ...] = ("draft", "scheduled", "issued", "expired", "revoked")
SortedBy = Literal["created", "issued", "name"]
# Why there may be more than what a page and those around it show, or why a page is not full.
Limit = Literal["looked_at_some", "sorted_some", "many_begin_so", "newest_held"]


class Browse(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted: a text in the recipient's name or address, a status, a template, days of issue (both included)."""

    text: str = ""
    status: ShownStatus | None = None
    template_id: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def is_everything(self) -> bool:
        return self == Browse()


class BrowseOrder(msgspec.Struct, frozen=True):
    """By which column, and which way."""

    field: SortedBy = "created"
    descending: bool = True


class CredentialRow(msgspec.Struct, frozen=True, kw_only=True):
    """A credential as a table shows it."""

    id: str
    public_id: str
    credential_template_id: str
    recipient_name: str
    recipient_email: str | None
    state: State
    issue_date: date
    expiry_date: date | None
    issued_at: datetime | None
    scheduled_for: datetime | None
    revoked_at: datetime | None
    delivery_state: DeliveryState
    created_at: datetime

    def shown_status(self, today: date) -> ShownStatus:
        return shown_status(self.state, self.expiry_date, self.revoked_at, today)


class Listing(msgspec.Struct, frozen=True):
    """A page of rows; `limits` tell why it may not be all."""

    page: Page[CredentialRow]
    limits: list[Limit]


def shown_status(state: State, expiry_date: date | None, revoked_at: datetime | None, today: date) -> ShownStatus:
    """The status that people are told, on a day in the workspace's time zone."""
    if state != "issued":
        return state
    if revoked_at is not None:
        return "revoked"
    return "expired" if expiry_date is not None and expiry_date < today else "issued"


_c = credentials.c
_COLUMNS: list[Column[Any]] = [_c[field] for field in CredentialRow.__struct_fields__]
_ROW = [*_COLUMNS, _c.recipient_name_key, _c.recipient_email_key]
_STATUS_KEYS = [_c.state, _c.expiry_date, _c.revoked_at]
_BY_IDS = select(*_ROW).where(_c.workspace_id == bindparam("workspace_id"), _c.id.in_(bindparam("ids", expanding=True)))


class _Index(msgspec.Struct, frozen=True):
    """An index, and by what its rows are sorted behind the columns that a condition fixes."""

    name: str
    value: Column[Any]


_CREATED = _Index("ix_credentials_workspace_id_created_at_id", _c.created_at)
_TEMPLATE_CREATED = _Index("ix_credentials_template_created_at", _c.created_at)
_ISSUED = _Index("ix_credentials_issue_date", _c.issue_date)
_TEMPLATE_ISSUED = _Index("ix_credentials_template_issue_date", _c.issue_date)
_NAME = _Index("ix_credentials_name", _c.recipient_name_key)
_TEMPLATE_NAME = _Index("ix_credentials_template_name", _c.recipient_name_key)
_EMAIL = _Index("ix_credentials_email_key", _c.recipient_email_key)
_UNISSUED = _Index("ix_credentials_unissued", _c.created_at)
_REVOKED = _Index("ix_credentials_revoked", _c.created_at)
_EXPIRING = _Index("ix_credentials_expiring", _c.expiry_date)
_SORTS: dict[SortedBy, tuple[_Index, _Index, str]] = {
    "created": (_CREATED, _TEMPLATE_CREATED, "created_at"),
    "issued": (_ISSUED, _TEMPLATE_ISSUED, "issue_date"),
    "name": (_NAME, _TEMPLATE_NAME, "recipient_name_key"),
}


class _Walk(msgspec.Struct, frozen=True):
    """Rows by an index, and what is looked at in each (None: nothing)."""

    index: _Index
    statement: Select[Any]
    residual: ColumnElement[bool] | None


def browse_credentials(
    tx: Transaction,
    workspace_id: str,
    browse: Browse,
    order: BrowseOrder,
    *,
    today: date,
    at: tuple[Literal["next", "prev"], str] | None = None,
    limit: int,
) -> Listing:
    """A page: the first one, or that after (`next`) or before (`prev`) the row of an id. From a row that is not there
    any more, the first one.
    """
    cursor = None if at is None else _cursor(tx, workspace_id, order, at)
    walk = None if browse.text else _walk_in_order(workspace_id, browse, order, today)
    if walk is not None:
        page, is_some = _follow(tx, walk, cursor, limit, descending=order.descending)
        limits: list[Limit] = ["looked_at_some"] if is_some else []
    else:
        page, limits = _gathered(tx, workspace_id, browse, order, today, cursor, limit)
    return Listing(map_page(page, lambda rows: [_model(row) for row in rows]), limits)


class Batch(msgspec.Struct, frozen=True):
    """Some rows of all that match; `next` goes on, and is None at the end."""

    rows: list[CredentialRow]
    next: Cursor | None


def next_matching(
    tx: Transaction,
    workspace_id: str,
    browse: Browse,
    *,
    today: date,
    until: datetime,
    cursor: Cursor | None,
    limit: int,
) -> Batch:
    """All that match and were created until a moment, in whatever order is quick; a batch may be empty before the end.

    With a text these are what the table shows of it, and so at most some thousands.
    """
    if browse.text:
        order = BrowseOrder(descending=False)
        page, _ = _gathered(tx, workspace_id, browse, order, today, cursor, limit)
    else:
        page, _ = _follow(tx, _walk_anyhow(workspace_id, browse, today), cursor, limit, descending=False)
    return Batch([_model(row) for row in page.items if row.created_at <= until], page.next)


def cursor_type(browse: Browse) -> type[date] | type[datetime]:
    """Of what `next_matching` goes by."""
    by_day = not browse.text and (
        browse.status == "expired" or (browse.status in {None, "issued"} and bool(browse.first or browse.last))
    )
    return date if by_day else datetime


def find_rows(tx: Transaction, workspace_id: str, ids: list[str]) -> list[CredentialRow]:
    """Those of the ids that are credentials of the workspace, in the order given."""
    rows = {row.id: row for row in tx.execute(_BY_IDS, {"workspace_id": workspace_id, "ids": ids})}
    return [_model(rows[id_]) for id_ in dict.fromkeys(ids) if id_ in rows]


def count_matching(
    tx: Transaction, workspace_id: str, browse: Browse, *, today: date, until: datetime, most: int
) -> tuple[int, bool]:
    """How many match, and whether that is all: counting ends at `most`, or when it has taken long enough."""
    count, cursor = 0, None
    for _ in range(4 * most // WINDOW + 2):
        batch = next_matching(tx, workspace_id, browse, today=today, until=until, cursor=cursor, limit=WINDOW)
        count, cursor = count + len(batch.rows), batch.next
        if cursor is None or count > most:
            break
    return min(count, most), cursor is None and count <= most


def _walk_in_order(workspace_id: str, browse: Browse, order: BrowseOrder, today: date) -> _Walk | None:
    """None if no index has the order wanted."""
    has_days = _has_days(browse)
    if browse.status in {None, "issued"}:
        if has_days and order.field != "issued":
            return None
        plain, of_template, _ = _SORTS[order.field]
        return _walk(workspace_id, browse, of_template if browse.template_id else plain, today)
    if browse.status == "expired" or has_days or order.field != "created":
        return None
    return _walk_of_status(workspace_id, browse, today)


def _walk_anyhow(workspace_id: str, browse: Browse, today: date) -> _Walk:
    if browse.status not in {None, "issued"}:
        return _walk_of_status(workspace_id, browse, today)
    has_days = _has_days(browse)
    plain, of_template, _ = _SORTS["issued" if has_days else "created"]
    return _walk(workspace_id, browse, of_template if browse.template_id else plain, today)


def _walk(workspace_id: str, browse: Browse, index: _Index, today: date) -> _Walk:
    statement = _by(index, workspace_id)
    if browse.template_id is not None:
        statement = statement.where(_c.credential_template_id == browse.template_id)
    if browse.first is not None:
        statement = statement.where(_c.issue_date >= browse.first)
    if browse.last is not None:
        statement = statement.where(_c.issue_date <= browse.last)
    return _Walk(index, statement, _has_status("issued", today) if browse.status == "issued" else None)


def _walk_of_status(workspace_id: str, browse: Browse, today: date) -> _Walk:
    """By an index that holds little else."""
    index, condition, more = _index_of_status(browse.status, today)
    found: list[ColumnElement[bool]] = [] if more is None else [more]
    if browse.template_id is not None:
        found.append(func.coalesce(_c.credential_template_id, "") == browse.template_id)
    found += _days(browse, _c.issue_date)
    return _Walk(index, _by(index, workspace_id).where(condition), and_(*found) if found else None)


def _index_of_status(
    status: ShownStatus | None, today: date
) -> tuple[_Index, ColumnElement[bool], ColumnElement[bool] | None]:
    """The index of a rarer status, what is asked of it, and what is to be looked at besides."""
    # The conditions of the indexes themselves stand in the statements as they stand there, or they would not be taken.
    if status == "revoked":
        return _REVOKED, _c.revoked_at.is_not(None), None
    if status == "expired":
        is_expired = and_(_c.expiry_date.is_not(None), _c.expiry_date < today)
        return _EXPIRING, is_expired, _has_status("expired", today)
    return _UNISSUED, and_(literal_column("state != 'issued'"), _c.state == literal_column(f"'{status}'")), None


def _by(index: _Index, workspace_id: str) -> Select[Any]:
    statement = select(*_ROW).where(_c.workspace_id == workspace_id)
    return by_index(statement, credentials, index.name)


def _has_status(status: ShownStatus, today: date, columns: Any = _c) -> ColumnElement[bool]:
    """The same rule as `shown_status`, in a form that no index serves."""
    state, expiry = func.coalesce(columns.state, ""), func.coalesce(columns.expiry_date, literal(date.max))
    if status in {"draft", "scheduled"}:
        return state == status
    revoked = columns.revoked_at.is_not(None)
    if status == "revoked":
        return and_(state == "issued", revoked)
    return and_(state == "issued", ~revoked, expiry < today if status == "expired" else expiry >= today)


def _has_days(browse: Browse) -> bool:
    return browse.first is not None or browse.last is not None


def _days(browse: Browse, column: ColumnElement[date]) -> list[ColumnElement[bool]]:
    day = func.coalesce(column, literal(date.max))
    first = [] if browse.first is None else [day >= browse.first]
    return first + ([] if browse.last is None else [day <= browse.last])


def _follow(
    tx: Transaction, walk: _Walk, cursor: Cursor | None, limit: int, *, descending: bool
) -> tuple[Page[Row[Any]], bool]:
    """A page of a walk, and whether it ends where looking ended and not where it was full."""
    value = walk.index.value
    if walk.residual is None:
        return Pager(walk.statement, value, _c.id, descending=descending).rows(tx, {}, cursor, limit), False
    goes_on = cursor is None or cursor.direction == "next"
    is_falling = descending == goes_on
    key = tuple_(value, _c.id)
    statement = walk.statement.order_by(*((value.desc(), _c.id.desc()) if is_falling else (value.asc(), _c.id.asc())))
    if cursor is not None:
        place = _place(value, cursor.value, cursor.id)
        statement = statement.where(key < place if is_falling else key > place)
    end = tx.execute(
        statement.with_only_columns(value.label("value"), _c.id, maintain_column_froms=True).offset(WINDOW - 1).limit(1)
    ).one_or_none()
    if end is not None:
        place = _place(value, end.value, end.id)
        statement = statement.where(key >= place if is_falling else key <= place)
    found = tx.execute(statement.where(walk.residual).limit(limit + 1)).all()
    rows = found[:limit]
    ahead: tuple[Any, str] | None = None
    if len(found) > limit:
        ahead = (rows[-1]._mapping[value], rows[-1].id)  # noqa: SLF001
    elif end is not None:
        ahead = (end.value, end.id)
    behind: tuple[Any, str] | None = None
    if cursor is not None:
        behind = (rows[0]._mapping[value], rows[0].id) if rows else (cursor.value, cursor.id)  # noqa: SLF001
    is_some = len(found) <= limit and end is not None
    before, after = (behind, ahead) if goes_on else (ahead, behind)
    page = Page(
        list(rows if goes_on else rows[::-1]),
        None if before is None else Cursor("prev", *before),
        None if after is None else Cursor("next", *after),
    )
    return page, is_some


def _place(value: Column[Any], given: Any, row_id: str) -> Any:
    return tuple_(literal(given, value.type), literal(row_id))


def _gathered(  # noqa: PLR0917 - what its callers were given.
    tx: Transaction,
    workspace_id: str,
    browse: Browse,
    order: BrowseOrder,
    today: date,
    cursor: Cursor | None,
    limit: int,
) -> tuple[Page[Row[Any]], list[Limit]]:
    has_status = browse.status is not None
    if browse.text:
        keys = _keys(browse, order, has_status=has_status)
        gathered, limits = _with_text(tx, workspace_id, browse, keys)
    else:
        walk = _walk_anyhow(workspace_id, browse, today)
        value = walk.index.value
        newest = walk.statement.order_by(value.desc(), _c.id.desc())
        # The other statuses are those of their indexes, which tell no more of them.
        has_status = browse.status in {"issued", "expired"}
        gathered = _only(newest, *_keys(browse, order, has_status=has_status)).limit(GATHERED).subquery("gathered")
        limits = ["sorted_some"] if _has_more(tx, newest, GATHERED) else []
    # Its limit is a fence: what is asked here is asked of these rows only.
    conditions: list[ColumnElement[bool]] = [true()]
    if _has_days(browse):
        conditions += _days(browse, gathered.c.issue_date)
    if browse.status is not None and has_status:
        conditions.append(_has_status(browse.status, today, gathered.c))
    if browse.template_id is not None:
        conditions.append(gathered.c.credential_template_id == browse.template_id)
    column: Any = gathered.c[_SORTS[order.field][2]]
    row_id: Any = gathered.c.id
    pager = Pager(select(column, row_id).where(*conditions), column, row_id, descending=order.descending)
    page = pager.rows(tx, {}, cursor, limit)
    ids = [row.id for row in page.items]
    rows = {row.id: row for row in tx.execute(_BY_IDS, {"workspace_id": workspace_id, "ids": ids})}
    return map_page(page, lambda _: [rows[id_] for id_ in ids]), limits


def _keys(browse: Browse, order: BrowseOrder, *, has_status: bool) -> list[Column[Any]]:
    """What gathered rows are filtered and sorted by: each column more is work for both sides."""
    keys = [_c.id, _c[_SORTS[order.field][2]]]
    if _has_days(browse):
        keys.append(_c.issue_date)
    if browse.template_id is not None:
        keys.append(_c.credential_template_id)
    if has_status:
        keys += _STATUS_KEYS
    return list({key.name: key for key in keys}.values())


def _with_text(
    tx: Transaction, workspace_id: str, browse: Browse, keys: Sequence[Column[Any]]
) -> tuple[Subquery, list[Limit]]:
    """Names and addresses that begin with the text, of all; and of the newest those that hold it anywhere."""
    text = browse.text.casefold()
    template = [] if browse.template_id is None else [_c.credential_template_id == browse.template_id]
    name, created = (_NAME, _CREATED) if browse.template_id is None else (_TEMPLATE_NAME, _TEMPLATE_CREATED)
    beginning = [
        _by(index, workspace_id).where(*fixed, index.value >= text, index.value < text + _LAST).order_by(index.value)
        for index, fixed in ((name, template), (_EMAIL, []))
    ]
    newest = _by(created, workspace_id).where(*template).order_by(_c.created_at.desc(), _c.id.desc())
    names = {key.name for key in keys}
    looked_in = [key for key in (_c.recipient_name_key, _c.recipient_email_key) if key.name not in names]
    rows = _only(newest, *keys, *looked_in).limit(HOLDING_MAX).subquery("newest")
    anywhere = select(*(rows.c[key.name] for key in keys)).where(
        or_(
            rows.c.recipient_name_key.contains(text, autoescape=True),
            rows.c.recipient_email_key.contains(text, autoescape=True),
        )
    )
    parts = [
        select(_only(statement, *keys).limit(BEGINNING_MAX).subquery(f"beginning_{number}"))
        for number, statement in enumerate(beginning)
    ]
    limits: list[Limit] = []
    if any(_has_more(tx, statement, BEGINNING_MAX) for statement in beginning):
        limits.append("many_begin_so")
    elif _has_more(tx, newest, HOLDING_MAX):
        limits.append("newest_held")
    return union(*parts, anywhere).subquery("gathered"), limits


def _only(statement: Select[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    return statement.with_only_columns(*columns, maintain_column_froms=True)


def _has_more(tx: Transaction, statement: Select[Any], number: int) -> bool:
    one = _only(statement, literal_column("1")).offset(number).limit(1)
    return tx.execute(one).first() is not None


def _cursor(
    tx: Transaction, workspace_id: str, order: BrowseOrder, at: tuple[Literal["next", "prev"], str]
) -> Cursor | None:
    direction, row_id = at
    row = tx.execute(_BY_IDS, {"workspace_id": workspace_id, "ids": [row_id]}).one_or_none()
    return None if row is None else Cursor(direction, row._mapping[_SORTS[order.field][2]], row_id)  # noqa: SLF001


def _model(row: Row[Any]) -> CredentialRow:
    return CredentialRow(**{field: getattr(row, field) for field in CredentialRow.__struct_fields__})
