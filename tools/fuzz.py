"""Feed the document parser, the renderer and the picture checks with nonsense for a while; tell what breaks.

    python -m tools.fuzz --minutes 60 [--seed 1]

Whatever it is given, the engine must either refuse it with a message or draw it: anything else is a finding, told with
the seed of its round, and the exit code is then 1. What is drawn is drawn in worker processes, so a crash is a finding
and not the end.
"""

import argparse
import contextlib
import io
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from PIL import Image

from testamur.designs.starters import STARTERS, read_starter
from testamur.errors import TestamurError, Unavailable
from testamur.rendering.document import ELEMENTS, Document, parse_document, to_json
from testamur.rendering.fonts import FAMILIES
from testamur.rendering.icons import icon_svg, icons
from testamur.rendering.pictures import prepare_picture
from testamur.rendering.values import Value
from testamur.rendering.worker import Definition
from testamur.rendering.workers import RenderingPool

AT = datetime(2026, 11, 24, tzinfo=UTC)
NASTY = [
    "", " ", "\0", "\x0b\x1b[31m", "\u202e\u202d evil \u202c", "\u2066x\u2069", "a\u200d\u200d\u200db", "\u0301" * 40, "🏳️‍🌈" * 9,
    "#panic(1)", '"; #read("/etc/passwd")', "</text><script>alert(1)</script>", "[recipient.name]", "[custom.x|upper]",
    "$x^2$", "\\u{41}", "*b* _i_ `r`", "\r\n\u2028\u2029\t", "W" * 300, "漢" * 200, "ﷺ" * 20, "\ud7ff\ue000\ufffe", "é" * 50,
    "அ" * 60, "ก" * 100, "\U0010ffff", "İıſﬀ", "a" * 5000, "ل" * 80, "x\u00ad" * 50, "{{7*7}}", "%s%n", "../../etc",
]  # fmt: skip
NUMBERS = [
    0,
    -0.0,
    1,
    -1,
    0.1,
    1e-300,
    1e300,
    -1e300,
    5e-324,
    3,
    400,
    2000,
    -2000,
    2000.01,
    1e6,
    0.5,
    90,
    360,
    -360,
    21,
    297,
]
COLORS = ["#fff", "#000000", "#12345678", "#ffffff00", "red", "#ggg", "", "#1234"]
TEXTS = [
    "[recipient.name]",
    "[certificate.issued_on|long]",
    '[custom.n|decimal "0.0"]',
    '[custom.x|or "none"]',
    "Plain",
    "[bad",
    "[a.b|",
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    ends = time.monotonic() + options.minutes * 60
    counts: Counter[str] = Counter()
    findings = 0
    with RenderingPool(processes=1, queue=10, seconds=20, memory_mib=1024) as pool:
        seed = options.seed * 1_000_000
        while time.monotonic() < ends:
            seed += 1
            chance = random.Random(seed)
            attempt = chance.choices(ATTEMPTS, weights=[5, 3, 2, 2])[0]
            lost = _lost(pool)
            try:
                outcome = attempt(chance, pool)
            except TestamurError as refusal:
                outcome = f"refused: {type(refusal).__name__}"
                if isinstance(refusal, Unavailable):
                    outcome = "finding"
                    print(f"seed {seed}: {attempt.__name__}: {refusal}")
            except Exception as error:  # noqa: BLE001 - this is what it looks for.
                outcome = "finding"
                print(f"seed {seed}: {attempt.__name__}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            if _lost(pool) != lost:
                outcome = "finding"
                print(f"seed {seed}: {attempt.__name__}: the worker crashed or hung", flush=True)
            findings += outcome == "finding"
            counts[f"{attempt.__name__.removeprefix('_')}: {outcome}"] += 1
    for name, count in sorted(counts.items()):
        print(f"{count:8} {name}")
    print(f"{sum(counts.values()):8} rounds, {findings} findings")
    return 1 if findings else 0


def _lost(pool: RenderingPool) -> int:
    counters = pool.counters()
    return counters.crashed + counters.killed


def _random_document(chance: random.Random, pool: RenderingPool) -> str:
    """A document of plausible members with implausible values."""
    raw = {
        "version": 1,
        "page": chance.choice(
            [
                {"size": "A4"},
                {"size": "Letter", "orientation": "landscape", "bleed": 3},
                {"width": chance.choice([10, 50, 100, 2000]), "height": chance.choice([10, 50, 100, 2000])},
            ]
        ),
        "background": chance.choice([{}, {"color": "#ffffff00"}, {"gradient": _gradient(chance)}]),
        "elements": [_element(chance, 0) for _ in range(chance.choice([0, 1, 2, 5, 20]))],
    }
    return _drawn(parse_document(json.dumps(raw)), chance, pool)


def _mutated_document(chance: random.Random, pool: RenderingPool) -> str:
    """One of the starter designs with some values replaced."""
    raw = json.loads(to_json(read_starter(chance.choice(STARTERS)).document))
    for _ in range(chance.randint(1, 4)):
        place: Any = raw
        while True:
            steps = list(place) if isinstance(place, dict) else range(len(place)) if isinstance(place, list) else []
            if not steps:
                break
            step = chance.choice(steps)
            if not isinstance(place[step], dict | list) or chance.random() < 0.1:
                place[step] = _alike(place[step], chance) if chance.random() < 0.8 else _any_value(chance)
                break
            place = place[step]
    return _drawn(parse_document(json.dumps(raw)), chance, pool)


def _alike(value: Any, chance: random.Random) -> Any:
    """Something else of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return chance.choice([value / 100, value * 3, 0.1, 1, 3, 40, 120, 359])
    if isinstance(value, str):
        return chance.choice(COLORS[:4] if value.startswith("#") else [*NASTY, *TEXTS[:5]])
    return value


def _mutated_bytes(chance: random.Random, _pool: RenderingPool) -> str:
    content = bytearray(to_json(read_starter(chance.choice(STARTERS)).document))
    _scramble(content, chance)
    parse_document(bytes(content))
    return "accepted"


def _picture(chance: random.Random, _pool: RenderingPool) -> str:
    content = bytearray(chance.choice(_pictures()))
    _scramble(content, chance)
    prepare_picture(bytes(content))
    return "accepted"


def _scramble(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.randint(1, 40)]
            case 2:
                content[at:at] = chance.choice(
                    [b"\0", b"\xff", b"]", b"{", b"1e999", b"<use href='#a'/>", b"NaN", b"url(#a)"]
                )
            case _:
                content[at:at] = content[at : at + chance.randint(1, 200)]
        if not content:
            content += b"x"


_made: list[bytes] = []


def _pictures() -> list[bytes]:
    if not _made:
        for format_ in ("PNG", "JPEG", "WEBP", "GIF"):
            file = io.BytesIO()
            Image.effect_noise((40, 30), 60).convert("RGB").save(file, format_)
            _made.append(file.getvalue())
        _made.append(
            b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><defs><linearGradient id="g"><stop offset="0" '
            b'stop-color="red"/></linearGradient></defs><g transform="rotate(5)"><path d="M0 0h9v9z" fill="url(#g)"/>'
            b'<use href="#g"/><text x="1" y="9" font-size="4">a</text><rect width="5" height="5" opacity=".5"/></g></svg>'
        )
        _made.extend(icon_svg(name, color="#123456").encode() for name in list(icons())[:20])
    return _made


def _drawn(document: Document, chance: random.Random, pool: RenderingPool) -> str:
    text = to_json(document).decode()
    renderer = pool.renderer(f"fuzz-{hash(text)}", lambda: Definition(document=text, pictures={}))
    values: dict[str, Value] = {tag: _value(chance) for tag in sorted(renderer.tags)}
    language = chance.choice(["en", "de", "ar", "ja", "pt-BR", "zh-Hant-TW", "xx"])
    match chance.randrange(5):
        case 0:
            renderer.png(values, width_px=chance.choice([1, 50, 400]), language=language)
        case 1:
            renderer.svg(values, language=language)
        case 2:
            renderer.findings(values, language=language)
        case 3:
            renderer.pdf(values, title=chance.choice(NASTY), language=language, at=AT, standard="a-2b")
        case _:
            renderer.pdf(values, title=chance.choice(NASTY), language=language, at=AT)
    return "drawn"


def _value(chance: random.Random) -> Value:
    choices: list[Value] = [
        chance.choice(NASTY),
        "Ada Lovelace",
        date(chance.randint(1, 9999), 2, 28),
        Decimal(chance.choice(["0", "-1.50", "1E+30"])),
    ]
    return chance.choice(choices)


def _any_value(chance: random.Random) -> Any:
    return chance.choice(
        [
            chance.choice(NUMBERS),
            chance.choice(COLORS),
            chance.choice(NASTY),
            chance.choice(TEXTS),
            None,
            True,
            [],
            {},
            [1, 2],
        ]
    )


def _element(chance: random.Random, depth: int) -> dict[str, Any]:
    kind = chance.choice(sorted(ELEMENT_TYPES))
    element: dict[str, Any] = {"type": kind}
    for name in ELEMENT_TYPES[kind]:
        if name == "elements":
            element[name] = [] if depth > 5 else [_element(chance, depth + 1) for _ in range(chance.randint(0, 3))]
        elif chance.random() < 0.75:
            element[name] = _plausible(name, chance)
    return element


def _plausible(  # noqa: C901, PLR0911 - one case per kind of member.
    name: str, chance: random.Random
) -> Any:
    if chance.random() < 0.005:
        return _any_value(chance)
    known: dict[str, Callable[[], Any]] = {
        "text": lambda: chance.choice([*NASTY, *TEXTS]),
        "content": lambda: chance.choice([*NASTY, *TEXTS]) or "x",
        "runs": list,
        "font": lambda: chance.choice(list(FAMILIES)),
        "icon": lambda: chance.choice(list(icons())),
        "source": lambda: "[custom.photo]",
        "logo": lambda: None,
        "d": lambda: chance.choice(
            ["M0 0L5 5", "M0,0 C1 1 2 2 3 3 Z", "m1e4 0 a1 1 0 1 1 9e-9 0z", "L1 1", "M0 0A0 0 0 0 0 0 0"]
        ),
        "points": lambda: (
            chance.choice([3, 32, 120])
            if chance.random() < 0.5
            else [[chance.choice(NUMBERS), chance.choice(NUMBERS)] for _ in range(chance.randint(3, 5))]
        ),
        "fill": lambda: chance.choice([*COLORS[:4], _gradient(chance)]),
        "name": lambda: chance.choice(NASTY)[:500],
        "alt": lambda: chance.choice(NASTY)[:500],
        "focus": lambda: [chance.random(), chance.random()],
        "viewBox": lambda: [chance.choice([0.01, 1, 24, 9999]), chance.choice([0.01, 1, 24])],
        "weight": lambda: chance.choice([100, 400, 700, 900]),
        "margin": lambda: chance.randint(0, 20),
        "readingOrder": lambda: chance.choice([None, 1, 2]),
    }
    choices = {
        "align": ["left", "center", "right", "justify", "start", "end"],
        "verticalAlign": ["top", "middle", "bottom"],
        "direction": ["auto", "ltr", "rtl"],
        "dash": ["solid", "dashed", "dotted"],
        "correction": ["L", "M", "Q", "H"],
    }
    if name in known:
        return known[name]()
    if name in choices:
        return chance.choice(choices[name])
    if name == "fit":
        return chance.choice(["shrink", "wrap", "ellipsis", "contain", "cover", "stretch"])
    if name == "style":
        return chance.choice(
            ["star", "scallop", "rosette", "gear", "burst", "banner", "tails", "corner", "swallowtail"]
        )
    if name in {"color", "stroke", "line", "fold", "background"}:
        return chance.choice(COLORS[:4])
    if name in {"italic", "underline", "uppercase", "locked"}:
        return chance.random() < 0.5
    if name in {"x", "y", "x1", "y1", "x2", "y2"}:
        return chance.choice([0, -5, 10, 50, 297, 2000, -2000])
    if name in {"width", "height"}:
        return chance.choice([0.1, 1, 7.5, 20, 60, 297, 2000])
    if name == "size":
        return chance.choice([5, 12, 44, 400])
    if name in {"depth", "opacity"}:
        return round(chance.random() * 0.9, 3)
    return chance.choice([0.5, 1, 2, 3, 3.5])


def _gradient(chance: random.Random) -> dict[str, Any]:
    stops = [
        {"color": chance.choice(COLORS[:4]), "at": chance.choice([0, 0.5, 1, chance.random()])}
        for _ in range(chance.randint(2, 4))
    ]
    return {"type": chance.choice(["linear", "radial"]), "angle": chance.choice([0, 45, -360]), "stops": stops}


ELEMENT_TYPES = {
    str(kind.__struct_config__.tag): [field.encode_name for field in msgspec.structs.fields(kind)] for kind in ELEMENTS
}
ATTEMPTS = [_random_document, _mutated_document, _mutated_bytes, _picture]

if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
