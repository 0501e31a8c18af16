"""Certificates as PDF and PNG: Testamur and what a user would render with instead, in turn; memory; and ten thousand."""

import io
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median

import msgspec
import psutil
import zxingcpp
from PIL import Image, ImageFilter

from benchmarks.engines import (
    FONTS,
    PICTURES,
    PNG_WIDTH_PX,
    Engine,
    chromium,
    chromium_png,
    patched_chromium,
    pillow_png,
    reportlab,
    tuned_chromium,
    weasyprint,
)
from benchmarks.report import Report, Target
from testamur.designs.starters import read_starter
from testamur.rendering.attributes_in_text import fill_in
from testamur.rendering.document import Document, to_json
from testamur.rendering.elements import Background, Text
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.values import Value
from testamur.rendering.worker import Definition
from testamur.rendering.workers import RenderingPool

AT = datetime(2026, 11, 24, tzinfo=UTC)
WARM_UP = 5
PROCESSES = 2
BULK, BULK_QUICK = 10_000, 300
BACKGROUND_PX = (1754, 1240)
_MIB = 1024 * 1024


class _Assets:
    def read(self, digest: str) -> bytes:
        return PICTURES[digest]


def measure(*, quick: bool) -> Report:
    wanted: dict[str, Engine] = {"Testamur": _testamur, "ReportLab": reportlab, "WeasyPrint": weasyprint}
    left_out = _with_chromium(
        wanted,
        {
            "Chromium, page reused": chromium,
            "Chromium, and fonts kept": tuned_chromium,
            "Chromium, only texts changed": patched_chromium,
        },
    )
    limits = {"Chromium, page reused": 15, "WeasyPrint": 5, "ReportLab": 4}
    report = _beside(
        "pdf", "One A4 certificate as PDF", read_starter("certificate").document, wanted, limits, quick=quick
    )
    with _testamur(read_starter("certificate").document) as draw:
        growth, after = _memory(draw, 300 if quick else 3000)
    flat = Target(name=f"memory growth over {after} documents, MiB", measured=growth, at_most=30)
    return msgspec.structs.replace(report, targets=[*report.targets, flat], left_out=left_out)


def measure_picture(*, quick: bool) -> Report:
    wanted: dict[str, Engine] = {"Testamur": _testamur, "ReportLab": reportlab, "WeasyPrint": weasyprint}
    left_out = _with_chromium(wanted, {"Chromium, page reused": chromium})
    limits = {"Chromium, page reused": 25, "WeasyPrint": 8, "ReportLab": 6}
    title = "One A4 certificate with a picture as its background, as PDF"
    report = _beside("picture-pdf", title, _with_picture(), wanted, limits, quick=quick)
    return msgspec.structs.replace(report, left_out=left_out)


def measure_png(*, quick: bool) -> Report:
    wanted: dict[str, Engine] = {"Testamur": _testamur_png, "Pillow": pillow_png}
    left_out = _with_chromium(wanted, {"Chromium, a screenshot": chromium_png})
    limits = {"Chromium, a screenshot": 10, "Pillow": 5}
    title = f"One A4 certificate with a picture as its background, as PNG of {PNG_WIDTH_PX} pixels"
    report = _beside("png", title, _with_picture(), wanted, limits, quick=quick)
    return msgspec.structs.replace(report, left_out=left_out)


def measure_bulk(*, quick: bool) -> Report:
    """PDFs with a picture background into a folder, on two processes; and what cannot be saved of it."""
    count = BULK_QUICK if quick else BULK
    document = _with_picture()
    definition = Definition(document=to_json(document).decode(), pictures=PICTURES)
    process = psutil.Process()
    resident: list[int] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        RenderingPool(processes=PROCESSES, queue=10, seconds=60, memory_mib=1024) as pool,
    ):
        renderer = pool.renderer("bulk", lambda: definition)

        def write(number: int) -> int:
            values = _values(number)
            made: bytes = renderer.pdf(values, title=_title(values), at=AT)
            Path(folder, f"{number}.pdf").write_bytes(made)
            return len(made)

        list(pool.map(partial(write, number) for number in range(WARM_UP * PROCESSES)))
        began = time.perf_counter()
        size = 0
        for number, written in enumerate(pool.map(partial(write, number) for number in range(count))):
            size = written
            if number in {100, count - 1}:
                resident.append(sum(item.memory_info().rss for item in [process, *process.children(recursive=True)]))
        seconds = time.perf_counter() - began
        floor = _floor(document, Path(folder), size, 100 if quick else 1000)
    rate, ratio = count / seconds, seconds / count * PROCESSES / floor
    # Either will do: the rate depends on the machine, the ratio to what cannot be saved less so.
    kept = max(rate / 180, 8 / ratio)
    return Report(
        name="bulk",
        title=f"{count:,} PDFs with a picture background into a folder, {PROCESSES} processes",
        headings=("PDFs/s", "ms of a processor each", "floor, ms", "ratio", "MiB after 100", "MiB at the end"),
        rows=[
            (
                f"{rate:.0f}",
                f"{seconds / count * PROCESSES * 1000:.2f}",
                f"{floor * 1000:.2f}",
                f"{ratio:.1f}",
                *(f"{item / _MIB:.0f}" for item in resident),
            )
        ],
        targets=[
            Target(name="of 180 PDFs a second, or of 8 times the floor", measured=kept, at_least=1),
            Target(name="memory at the end over that after 100", measured=resident[1] / resident[0], at_most=1.5),
        ],
        notes=["The floor is writing the bytes, shaping the texts and making the QR code, nothing else."],
    )


