"""A design as one file: a ZIP archive of its design file and the pictures that it names.

Archives come from anybody. What is in one is told by its directory before anything is unpacked, nothing is ever
unpacked to a path, and only what the design names is read at all.
"""

import io
import re
import stat
import unicodedata
import zipfile
from collections.abc import Collection, Mapping

import msgspec

from testamur.errors import Invalid
from testamur.rendering.document import DesignFile, parse_design_file, picture_sources
from testamur.rendering.elements import ASSET
from testamur.rendering.pictures import Prepared, prepare_picture

DESIGN_NAME = "design.json"
ENTRIES_MAX = 200
UNPACKED_BYTES_MAX = 50 * 1024 * 1024
# Text shrinks to a tenth or a thirtieth and pictures hardly at all; a bomb shrinks to a thousandth.
RATIO_MAX = 100
_SMALL_BYTES = 64 * 1024
_MOMENT = (1980, 1, 1, 0, 0, 0)  # The earliest that a ZIP archive can tell.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class DesignPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A design file and the pictures that stood beside it, by their names."""

    drawn: DesignFile
    pictures: dict[str, Prepared]


def is_archive(content: bytes) -> bool:
    return content.startswith(b"PK")


def pack(drawn: DesignFile, pictures: Mapping[str, bytes]) -> bytes:
    """The archive: the same bytes for the same design, on every machine and day."""
    files = {**pictures, DESIGN_NAME: msgspec.json.format(msgspec.json.encode(drawn), indent=2)}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system = 3  # Unix, also where it is not, so that the mode below counts.
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            # Not compressed: pictures are already, and compressors of other machines write other bytes.
            archive.writestr(entry, content)
    return made.getvalue()


def unpack(content: bytes, *, fonts: Collection[str] = ()) -> DesignPackage:
    """A design from an archive, or from a bare design file, with each picture that it names checked.

    `fonts` are the names of the workspace's own fonts.

    Raises InvalidJSON or Invalid, which names the entry that is at fault.
    """
    if not is_archive(content):
        return DesignPackage(drawn=parse_design_file(content, fonts=fonts), pictures={})
    # Each entry begins with this mark: reading the directory of a million takes a gigabyte.
    if content.count(b"PK\x01\x02") > ENTRIES_MAX:
        raise Invalid(f"The archive has more than {ENTRIES_MAX} entries")
    with _opened(content) as archive:
        entries = _checked_entries(archive)
        if DESIGN_NAME not in entries:
            raise Invalid(f"There is no {DESIGN_NAME} at the top of the archive")
        try:
            drawn = parse_design_file(_read(archive, entries[DESIGN_NAME]), fonts=fonts)
        except Invalid as error:
            raise error.under(DESIGN_NAME) from None
        names = [source for source in picture_sources(drawn.document) if not ASSET.fullmatch(source)]
        pictures = {name: _read_picture(archive, entries, name) for name in names}
    return DesignPackage(drawn=drawn, pictures=pictures)


def package_name(design_name: str) -> str:
    """`spring-course.design.zip`: the letters and digits of the name that every file system and header can take."""
    plain = unicodedata.normalize("NFKD", design_name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[:60].strip("-")
    return f"{stem or 'exported'}.design.zip"


def _opened(content: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except Exception:  # noqa: BLE001 - a broken archive can make the reader raise anything.
        raise Invalid("The archive is broken or incomplete; export the design again") from None


def _checked_entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files in the archive, by name."""
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    size = 0
    for entry in archive.infolist():
        # File systems differ in what they take for the same name, so names that any takes for one are two entries.
        folded = unicodedata.normalize("NFC", entry.filename).casefold()
        if folded in seen:
            raise _refused(entry, "Stands in the archive twice")
        seen.add(folded)
        _check_entry(entry)
        size += entry.file_size
        if size > UNPACKED_BYTES_MAX:
            raise Invalid(f"The archive is larger than {UNPACKED_BYTES_MAX // 1024 // 1024} MiB when unpacked")
        if not entry.is_dir():
            found[entry.filename] = entry
    return found


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name, mode = entry.orig_filename, entry.external_attr >> 16
    if name.startswith("/") or re.search(r"[\\:\x00-\x1f]", name) or {"..", "."} & set(name.split("/")):
        raise _refused(entry, "Must be the name of a file in the archive, not a path out of it")
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _refused(entry, "Is a link or a device; only files are read")
    if entry.flag_bits & 0x1:
        raise _refused(entry, "Is encrypted; make the archive without a password")
    if entry.compress_type not in _METHODS:
        raise _refused(entry, "Is compressed in an unusual way; make the archive anew")
    if entry.file_size > max(_SMALL_BYTES, entry.compress_size * RATIO_MAX):
        raise _refused(entry, f"Unpacks to more than {RATIO_MAX} times its size")


def _read_picture(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str) -> Prepared:
    if name not in entries:
        raise Invalid(f'There is no picture "{name[:100]}" beside the design file', (DESIGN_NAME,))
    content = _read(archive, entries[name])
    try:
        return prepare_picture(content)
    except Invalid as error:
        raise error.under(name) from None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """What an entry holds. Its size was checked, and the reader stops at the size that the directory tells."""
    try:
        return archive.read(entry)
    except Exception:  # noqa: BLE001 - broken data can make the unpacker raise anything.
        raise _refused(entry, "Cannot be unpacked: the archive is broken") from None


def _refused(entry: zipfile.ZipInfo, message: str) -> Invalid:
    return Invalid(message, (entry.orig_filename[:100],))
