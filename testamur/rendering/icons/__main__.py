"""Take the icons anew from an unpacked release of lucide-static; README.md tells how."""

import sys
from pathlib import Path
from xml.sax.saxutils import quoteattr

import msgspec

from testamur.rendering.icons import FILE, icons

ELEMENTS = {"path", "circle", "ellipse", "line", "rect", "polyline", "polygon"}


def taken(package: Path, names: list[str]) -> dict[str, str]:
    """The drawings of those names. Raises KeyError if the release has one no more."""
    nodes = msgspec.json.decode(
        (package / "icon-nodes.json").read_bytes(), type=dict[str, list[tuple[str, dict[str, str]]]]
    )
    return {name: "".join(_element(*node) for node in nodes[name]) for name in sorted(names)}


def _element(name: str, attributes: dict[str, str]) -> str:
    if name not in ELEMENTS:
        raise ValueError(f"an icon draws with an element that is not known: {name}")
    return f"<{name}{''.join(f' {key}={quoteattr(value)}' for key, value in attributes.items())}/>"


def as_file(drawings: dict[str, str]) -> bytes:
    """One icon a line, so that a newer release is read as a difference."""
    return msgspec.json.format(msgspec.json.encode(drawings), indent=2) + b"\n"


if __name__ == "__main__":
    FILE.write_bytes(as_file(taken(Path(sys.argv[1]), [*icons(), *sys.argv[2:]])))
