"""The endpoints of a workspace: adding, changing, rotating their secret."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.encryption import MasterKey
from testamur.errors import Conflict, Invalid, NotFound
from testamur.ids import new_id
from testamur.text import checked, clean_url
from testamur.webhooks.model import Endpoint
from testamur.webhooks.recording import EVENT_TYPES
from testamur.webhooks.signing import PREFIX
from testamur.webhooks.tables import webhook_endpoints as table

ENDPOINTS_MAX = 20
# How long a secret that was rotated away still signs beside the new one.
OVERLAP = timedelta(hours=24)
PURPOSE = "webhook"

_OF_WORKSPACE = select(table).where(table.c.workspace_id == bindparam("workspace_id"))
_BY_ID = _OF_WORKSPACE.where(table.c.id == bindparam("id"))
_PAGER = Pager(_OF_WORKSPACE, table.c.created_at, table.c.id)
_COUNT = select(func.count()).select_from(table).where(table.c.workspace_id == bindparam("workspace_id"))
_INSERT = insert(table)
_PLACE = (table.c.workspace_id == bindparam("of_workspace"), table.c.id == bindparam("of_id"))
_UPDATE = (
    update(table)
    .where(*_PLACE)
    .values(
        url=bindparam("new_url"),
        events=bindparam("new_events"),
        is_active=bindparam("new_is_active"),
        secret=bindparam("new_secret"),
        previous_secret=bindparam("new_previous_secret"),
        previous_secret_until=bindparam("new_previous_secret_until"),
        updated_at=bindparam("new_updated_at"),
    )
)
_ANY_SECRET = select(table.c.secret).limit(1)
_DELETE = delete(table).where(*_PLACE)


def add_endpoint(
    tx: Transaction,
    workspace_id: str,
    *,
    url: str,
    events: Sequence[str] | None = None,
    allow_http: bool = False,
    master_key: MasterKey,
    at: datetime,
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret; without events it is told of all.

    Raises Invalid for a URL or an event that cannot be used, Conflict if the workspace has too many.
    """
    if int(tx.execute(_COUNT, {"workspace_id": workspace_id}).scalar_one()) >= ENDPOINTS_MAX:
        raise Conflict(f"A workspace has at most {ENDPOINTS_MAX} webhooks; delete one first")
    secret = _new_secret()
    endpoint = Endpoint(
        id=new_id(),
        workspace_id=workspace_id,
        url=_checked_url(url, allow_http=allow_http),
        events=_checked_events(events),
        is_active=True,
        secret=master_key.encrypt(secret, PURPOSE),
        previous_secret=None,
        previous_secret_until=None,
        created_at=at,
        updated_at=at,
    )
    tx.execute(_INSERT, {field: getattr(endpoint, field) for field in endpoint.__struct_fields__})
    return endpoint, secret


def change_endpoint(
    tx: Transaction,
    workspace_id: str,
    endpoint_id: str,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    is_active: bool | None = None,
    allow_http: bool = False,
    at: datetime,
) -> Endpoint:
    """None leaves a value as it is. Raises NotFound, Invalid."""
    before = get_endpoint(tx, workspace_id, endpoint_id)
    after = msgspec.structs.replace(
        before,
        url=before.url if url is None else _checked_url(url, allow_http=allow_http),
        events=before.events if events is None else _checked_events(events),
        is_active=before.is_active if is_active is None else is_active,
    )
    return before if after == before else _store(tx, msgspec.structs.replace(after, updated_at=at))


def rotate_secret(
    tx: Transaction, workspace_id: str, endpoint_id: str, *, master_key: MasterKey, at: datetime
) -> tuple[Endpoint, str]:
    """A new secret; the one before goes on signing beside it for a day. Raises NotFound."""
    before = get_endpoint(tx, workspace_id, endpoint_id)
    secret = _new_secret()
    after = msgspec.structs.replace(
        before,
        secret=master_key.encrypt(secret, PURPOSE),
        previous_secret=before.secret,
        previous_secret_until=at + OVERLAP,
        updated_at=at,
    )
    return _store(tx, after), secret


def try_webhook_secrets(tx: Transaction, master_key: MasterKey) -> None:
    """Decrypt one of them, if there is any. Raises WrongMasterKey."""
    secret = tx.execute(_ANY_SECRET).scalar_one_or_none()
    if secret is not None:
        master_key.decrypt(secret, PURPOSE)


def delete_endpoint(tx: Transaction, workspace_id: str, endpoint_id: str) -> None:
    """With its deliveries. Raises NotFound."""
    if not tx.execute(_DELETE, {"of_workspace": workspace_id, "of_id": endpoint_id}).rowcount:
        raise NotFound


def get_endpoint(tx: Transaction, workspace_id: str, endpoint_id: str) -> Endpoint:
    """Raises NotFound."""
    row = tx.execute(_BY_ID, {"workspace_id": workspace_id, "id": endpoint_id}).one_or_none()
    if row is None:
        raise NotFound
    return _model(row)


def list_endpoints(tx: Transaction, workspace_id: str, cursor: Cursor | None, limit: int) -> Page[Endpoint]:
    page = _PAGER.rows(tx, {"workspace_id": workspace_id}, cursor, limit)
    return map_page(page, lambda rows: [_model(row) for row in rows])


def secrets_in_force(endpoint: Endpoint, master_key: MasterKey, at: datetime) -> list[str]:
    """The secrets to sign with, the newest first."""
    sealed = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_secret_until and endpoint.previous_secret_until > at:
        sealed.append(endpoint.previous_secret)
    return [master_key.decrypt(item, PURPOSE) for item in sealed]


def _store(tx: Transaction, endpoint: Endpoint) -> Endpoint:
    names = ("url", "events", "is_active", "secret", "previous_secret", "previous_secret_until", "updated_at")
    values = {f"new_{name}": getattr(endpoint, name) for name in names}
    tx.execute(_UPDATE, {"of_workspace": endpoint.workspace_id, "of_id": endpoint.id, **values})
    return endpoint


def _new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(24)).decode()


def _checked_url(url: str, *, allow_http: bool) -> str:
    cleaned = checked("url", clean_url, url)
    parts = urlsplit(cleaned)
    if parts.scheme != "https" and not allow_http:
        raise Invalid("Must start with https://", ("url",))
    if parts.username is not None or parts.fragment:
        raise Invalid("Must hold no user name, password or fragment", ("url",))
    return cleaned


def _checked_events(events: Sequence[str] | None) -> list[str]:
    if events is None:
        return list(EVENT_TYPES)
    if not events:
        raise Invalid("Must name at least one event", ("events",))
    for position, event in enumerate(events):
        if event not in EVENT_TYPES:
            raise Invalid(f"Must be one of {', '.join(EVENT_TYPES)}", ("events", position))
    return list(dict.fromkeys(events))


def _model(row: Row[Any]) -> Endpoint:
    return Endpoint(**row._mapping)  # noqa: SLF001
