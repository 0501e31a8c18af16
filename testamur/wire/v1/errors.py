from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from testamur.errors import Invalid, TestamurError
from testamur.wire.v1.words import wire_problem


class ErrorDetail(Struct):
    """One fault of the request: the way to the member, and what is wrong with it."""

    path: list[str | int]
    message: str


class ErrorBody(Struct):
    """What went wrong: a stable code for programs and a text for people."""

    code: str
    message: str
    details: Annotated[list[ErrorDetail], Meta(description="Each fault; for validation_error only.")] | UnsetType = (
        UNSET
    )


class Error(Struct):
    """The answer to a request that failed."""

    error: ErrorBody


def to_error(failure: TestamurError) -> Error:
    if not isinstance(failure, Invalid):
        return Error(ErrorBody(failure.code, failure.message))
    problems = [wire_problem(problem) for problem in failure.problems]
    details = [ErrorDetail(list(problem.path), problem.message) for problem in problems]
    return Error(ErrorBody(failure.code, str(problems[0]), details))


class Problem(Struct, omit_defaults=True):
    """A failure as RFC 9457 tells it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ErrorDetail] = []


def to_problem(failure: TestamurError, status: int) -> Problem:
    told = to_error(failure).error
    return Problem(
        type="about:blank",
        title=told.code.replace("_", " ").capitalize(),
        status=status,
        detail=told.message,
        errors=[] if isinstance(told.details, UnsetType) else told.details,
    )
