"""Trials: whether the engine draws a picture. Run as a program, it tries the SVG that it reads from standard input
for as many seconds of a processor as its argument says.

A program of its own, because the engine can be brought down by vector pictures (by coordinates that overflow, by
patterns as large as a house), and what goes down then is the trial and not the server.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from threading import BoundedSemaphore
from typing import Literal

import typst

from testamur.rendering.fonts import load_fonts

_CPU_SECONDS = 6
_WALL_SECONDS = 60
_MEMORY_BYTES = 3 * 1024**3
_TRIALS = BoundedSemaphore(2)


Ending = Literal["png", "jpg", "svg"]


def draws(content: bytes, ending: Ending, *, side_pt: float = 10) -> bool:
    """Whether the engine draws the picture, as pixels and in a PDF."""
    try:
        for output in ("png", "pdf"):
            drawn(content, ending, side_pt=side_pt, output=output)
    except Exception:  # noqa: BLE001 - what cannot be drawn fails in many ways.
        return False
    except BaseException as error:
        # A fault inside the engine arrives as an exception of its own kind that is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        return False
    return True


def drawn(content: bytes, ending: Ending, *, side_pt: float, output: Literal["png", "pdf"] = "png") -> bytes:
    """The picture alone in the middle of a square page; a point is a pixel."""
    source = (
        f"#set page(width: {side_pt}pt, height: {side_pt}pt, margin: 0pt)\n"
        f'#image("picture.{ending}", width: 100%, height: 100%, fit: "contain")'
    )
    with tempfile.TemporaryDirectory(prefix="testamur-") as folder:
        Path(folder, f"picture.{ending}").write_bytes(content)
        main = Path(folder, "main.typ")
        main.write_text(source, encoding="utf-8")
        compiler = typst.Compiler(main, root=folder, font_paths=load_fonts(), ignore_system_fonts=True)
        made = compiler.compile(format=output, ppi=72)
    assert isinstance(made, bytes)
    return made


def draws_elsewhere(svg: bytes) -> bool:
    """Whether the engine draws the SVG within some seconds and some memory, tried in a process of its own."""
    try:
        with _TRIALS:
            done = subprocess.run(  # noqa: S603 - this program itself.
                [sys.executable, "-P", "-m", "testamur.rendering.trial", str(_CPU_SECONDS)],
                input=svg,
                capture_output=True,
                timeout=_WALL_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _limit(cpu_seconds: int) -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not on Windows.

        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit(int(sys.argv[1]))
    # About half as wide as a certificate; effects take time by their area.
    sys.exit(0 if draws(sys.stdin.buffer.read(), "svg", side_pt=400) else 1)
