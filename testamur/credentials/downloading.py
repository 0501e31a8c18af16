"""Many credentials as one ZIP that is made while it is sent.

What is in memory does not grow with the archive: credentials come page by page, at most some files wait to be sent, and
only a few bytes are kept of each that was (its name, and its line of the directory at the archive's end). The same
credentials give the same bytes. One that cannot be rendered is told in `results.csv`, the last file, and keeps none of
the others.
"""

import csv
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO
from zlib import crc32

import msgspec
import structlog
from stream_zip import NO_COMPRESSION_64, MemberFile, stream_zip

from testamur.attributes.queries import list_attributes
from testamur.attributes.standard import STANDARD
from testamur.credential_templates.queries import find_credential_templates
from testamur.credentials.file_names import FileNames, check_pattern, file_stem
from testamur.credentials.links import page_url
from testamur.credentials.model import Credential, Status
from testamur.credentials.renderings import Format, RecordedRendering, find_recorded, renderings_of, to_recorded
from testamur.credentials.searching import Filter, Order, TextIs, search_credentials
from testamur.credentials.values import attribute_values, types_for
from testamur.db import Transaction
from testamur.errors import Invalid, NotFound, TestamurError
from testamur.ids import normalize_id
from testamur.rendering.attributes_in_text import fill_in
from testamur.text import checked, neutral_cell
from testamur.workspaces.model import Workspace

CREDENTIALS_PER_PAGE = 200
NAMED_MAX = 10_000
# What is taken unless something else is asked for: all that was ever awarded, in force or not, and no drafts.
AWARDED: tuple[Status, ...] = ("issued", "expired")
_RESULTS_IN_MEMORY = 256 * 1024
_CHUNK = 64 * 1024
_FILE_MODE = 0o100644

_log = structlog.get_logger(__name__)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How the files of a download are made and named; `pattern` was checked."""

    format: Format
    pattern: str
    has_all_designs: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the archive before it is drawn, or why there is none; `is_recorded`: it may be stored already."""

    credential_id: str
    public_id: str = ""
    recipient: str = ""
    stem: str = ""
    rendering: RecordedRendering | None = None
    is_recorded: bool = False
    fault: str | None = None


def check_name_pattern(tx: Transaction, workspace_id: str, pattern: str) -> str:
    """A pattern of file names that holds only attributes which the workspace has. Raises Invalid."""
    tags = {item.tag for item in STANDARD} | {item.tag for item in list_attributes(tx, workspace_id)}
    return checked("name", check_pattern, pattern, tags=tags)


def check_named(
    tx: Transaction, workspace_id: str, given: Sequence[str], *, statuses: Sequence[Status], today: date
) -> list[str]:
    """The ids, each once and in the order given, if all are credentials of the workspace in one of these statuses.

    Raises NotFound, Invalid.
    """
    if len(given) > NAMED_MAX:
        raise Invalid(f"Must be at most {NAMED_MAX} ids, are {len(given)}", ("credential_ids",))
    ids = [normalize_id(text) for text in given]
    for first in range(0, len(ids), CREDENTIALS_PER_PAGE):
        page = ids[first : first + CREDENTIALS_PER_PAGE]
        found = find_named(tx, workspace_id, [credential_id for credential_id in page if credential_id], today=today)
        for index, credential_id in enumerate(page, start=first):
            if credential_id not in found:
                raise NotFound(f"credentialIds[{index}]: There is no such credential")
            status = found[credential_id].status_on(today)
            if status not in statuses:
                raise Invalid(f"Is {status}; asked for is {' or '.join(statuses)}", ("credential_ids", index))
    return list(dict.fromkeys(credential_id for credential_id in ids if credential_id))


def find_named(tx: Transaction, workspace_id: str, ids: Sequence[str], *, today: date) -> dict[str, Credential]:
    """Those of a page of ids that are credentials of the workspace, by id."""
    named: Filter = TextIs("id", "in", tuple(ids))
    page = search_credentials(
        tx, workspace_id, named, order=Order("id"), today=today, cursor=None, limit=CREDENTIALS_PER_PAGE
    )
    return {credential.id: credential for credential in page.items}


