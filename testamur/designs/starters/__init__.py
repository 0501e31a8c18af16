"""The designs that every new workspace begins with, and those of the gallery."""

from datetime import datetime
from pathlib import Path

from testamur.db import Transaction
from testamur.designs.creating import create_design
from testamur.designs.model import Design
from testamur.designs.queries import list_starters
from testamur.rendering.document import DesignFile, parse_design_file
from testamur.storage import Storage

FOLDER = Path(__file__).parent
STARTERS = ("certificate", "badge")
_CERTIFICATES: tuple[str, ...] = ()
_OTHERS: tuple[str, ...] = ("ticket", "playful", "japanese", "hexagon-badge", "shield-badge", "round-badge")
GALLERY = (*STARTERS, *_CERTIFICATES, *_OTHERS)


def add_starters(tx: Transaction, storage: Storage, workspace_id: str, *, at: datetime) -> list[Design]:
    """The workspace's starter designs, certificate first; those it lacks are made."""
    have = {design.starter: design for design in list_starters(tx, workspace_id)}
    return [
        have.get(name) or create_design(tx, storage, workspace_id, read_starter(name), starter=name, at=at)
        for name in STARTERS
    ]


def read_starter(name: str) -> DesignFile:
    return parse_design_file(FOLDER.joinpath(f"{name}.json").read_bytes())
