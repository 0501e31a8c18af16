import re
from collections.abc import Iterator
from typing import BinaryIO, Protocol

import msgspec

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*", re.ASCII)


class StoredFile(msgspec.Struct, frozen=True):
    """A file as it is listed."""

    key: str
    size_bytes: int


class Storage(Protocol):
    """Where files are kept. Safe to use from many threads and processes.

    Every method raises ValueError for what is not a key, and Unavailable while a bucket is away.
    """

    @property
    def place(self) -> str:
        """Where it is, for people; it ends in a slash and holds no secret."""

    @property
    def is_local(self) -> bool:
        """Whether a small file is read in less time than a thread takes to start."""

    def read(self, key: str) -> bytes | None:
        """The bytes under a key, or None."""

    def open(self, key: str) -> BinaryIO | None:
        """The file under a key, to be read bit by bit and closed, or None. It does not fill the memory."""

    def size_bytes(self, key: str) -> int | None:
        """How long the file under a key is, or None if there is none."""

    def write(self, key: str, content: bytes) -> None:
        """Store bytes under a key. A reader sees all of them or none, also after a crash."""

    def delete_all(self, prefix: str) -> None:
        """Remove the file or the folder of that name; nothing happens if there is none."""

    def files(self) -> Iterator[StoredFile]:
        """Every file, in no particular order; those that come or go meanwhile may be among them."""

    def check(self) -> None:
        """Raises Unavailable, with the reason, if files cannot be written."""


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def checked_key(text: str) -> str:
    """Raises ValueError for a text that is not a key: it may lead out of the place where files are kept."""
    if not is_key(text):
        raise ValueError(f"not a storage key: {text!r}")
    return text
