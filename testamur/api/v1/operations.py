"""An operation of the API: what it answers to, what it takes and gives, and the function that does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from testamur.audit.model import Actor
from testamur.audit.recording import record_action
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.plans import Plan
from testamur.tokens.model import AccessToken
from testamur.web.files import FileBytes
from testamur.web.platform import Platform
from testamur.wire.v1.decoding import decode_object
from testamur.workspaces.allowance import plan_of
from testamur.workspaces.model import Workspace

Shape = TypeVar("Shape")
Method = Literal["GET", "POST", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request."""

    platform: Platform
    workspace: Workspace
    token: AccessToken
    path: Mapping[str, str]
    query: Mapping[str, str]
    content: bytes
    at: datetime
    # What the operation does, for the audit log; empty if it is not written there.
    action: str = ""
    # The address that the request came from.
    client: str = ""

    @property
    def id(self) -> str:
        """The `{id}` of the path. Raises NotFound if it cannot be an id."""
        found = normalize_id(self.path["id"])
        if found is None:
            raise NotFound
        return found

    @property
    def number(self) -> int:
        """The `{number}` of the path. Raises NotFound if nothing can have it."""
        text = self.path["number"]
        if not text.isascii() or not text.isdigit() or len(text) > NUMBER_DIGITS_MAX:
            raise NotFound
        return int(text)

    def body(self, shape: type[Shape]) -> Shape:
        """The request body. Raises InvalidJSON or Invalid."""
        return decode_object(self.content, shape)

    def body_or(self, shape: type[Shape]) -> Shape:
        """The request body, which may also be left out."""
        return decode_object(self.content.strip() or b"{}", shape)

    def record(self, tx: Transaction, subject: str | None = None) -> None:
        """Write what the operation does into the audit log, in the transaction that does it.

        `subject` is what it was done to, if that is not the `{id}` of the path.
        """
        record_action(
            tx,
            self.workspace.id,
            Actor("token", self.token.id, self.token.name),
            self.action,
            subject=subject or (self.id if "id" in self.path else None),
            client=self.client,
            at=self.at,
        )

    @property
    def plan(self) -> Plan:
        """What the workspace may use."""
        return plan_of(self.workspace, self.platform.settings.plans)

    @property
    def base_url(self) -> str:
        return self.platform.settings.base_url


NUMBER_DIGITS_MAX = 9
BODY_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parameter:
    """A text in the query of an operation."""

    name: str
    description: str
    choices: tuple[str, ...] = ()
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """An answer that is a file and not JSON."""

    content: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """An answer that is a file which is made while it is sent. It cannot be kept, so no key makes it be repeated."""

    content: FileBytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`run` gets the call and returns the wire value of the answer, or None for an empty one.

    `errors` are the statuses that this operation may answer beside those of every operation.
    """

    method: Method
    path: str
    name: str
    summary: str
    tag: str
    run: Callable[[Call], Any]
    status: int = 200
    # What the audit log calls it. `run` writes it there, in its own transaction: `call.record(tx)`. What is done with a
    # credential before it is revoked or deleted stands in the credential, and not there, so that issuing stays quick.
    action: str = ""
    body: Any = None
    answer: Any = None
    # Of an answer that is a file.
    file_type: str = "text/csv"
    is_body_required: bool = True
    is_list: bool = False
    parameters: tuple[Parameter, ...] = ()
    # Ours, and not of the protocol that the rest follows.
    is_extension: bool = False
    # It takes much longer than a few statements, so it must not hold up the requests beside it.
    is_long: bool = False
    # The body is a file of this media type, and not JSON.
    upload: str | None = None
    body_bytes_max: int = BODY_BYTES_MAX
    errors: tuple[int, ...] = ()
    description: str = ""
