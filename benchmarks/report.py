"""What a benchmark found: rows of figures, and targets that hold or do not."""

from collections.abc import Sequence

import msgspec


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that was promised. `at_least` or `at_most` is the promise, `measured` is what came out."""

    name: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        if self.at_least is not None:
            return self.measured >= self.at_least
        return self.at_most is None or self.measured <= self.at_most

    def __str__(self) -> str:
        promise = f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"
        return f"{'holds ' if self.holds else 'MISSED'}  {self.name}: {self.measured:.3g} ({promise})"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark's table, and what was left out on this machine with the reason."""

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target]
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()


def as_text(report: Report) -> str:
    """The report as a Markdown table, which reads as well on a terminal."""
    widths = [max(len(row[at]) for row in (report.headings, *report.rows)) for at in range(len(report.headings))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    lines = ["", f"## {report.title}", "", line(report.headings), line(["-" * width for width in widths])]
    lines += [line(row) for row in report.rows]
    lines += [
        "",
        *(f"- {target}" for target in report.targets),
        *(f"- not measured: {text}" for text in report.left_out),
    ]
    lines += [f"- {note}" for note in report.notes]
    return "\n".join(lines)
