"""An operation of the API: what it answers to, what it takes and gives, and the function that does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.web.platform import Platform
from testamur.wire.v1.decoding import decode_object
from testamur.workspaces.model import Workspace

Shape = TypeVar("Shape")
Method = Literal["GET", "POST", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request."""

    platform: Platform
    workspace: Workspace
    path: Mapping[str, str]
    query: Mapping[str, str]
    content: bytes
    at: datetime

    @property
    def id(self) -> str:
        """The `{id}` of the path. Raises NotFound if it cannot be an id."""
        found = normalize_id(self.path["id"])
        if found is None:
            raise NotFound
        return found

    def body(self, shape: type[Shape]) -> Shape:
        """The request body. Raises InvalidJSON or Invalid."""
        return decode_object(self.content, shape)

    @property
    def base_url(self) -> str:
        return self.platform.settings.base_url


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
    body: Any = None
    answer: Any = None
    is_list: bool = False
    errors: tuple[int, ...] = ()
    description: str = ""
