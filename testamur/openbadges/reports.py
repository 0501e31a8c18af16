"""What a verification tells: a verdict, and how each step of it went, in words for whoever looks at a badge."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from testamur.errors import Problem
from testamur.openbadges.credential_rules import moment

STEPS = ("valid_signature", "expiration", "revocation_status", "registered_issuer", "schema")
CLOCK_SKEW = timedelta(minutes=5)
# What people call them, and what the verdicts mean to them.
STEP_TITLES = {
    "valid_signature": "Signature",
    "expiration": "Validity period",
    "revocation_status": "Revocation",
    "registered_issuer": "Issuer",
    "schema": "Form",
    "transparency": "Transparency log",
}
STEP_MARKS = {"passed": "✓", "failed": "✗", "skipped": "\u2013"}
VERDICT_TITLES = {
    "valid": ("Valid", "It is what its issuer signed or serves, it is in force, and the issuer is known here."),
    "valid_unknown_issuer": (
        "Valid, from an issuer who is not known here",
        "It is what its issuer signed or serves, and it is in force. Who that issuer really is must be known from elsewhere.",
    ),
    "invalid": ("Not valid", "Do not rely on it. The steps tell what failed, and why."),
}

StepStatus = Literal["passed", "failed", "skipped"]
Verdict = Literal["valid", "valid_unknown_issuer", "invalid"]


class Step(msgspec.Struct, frozen=True):
    """`reason` says what was found, also of a step that passed."""

    name: str
    status: StepStatus
    reason: str


class Facts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the badge says of itself, proven or not; None where it says nothing that can be read.

    `recipient` is a name, or an address that is not hashed. `standard` is `Open Badges 3.0` or `Open Badges 2.0`.
    """

    standard: str | None = None
    id: str | None = None
    name: str | None = None
    issuer: str | None = None
    issuer_name: str | None = None
    recipient: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The steps stand in the order of `STEPS`. `document` is the badge as it was read, None if nothing could be."""

    verdict: Verdict
    steps: tuple[Step, ...]
    facts: Facts
    document: Mapping[str, Any] | None = None


def report(steps: Sequence[Step], facts: Facts, document: Mapping[str, Any] | None) -> Report:
    """The steps with their verdict: an issuer that is not known is no fault of the badge, anything else is."""
    failed = {step.name for step in steps if step.status == "failed"}
    verdict: Verdict = "valid"
    if failed:
        verdict = "valid_unknown_issuer" if failed == {"registered_issuer"} else "invalid"
    return Report(verdict=verdict, steps=tuple(steps), facts=facts, document=document)


def unreadable(reason: str, facts: Facts | None = None, document: Mapping[str, Any] | None = None) -> Report:
    """The report on what is no badge at all."""
    first, *others = STEPS
    steps = [Step(first, "failed", reason)]
    steps += [Step(name, "skipped", "There is no badge to look at.") for name in others]
    return report(steps, facts or Facts(), document)


def expiration_step(valid_from: Any, valid_until: Any, at: datetime) -> Step:
    """Whether it is valid at this time; clocks may differ by five minutes. Dates may be left out, but must be dates."""
    start, end = moment(valid_from), moment(valid_until)
    if (valid_from is not None and start is None) or (valid_until is not None and end is None):
        return Step("expiration", "failed", "A date in it cannot be read, so it is not clear when it is valid.")
    if start is not None and start > at and start - at > CLOCK_SKEW:
        return Step("expiration", "failed", f"It is valid only from {valid_from} on.")
    if end is not None and end < at and at - end > CLOCK_SKEW:
        return Step("expiration", "failed", f"It expired: it was valid until {valid_until}.")
    return Step("expiration", "passed", f"It is valid until {valid_until}." if end else "It does not expire.")


def issuer_step(issuer: str, known_issuers: Container[str], *, is_proven: bool) -> Step:
    if not is_proven:
        return Step("registered_issuer", "skipped", "Who issued it is not proven, so the name was not looked up.")
    if issuer in known_issuers:
        return Step("registered_issuer", "passed", f"The issuer {issuer} is known here.")
    return Step(
        "registered_issuer",
        "failed",
        f"The issuer {issuer} is not known here: make sure that this is really who it claims to be.",
    )


def schema_step(problems: Sequence[Problem], standard: str) -> Step:
    if not problems:
        return Step("schema", "passed", f"It has all parts that {standard} asks for, in the right form.")
    told = "; ".join(str(problem)[:200] for problem in problems[:5])
    more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    return Step("schema", "failed", f"It is not written as {standard} asks for: {told}{more}.")


def text_or_none(value: Any) -> str | None:
    """A text of a badge as a fact: cut where it is longer than anybody reads."""
    return value[:2000] if isinstance(value, str) and value else None
