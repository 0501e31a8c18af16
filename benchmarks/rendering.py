"""One certificate as PDF: Testamur and what a user would render with instead, in turn; and memory over many."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from statistics import median

import psutil

from benchmarks.engines import Engine, chromium, patched_chromium, reportlab, tuned_chromium, weasyprint
from benchmarks.report import Report, Target
from testamur.designs.starters import read_starter
from testamur.rendering.document import Document
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.values import Value

AT = datetime(2026, 11, 24, tzinfo=UTC)
WARM_UP = 5


class _NoAssets:
    def read(self, digest: str) -> bytes:
        raise FileNotFoundError(digest)


def measure(*, quick: bool) -> Report:
    rounds, count = (1, 5) if quick else (3, 30)
    document = read_starter("certificate").document
    wanted: dict[str, Engine] = {"Testamur": _testamur, "ReportLab": reportlab, "WeasyPrint": weasyprint}
    left_out = []
    if shutil.which("chromium") or shutil.which("google-chrome"):
        wanted |= {
            "Chromium, page reused": chromium,
            "Chromium, and fonts kept": tuned_chromium,
            "Chromium, only texts changed": patched_chromium,
        }
    else:
        left_out.append("Chromium: it is not installed")
    times: dict[str, list[float]] = {name: [] for name in wanted}
    sizes: dict[str, int] = {}
    with ExitStack() as opened:
        drawers = {name: opened.enter_context(engine(document)) for name, engine in wanted.items()}
        number = 0
        for draw in drawers.values():
            for _ in range(WARM_UP):
                number += 1
                draw(_values(number))
        for _ in range(rounds):
            for name, draw in drawers.items():
                began = time.perf_counter()
                for _ in range(count):
                    number += 1
                    made = draw(_values(number))
                times[name].append((time.perf_counter() - began) / count)
                assert made.startswith(b"%PDF")
                sizes[name] = len(made)
        growth, after = _memory(drawers["Testamur"], 300 if quick else 3000)
    ratios = {
        name: median(other / own for own, other in zip(times["Testamur"], found, strict=True))
        for name, found in times.items()
    }
    limits = {"Chromium, page reused": 15, "WeasyPrint": 5, "ReportLab": 4}
    return Report(
        name="pdf",
        title="One A4 certificate as PDF",
        headings=("engine", "ms each", "kB", "Testamur is"),
        rows=[
            (name, f"{median(found) * 1000:.1f}", f"{sizes[name] / 1000:.0f}", f"{ratios[name]:.1f} x as fast")
            for name, found in times.items()
        ],
        targets=[
            *(
                Target(name=f"times as fast as {name}", measured=ratios[name], at_least=limit)
                for name, limit in limits.items()
                if name in ratios
            ),
            Target(name=f"memory growth over {after} documents, MiB", measured=growth, at_most=30),
        ],
        left_out=left_out,
    )


@contextmanager
def _testamur(document: Document) -> Iterator[Callable[[Mapping[str, Value]], bytes]]:
    renderer = Renderer(document, _NoAssets())
    yield lambda values: renderer.pdf(values, title="Financial Markets", at=AT)


def _values(number: int) -> dict[str, Value]:
    """No two documents alike, so that nothing can be kept from the one before."""
    public_id = f"124a8110-1af5-4747-9308-{number:012}"
    return {
        **SAMPLE_VALUES,
        "recipient.name": f"Alexandra Whitfield {number}",
        "certificate.uuid": public_id,
        "credential.url": f"https://example.org/credentials/{public_id}",
    }


def _memory(draw: Callable[[Mapping[str, Value]], bytes], count: int) -> tuple[float, int]:
    """MiB by which this process has grown between the first tenth of the documents and the last."""
    process = psutil.Process()
    before = 0.0
    for number in range(count):
        draw(_values(number + 10**9))
        if number == count // 10:
            before = process.memory_info().rss
    return (process.memory_info().rss - before) / 1024 / 1024, count
