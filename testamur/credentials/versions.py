"""Corrections: what an issued credential stated before, and what each of its versions changed.

The credential itself holds its newest version. A draft is changed in place: nobody has seen it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, select

from testamur.credentials.model import Credential
from testamur.credentials.queries import get_credential
from testamur.credentials.tables import credential_versions
from testamur.db import Transaction

_INSERT = insert(credential_versions)
_PLACE = (
    credential_versions.c.workspace_id == bindparam("workspace_id"),
    credential_versions.c.credential_id == bindparam("credential_id"),
)
_SUPERSEDED_AT = select(credential_versions.c.superseded_at).where(
    *_PLACE, credential_versions.c.number == bindparam("number")
)
# Those before the newest one that was read: another correction may come between two statements.
_EARLIER = (
    select(credential_versions)
    .where(*_PLACE, credential_versions.c.number < bindparam("newest"))
    .order_by(credential_versions.c.number)
)


class CredentialVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a credential: which one it supersedes, and the names of what it changed (none in the first)."""

    number: int
    supersedes: int | None
    changed: list[str]
    created_at: datetime


def keep_version(tx: Transaction, before: Credential, *, at: datetime) -> None:
    """Keep what a credential states, before a correction of it is written."""
    row = {
        "workspace_id": before.workspace_id,
        "credential_id": before.id,
        "number": before.version,
        **_stated(before),
        "created_at": began_at(tx, before),
        "superseded_at": at,
    }
    tx.execute(_INSERT, row)


def began_at(tx: Transaction, credential: Credential) -> datetime:
    """Since when the credential states what it does: its last correction, or else when it was issued."""
    if credential.version == 1:
        return credential.issued_at or credential.created_at
    place = {"workspace_id": credential.workspace_id, "credential_id": credential.id}
    moment: datetime = tx.execute(_SUPERSEDED_AT, {**place, "number": credential.version - 1}).scalar_one()
    return moment


def list_versions(tx: Transaction, workspace_id: str, credential_id: str) -> list[CredentialVersion]:
    """All versions of a credential, newest first. Raises NotFound."""
    credential = get_credential(tx, workspace_id, credential_id)
    place = {"workspace_id": workspace_id, "credential_id": credential_id, "newest": credential.version}
    states = [dict(row._mapping) for row in tx.execute(_EARLIER, place)]  # noqa: SLF001
    newest_since = states[-1]["superseded_at"] if states else began_at(tx, credential)
    states.append({"number": credential.version, **_stated(credential), "created_at": newest_since})
    first = CredentialVersion(number=1, supersedes=None, changed=[], created_at=states[0]["created_at"])
    later = [
        CredentialVersion(
            number=after["number"],
            supersedes=before["number"],
            changed=list(_changed(before, after)),
            created_at=after["created_at"],
        )
        for before, after in pairwise(states)
    ]
    return [first, *later][::-1]


def _stated(credential: Credential) -> dict[str, Any]:
    return {
        "recipient_name": credential.recipient.name,
        "recipient_email": credential.recipient.email,
        "issue_date": credential.issue_date,
        "expiry_date": credential.expiry_date,
        "custom_attributes": credential.custom_attributes,
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    names = {
        "recipient_name": "recipient.name",
        "recipient_email": "recipient.email",
        "issue_date": "issue_date",
        "expiry_date": "expiry_date",
    }
    yield from (name for column, name in names.items() if before[column] != after[column])
    custom_before, custom_after = before["custom_attributes"], after["custom_attributes"]
    yield from (
        tag for tag in sorted({*custom_before, *custom_after}) if custom_before.get(tag) != custom_after.get(tag)
    )
