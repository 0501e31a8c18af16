"""A recipient asks: what was asked for waits until the link in a mail to the credential's own address is used."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from testamur.change_requests.model import REQUEST_KINDS, ChangeRequest, RequestKind
from testamur.change_requests.queries import COLUMNS, OPEN_MAX, count_open_of_credential, to_request
from testamur.change_requests.tables import change_requests as table
from testamur.credentials.awards import RECIPIENT_NAME_LENGTH_MAX
from testamur.credentials.model import Credential
from testamur.credentials.queries import find_credential, lock_credential
from testamur.db import Transaction
from testamur.delivery.queueing import queue_server_email
from testamur.errors import Conflict, Invalid
from testamur.ids import new_id
from testamur.text import checked, clean_email, clean_line, clean_text, parse_day
from testamur.tokens.secrets import hash_secret

LINK_VALID = timedelta(days=7)
MESSAGE_LENGTH_MAX = 2000
_SECRET_BYTES = 32

_INSERT = insert(table)
_WAITING = (table.c.id == bindparam("of_id"), table.c.state == "unconfirmed", table.c.expires_at > bindparam("at"))
_KEEP_SECRET = (
    update(table)
    .where(table.c.workspace_id == bindparam("of_workspace"), *_WAITING)
    .values(secret_hash=bindparam("new_hash"))
)
_FIND = select(*COLUMNS).where(
    table.c.secret_hash == bindparam("of_hash"),
    # What was confirmed in time can be looked at with the same link as long as it is there.
    (table.c.state != "unconfirmed") | (table.c.expires_at > bindparam("at")),
)
_CONFIRM = update(table).where(*_WAITING).values(state="open", confirmed_at=bindparam("at"))
_FORGET = delete(table).where(table.c.state == "unconfirmed", table.c.expires_at <= bindparam("at"))


def can_be_asked(credential: Credential) -> bool:
    """Whether there is an address that a link can be sent to."""
    return credential.recipient.email is not None


def stated_of(credential: Credential, kind: RequestKind) -> str:
    """What a credential says now of what a request is about."""
    return {
        "name": credential.recipient.name,
        "email": credential.recipient.email or "",
        "date": credential.issue_date.isoformat(),
        "other": "",
    }[kind]


def ask_for_change(
    tx: Transaction, credential: Credential, *, kind: str, proposed: str, message: str, at: datetime
) -> ChangeRequest:
    """A request, and a mail to the credential's own address with the link that makes it real.

    `credential` is an issued one. Raises Invalid with the field that cannot be used, Conflict if there is no address or
    if enough requests are open already.
    """
    wanted = next((known for known in REQUEST_KINDS if known == kind), None)
    if wanted is None:
        raise Invalid("Choose what is wrong", ("kind",))
    if credential.recipient.email is None:
        raise Conflict("This credential was issued without an email address; ask the issuer directly")
    _check_room(tx, credential)
    text = checked("message", clean_text, message, length_max=MESSAGE_LENGTH_MAX).replace("\r\n", "\n").strip()
    if wanted == "other" and not text:
        raise Invalid("Tell what is wrong, and what would be right", ("message",))
    request = ChangeRequest(
        id=new_id(),
        workspace_id=credential.workspace_id,
        credential_id=credential.id,
        kind=wanted,
        stated=stated_of(credential, wanted),
        proposed=_checked_proposal(credential, wanted, proposed),
        message=text,
        state="unconfirmed",
        answer=None,
        created_at=at,
        expires_at=at + LINK_VALID,
        confirmed_at=None,
        closed_at=None,
    )
    tx.execute(_INSERT, {field: getattr(request, field) for field in request.__struct_fields__})
    values = {"workspace_id": request.workspace_id, "request_id": request.id}
    queue_server_email(tx, "correction_request", credential.recipient.email, values, at=at)
    return request


def make_link(
    tx: Transaction, workspace_id: str, request_id: str, to_address: str, *, at: datetime
) -> tuple[Credential, str] | None:
    """The credential that a waiting request is about, and the secret of its link, which is not kept.

    None if there is nothing to confirm any more, or if the credential was issued to another address meanwhile.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    place = {"of_workspace": workspace_id, "of_id": request_id, "at": at}
    if not tx.execute(_KEEP_SECRET, {**place, "new_hash": hash_secret(secret)}).rowcount:
        return None
    found = to_request(tx.execute(_FIND, {"of_hash": hash_secret(secret), "at": at}).one())
    credential = find_credential(tx, workspace_id, found.credential_id)
    if credential is None or credential.recipient.email != to_address:
        return None
    return credential, secret


def find_by_link(tx: Transaction, secret: str, *, at: datetime) -> ChangeRequest | None:
    """The request that a link leads to, or None if it is unknown or too old. Nothing changes by that."""
    row = tx.execute(_FIND, {"of_hash": hash_secret(secret), "at": at}).one_or_none()
    return None if row is None else to_request(row)


def confirm(tx: Transaction, secret: str, *, at: datetime) -> ChangeRequest | None:
    """The request is real from now on; None as `find_by_link`. One that is so already stays as it is.

    Raises Conflict if the credential has enough open requests.
    """
    found = find_by_link(tx, secret, at=at)
    if found is None or found.state != "unconfirmed":
        return found
    # Two links of one credential may be used at once.
    _check_room(tx, lock_credential(tx, found.workspace_id, found.credential_id))
    tx.execute(_CONFIRM, {"of_id": found.id, "at": at})
    return find_by_link(tx, secret, at=at)


def forget_unconfirmed(tx: Transaction, *, at: datetime) -> None:
    """Remove those whose link was not used in time."""
    tx.execute(_FORGET, {"at": at})


def _check_room(tx: Transaction, credential: Credential) -> None:
    if count_open_of_credential(tx, credential.workspace_id, credential.id) >= OPEN_MAX:
        raise Conflict(f"{OPEN_MAX} requests about this credential wait for the issuer; wait for an answer first")


def _checked_proposal(credential: Credential, kind: RequestKind, proposed: str) -> str:
    if kind == "other":
        return ""
    if kind == "name":
        right = checked("proposed", clean_line, proposed, length_max=RECIPIENT_NAME_LENGTH_MAX)
    elif kind == "email":
        right = checked("proposed", clean_email, proposed)
    else:
        try:
            right = parse_day(proposed.strip()).isoformat()
        except Invalid as fault:
            raise fault.under("proposed") from None
    # Whoever asks sees name and date on the page; of the address nobody may learn whether they have guessed it.
    if kind != "email" and right == stated_of(credential, kind):
        raise Invalid("The credential says this already", ("proposed",))
    return right
