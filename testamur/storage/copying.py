"""All files of one storage into another one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Literal

import msgspec

from testamur.errors import Conflict
from testamur.storage.model import Storage, StoredFile

THREADS = 8
FILES_AT_ONCE = 256
Outcome = Literal["copied", "skipped", "gone"]


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What a copying did; what was there already with the same length is skipped."""

    copied: int
    skipped: int
    size_bytes: int


def copy_files(source: Storage, target: Storage, on_file: Callable[[], object]) -> Copied:
    """Copy every file that the target lacks; `on_file` is called after each. Repeating it goes on where it stopped.

    Raises Conflict if one lies within the other, Unavailable.
    """
    if source.place.startswith(target.place) or target.place.startswith(source.place):
        raise Conflict(f"Files cannot be copied from {source.place} to {target.place}: one lies within the other")
    target.check()

    def copy(file: StoredFile) -> Outcome:
        if target.size_bytes(file.key) == file.size_bytes:
            return "skipped"
        content = source.read(file.key)
        if content is None:
            return "gone"
        target.write(file.key, content)
        return "copied"

    copied = skipped = size_bytes = 0
    waiting = source.files()
    with ThreadPoolExecutor(THREADS) as threads:
        while files := list(islice(waiting, FILES_AT_ONCE)):
            for file, outcome in zip(files, threads.map(copy, files), strict=True):
                copied += outcome == "copied"
                skipped += outcome == "skipped"
                size_bytes += file.size_bytes if outcome == "copied" else 0
                on_file()
    return Copied(copied=copied, skipped=skipped, size_bytes=size_bytes)