def entries_of(
    tx: Transaction, workspace: Workspace, credentials: Sequence[Credential], wanted: Wanted, base_url: str
) -> list[Entry]:
    """The files of a page of credentials, in their order; nothing is drawn yet."""
    known = find_recorded(tx, workspace.id, [credential.id for credential in credentials])
    templates = find_credential_templates(tx, workspace.id, {item.credential_template_id for item in credentials})
    types = types_for(tx, workspace.id, credentials)
    entries = []
    for credential, found in zip(credentials, renderings_of(tx, workspace, credentials, base_url), strict=True):
        template = templates[credential.credential_template_id]
        values = attribute_values(credential, template, workspace, base_url, types)
        name = fill_in(wanted.pattern, values, template.language)
        who = {
            "credential_id": credential.id,
            "public_id": credential.public_id,
            "recipient": credential.recipient.name,
        }
        # One file a credential is that of its first certificate, as where certificates are issued into a folder.
        first = next((item for item in found if item.design.type == "certificate"), *found[:1])
        for item in found if wanted.has_all_designs else [first]:
            rendering = to_recorded(item)
            at = known.get((rendering.credential_id, rendering.design_id, rendering.digest))
            entries.append(
                Entry(
                    **who,
                    stem=file_stem(name, design=item.design.name if wanted.has_all_designs else ""),
                    rendering=rendering if at is None else msgspec.structs.replace(rendering, created_at=at),
                    is_recorded=at is not None,
                )
            )
    return entries


class Outcome(msgspec.Struct, frozen=True):
    """What became of an entry: its file, or why there is none."""

    entry: Entry
    content: bytes | None
    fault: str | None = None


class Archive:
    """The bytes of a ZIP, to be iterated over once and then closed, also if not all were wanted.

    `draw` makes the file of a rendering. `run_ahead` calls the many jobs that it is given, some before their turn and
    on threads of its own, and gives what they return in their order.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        draw: Callable[[Entry], bytes],
        run_ahead: Callable[[Iterator[Callable[[], Outcome]]], Generator[Outcome]],
        *,
        ending: str,
        base_url: str,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._jobs = (partial(_outcome, entry, draw) for entry in entries)
        self._run_ahead = run_ahead
        self._ending = ending
        self._base_url = base_url
        # Both are told while it goes on: entries that are done, and those of them that have no file.
        self.done = self.faulty = 0
        files = self._files()
        self._bytes = stream_zip(files, chunk_size=_CHUNK)
        self._open = ExitStack()
        for end in (close, files.close, self._bytes.close):  # type: ignore[attr-defined]
            self._open.callback(end)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._bytes)

    def close(self) -> None:
        """End the work that is going on and free its threads; nothing happens the second time."""
        self._open.close()

    def _files(self) -> Generator[MemberFile]:
        names = FileNames()
        newest = datetime(1980, 1, 1, tzinfo=UTC)
        # The table of a large download lies on the disk until its turn comes.
        with SpooledTemporaryFile(_RESULTS_IN_MEMORY) as table, closing(self._run_ahead(self._jobs)) as outcomes:
            _write_line(table, ("file", "credential_id", "public_url", "recipient", "error"))
            for outcome in outcomes:
                entry, name = outcome.entry, ""
                if outcome.content is not None and entry.rendering is not None:
                    name = names.take(entry.stem, self._ending)
                    at = entry.rendering.created_at
                    newest = max(newest, at)
                    yield name, at, _FILE_MODE, NO_COMPRESSION_64, (outcome.content,)
                url = page_url(self._base_url, entry.public_id) if entry.public_id else ""
                _write_line(table, (name, entry.credential_id, url, entry.recipient, outcome.fault or ""))
                self.done += 1
                self.faulty += outcome.content is None
            size = table.tell()
            method = NO_COMPRESSION_64(size, _checksum(table))
            yield "results.csv", newest, _FILE_MODE, method, _chunks(table)


def _outcome(entry: Entry, draw: Callable[[Entry], bytes]) -> Outcome:
    if entry.rendering is None:
        return Outcome(entry, None, entry.fault)
    try:
        return Outcome(entry, draw(entry))
    except TestamurError as failure:
        return Outcome(entry, None, failure.message)
    except Exception as error:  # noqa: BLE001 - see below; the log has the whole of it.
        # Whatever is wrong with one certificate, the thousands beside it are not to blame.
        _log.error("download_entry_failed", credential_id=entry.credential_id, exc_info=error)
        return Outcome(entry, None, "It could not be drawn; the server's log tells why")


def _write_line(table: IO[bytes], cells: Sequence[str]) -> None:
    line = io.StringIO(newline="")
    csv.writer(line).writerow([neutral_cell(cell) for cell in cells])
    table.write(line.getvalue().encode())


def _chunks(table: IO[bytes]) -> Iterator[bytes]:
    table.seek(0)
    while chunk := table.read(_CHUNK):
        yield chunk


def _checksum(table: IO[bytes]) -> int:
    found = 0
    for chunk in _chunks(table):
        found = crc32(chunk, found)
    return found