def _floor(document: Document, folder: Path, size: int, count: int) -> float:
    """Seconds of one processor for what no writer of such PDFs can leave out."""
    import uharfbuzz

    fonts = [
        uharfbuzz.Font(uharfbuzz.Face((FONTS / name).read_bytes()))
        for name in ("EBGaramond-Regular.ttf", "Inter-Variable.ttf")
    ]
    texts = [element.text or "" for element in document.elements if isinstance(element, Text)]
    content = random.Random(1).randbytes(size)
    began = time.perf_counter()
    for number in range(count):
        values = _values(number)
        for text in texts:
            buffer = uharfbuzz.Buffer()
            buffer.add_str(fill_in(text, values))
            buffer.guess_segment_properties()
            uharfbuzz.shape(fonts[number % 2], buffer)
        zxingcpp.create_barcode(str(values["credential.url"]), zxingcpp.BarcodeFormat.QRCode)
        Path(folder, f"floor-{number}.pdf").write_bytes(content)
    return (time.perf_counter() - began) / count


def _with_chromium(wanted: dict[str, Engine], engines: Mapping[str, Engine]) -> list[str]:
    """Adds them where there is a browser; what is to be said where there is none."""
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        return ["Chromium: it is not installed"]
    wanted |= engines
    return []


def _beside(
    name: str, title: str, document: Document, wanted: Mapping[str, Engine], limits: Mapping[str, float], *, quick: bool
) -> Report:
    """All engines in turn, some rounds; the ratios are of one round each."""
    rounds, count = (1, 5) if quick else (3, 30)
    times: dict[str, list[float]] = {engine: [] for engine in wanted}
    sizes: dict[str, int] = {}
    with ExitStack() as opened:
        drawers = {engine: opened.enter_context(open_(document)) for engine, open_ in wanted.items()}
        number = 0
        for draw in drawers.values():
            for _ in range(WARM_UP):
                number += 1
                draw(_values(number))
        for _ in range(rounds):
            for engine, draw in drawers.items():
                began = time.perf_counter()
                for _ in range(count):
                    number += 1
                    made = draw(_values(number))
                times[engine].append((time.perf_counter() - began) / count)
                assert made.startswith((b"%PDF", b"\x89PNG"))
                sizes[engine] = len(made)
    ratios = {
        engine: median(other / own for own, other in zip(times["Testamur"], found, strict=True))
        for engine, found in times.items()
    }
    return Report(
        name=name,
        title=title,
        headings=("engine", "ms each", "kB", "Testamur is"),
        rows=[
            (engine, f"{median(found) * 1000:.1f}", f"{sizes[engine] / 1000:.0f}", f"{ratios[engine]:.1f} x as fast")
            for engine, found in times.items()
        ],
        targets=[
            Target(name=f"times as fast as {engine}", measured=ratios[engine], at_least=limit)
            for engine, limit in limits.items()
            if engine in ratios
        ],
    )


@contextmanager
def _testamur(document: Document) -> Iterator[Callable[[Mapping[str, Value]], bytes]]:
    renderer = Renderer(document, _Assets())
    yield lambda values: renderer.pdf(values, title=_title(values), at=AT)


@contextmanager
def _testamur_png(document: Document) -> Iterator[Callable[[Mapping[str, Value]], bytes]]:
    renderer = Renderer(document, _Assets())
    yield lambda values: renderer.png(values, width_px=PNG_WIDTH_PX)


def _with_picture() -> Document:
    """The starter certificate on a picture such as a designer would hand over: soft clouds, about 100 kB of JPEG."""
    noise = Image.frombytes("L", (44, 31), random.Random(1).randbytes(44 * 31)).resize(BACKGROUND_PX)
    tinted = Image.merge("RGB", [noise.point(lambda value, low=low: low + value // 12) for low in (230, 226, 214)])
    content = io.BytesIO()
    tinted.filter(ImageFilter.GaussianBlur(2)).save(content, "JPEG", quality=96)
    digest = sha256(content.getvalue()).hexdigest()
    PICTURES[digest] = content.getvalue()
    document = read_starter("certificate").document
    return msgspec.structs.replace(document, background=Background(picture=f"asset:{digest}"))


def _values(number: int) -> dict[str, Value]:
    """No two documents alike, so that nothing can be kept from the one before."""
    public_id = f"124a8110-1af5-4747-9308-{number:012}"
    return {
        **SAMPLE_VALUES,
        "recipient.name": f"Alexandra Whitfield {number}",
        "certificate.uuid": public_id,
        "credential.url": f"https://example.org/credentials/{public_id}",
    }


def _title(values: Mapping[str, Value]) -> str:
    """As certificates are titled: no two alike either."""
    return f"Financial Markets - {values['recipient.name']}"


def _memory(draw: Callable[[Mapping[str, Value]], bytes], count: int) -> tuple[float, int]:
    """MiB by which this process has grown between the first tenth of the documents and the last."""
    process = psutil.Process(os.getpid())
    before = 0.0
    for number in range(count):
        draw(_values(number + 10**9))
        if number == count // 10:
            before = process.memory_info().rss
    return (process.memory_info().rss - before) / _MIB, count
