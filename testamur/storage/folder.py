"""Storage in a local folder."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from testamur.errors import Unavailable
from testamur.storage.model import StoredFile, checked_key, is_key


class Folder:
    """Files under one folder, whose names are their keys."""

    is_local = True

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def place(self) -> str:
        return f"{self._root.resolve()}/"

    def read(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None

    def open(self, key: str) -> BinaryIO | None:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            return None

    def size_bytes(self, key: str) -> int | None:
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    def write(self, key: str, content: bytes) -> None:
        write_file(self._path(key), content)

    def delete_all(self, prefix: str) -> None:
        path = self._path(prefix)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def files(self) -> Iterator[StoredFile]:
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = Path(folder, name)
                key = path.relative_to(self._root).as_posix()
                # What is being written has a name that is no key.
                if is_key(key) and (size := self.size_bytes(key)) is not None:
                    yield StoredFile(key, size)

    def check(self) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The folder {self._root} cannot be made: {error.strerror}") from None
        if not os.access(self._root, os.W_OK):
            raise Unavailable(f"The folder {self._root} cannot be written to")

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees a part of it: under a temporary name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
