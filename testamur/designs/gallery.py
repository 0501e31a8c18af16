"""The gallery: designs to begin with, drawn before any workspace has them."""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from msgspec import Struct

from testamur import __version__
from testamur.db import Transaction
from testamur.designs.importing import import_design
from testamur.designs.model import Design
from testamur.designs.starters import FOLDER, GALLERY, read_starter
from testamur.errors import NotFound
from testamur.rendering.document import DesignType, picture_sources, to_json, with_sources
from testamur.rendering.languages import DEFAULT_LANGUAGE
from testamur.rendering.pictures import prepare_picture
from testamur.rendering.worker import Definition
from testamur.storage import Storage

# In which language the words of a design are, where they are not English.
_LANGUAGES = {"arabic": "ar", "japanese": "ja"}


class GalleryDesign(Struct, frozen=True, kw_only=True):
    """A design of the gallery with all that a renderer is made from; `digest` is another once it may look different."""

    name: str
    title: str
    type: DesignType
    language: str
    definition: Definition
    digest: str


@lru_cache(maxsize=len(GALLERY))
def gallery_design(name: str) -> GalleryDesign:
    """Raises NotFound if the gallery has no design of that name."""
    if name not in GALLERY:
        raise NotFound(f'The gallery has no design "{name[:60]}"; it has {", ".join(GALLERY)}')
    drawn = read_starter(name)
    pictures = {}
    sources = {}
    for source in picture_sources(drawn.document):
        content = prepare_picture(FOLDER.joinpath(source).read_bytes()).content
        digest = sha256(content).hexdigest()
        pictures[digest] = content
        sources[source] = f"asset:{digest}"
    document = to_json(with_sources(drawn.document, sources))
    return GalleryDesign(
        name=name,
        title=drawn.name,
        type=drawn.type,
        language=_LANGUAGES.get(name, DEFAULT_LANGUAGE),
        definition=Definition(document=document.decode(), pictures=pictures),
        digest=sha256(__version__.encode() + document).hexdigest()[:32],
    )


def add_from_gallery(tx: Transaction, storage: Storage, workspace_id: str, name: str, *, at: datetime) -> Design:
    """A new design of the workspace, drawn as that one is. Raises NotFound."""
    gallery_design(name)
    return import_design(tx, storage, workspace_id, read_starter(name), folder=FOLDER, at=at)
