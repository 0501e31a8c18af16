"""The starter designs: those that every new workspace begins with, and a gallery to choose more from."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from testamur.db import Transaction
from testamur.designs.importing import import_design
from testamur.designs.model import Design
from testamur.designs.queries import list_starters
from testamur.rendering.document import DesignFile, parse_design_file
from testamur.storage import Storage

STARTERS = ("certificate", "badge")
_CERTIFICATES: tuple[str, ...] = ("modern", "diploma", "workshop", "professional", "midnight", "photo", "arabic")
_OTHERS: tuple[str, ...] = ("ticket", "playful", "japanese", "hexagon-badge", "shield-badge", "round-badge")
GALLERY = (*STARTERS, *_CERTIFICATES, *_OTHERS)
# Each is NAME.json; the pictures that it names lie beside it.
FOLDER = Path(__file__).parent


def add_starters(
    tx: Transaction, storage: Storage, workspace_id: str, *, names: Sequence[str] = STARTERS, at: datetime
) -> list[Design]:
    """The workspace's copies of these starter designs, in this order; those it lacks are made."""
    have = {design.starter: design for design in list_starters(tx, workspace_id)}
    return [
        have.get(name)
        or import_design(tx, storage, workspace_id, read_starter(name), folder=FOLDER, starter=name, at=at)
        for name in names
    ]


@cache
def read_starter(name: str) -> DesignFile:
    """A design of the gallery, as its file; its pictures are named as they lie in `FOLDER`."""
    return parse_design_file((FOLDER / f"{name}.json").read_bytes())
