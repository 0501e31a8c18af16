from dataclasses import dataclass

from testamur.config import Settings
from testamur.db import Database
from testamur.designs.renderers import Renderers
from testamur.storage.folder import Folder


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts that every door works with; made once, in `app.py` or for a command."""

    settings: Settings
    database: Database
    storage: Folder
    renderers: Renderers


def open_platform(settings: Settings) -> Platform:
    """Connects nothing yet: the first transaction does."""
    storage = Folder(settings.data_dir / "files")
    return Platform(settings, Database(settings.database_url), storage, Renderers(storage))
