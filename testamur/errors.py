"""The kinds of failure that reach a person: each has a stable code and a default message.

A door turns a kind into its own answer (an HTTP status, an exit code); nothing below a door knows of either.
The codes and the documented texts are those of the public API.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in what somebody gave us: where it is, and what to do about it.

    `path` leads from the outside to the faulty value: member names and list positions, such as
    `("recipient", "name")` or `("elements", 3, "width")`.
    """

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        where = path_text(self.path)
        return f"{where}: {self.message}" if where else self.message


def path_text(path: tuple[str | int, ...]) -> str:
    """`("elements", 3, "width")` as `elements[3].width`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


class TestamurError(Exception):
    """A failure that is told to whoever asked. `code` is what programs test, `message` is for people."""

    __test__ = False  # pytest would take the name for a test class.

    code: ClassVar[str] = "internal_server_error"
    message: str = "There was a problem on Testamur's end"

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)


class Invalid(TestamurError):
    """What was given cannot be accepted; `problems` names each fault, the first one is the message."""

    code = "validation_error"
    message = "The request is not valid"

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(str(Problem(path, message)))
        self.problems: tuple[Problem, ...] = (Problem(path, message),)

    @classmethod
    def of(cls, problems: "list[Problem]") -> "Invalid":
        """One failure that carries several faults (at least one)."""
        error = cls(problems[0].message, problems[0].path)
        error.problems = tuple(problems)
        return error

    def under(self, *prefix: str | int) -> "Invalid":
        """The same faults, seen from one level further out."""
        return Invalid.of([Problem((*prefix, *problem.path), problem.message) for problem in self.problems])


class InvalidJSON(TestamurError):
    code = "invalid_json"
    message = "The request body can not be decoded as JSON"


class MissingVersion(TestamurError):
    code = "missing_version"
    message = "The request is missing the required Certifier-Version header"


class InvalidVersion(TestamurError):
    code = "invalid_version"
    message = "The Certifier-Version header's value is invalid"


class Unauthorized(TestamurError):
    code = "unauthorized"
    message = "A valid authentication token was not provided with the request"


class PaymentRequired(TestamurError):
    code = "payment_required"
    message = "The requested feature is only available to premium organizations"


class Forbidden(TestamurError):
    code = "forbidden"
    message = "You do not have access to the requested resource"


class NotFound(TestamurError):
    code = "not_found"
    message = "The requested resource does not exist"


class Gone(TestamurError):
    """It was there, and was taken away for good."""

    code = "gone"
    message = "The requested resource is gone"


class Conflict(TestamurError):
    code = "conflict"
    message = "The request conflicts with the current state of the resource"


class Unprocessable(TestamurError):
    """The request is well-formed, and contradicts one that was made before."""

    code = "unprocessable"
    message = "The request contradicts an earlier one"


class TooLarge(TestamurError):
    code = "payload_too_large"
    message = "The request body is too large"


class RateLimited(TestamurError):
    """Too many requests; `retry_after_seconds` tells when the next one will pass."""

    code = "rate_limited"
    message = "You have exceeded the rate limit"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Unavailable(TestamurError):
    """The server cannot do this now; the same request may pass later, if known in `retry_after_seconds`."""

    code = "service_unavailable"
    message = "Testamur is temporarily unavailable"

    def __init__(self, message: str | None = None, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
