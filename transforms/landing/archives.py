"""Archives: expands the CSV in a gzip file or a ZIP archive as a stream, within limits.

Nothing in an archive is trusted: no file is created under a name from it, and the limits count expanded bytes.
"""

import gzip
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from schemas.errors.limits import ArchiveTooLarge
from schemas.errors.source import (
    ArchiveHasSeveralFiles,
    ArchiveRefused,
    ArchiveUnreadable,
    MemberNotFound,
    SourceNotText,
)

READ_BYTES = 1 << 20
ALWAYS_ALLOWED_BYTES = 16 << 20  # the ratio is not checked below this size
MAX_READ_BYTES = 4 << 20  # at once; the archive's directory of entries may not be larger

_BROKEN_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    OSError,  # gzip's own errors, and offsets before the start of the file
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
    OverflowError,
)
MAGIC_BYTES = 4  # enough to recognise an archive
_CSV = (".csv", ".tsv", ".txt")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


class Archive(StrEnum):
    """The kinds of archive that are read."""

    GZIP = "gzip"
    ZIP = "ZIP"


@dataclass(frozen=True)
class ExpansionLimits:
    """The largest expanded size of an archive or workbook, in bytes and as a multiple of its own size.

    `workbook_cells` limits the cells of a sheet, `workbook_memory` the bytes of the process that reads it.
    """

    size: int = 16 << 30
    ratio: int = 200
    workbook_cells: int = 50_000_000
    workbook_memory: int = 4 << 30


DEFAULT_LIMITS = ExpansionLimits()


def split_member(source: str) -> tuple[str, str | None]:
    """`archive.zip!member.csv` and `book.xlsx!Sheet` as path and name inside; other sources have no such name.

    Both parts may contain a `!`: the longest path that exists is taken, else the first with a known suffix.
    """
    if _exists(source):
        return source, None
    marks = [at for at, sign in enumerate(source) if sign == "!" and 0 < at < len(source) - 1]
    parts = [(source[:at], source[at + 1 :]) for at in marks]
    existing = next((each for each in reversed(parts) if _exists(each[0])), None)
    named = next((each for each in parts if each[0].lower().endswith((".zip", *WORKBOOK_SUFFIXES))), None)
    return existing or named or (source, None)


def _exists(path: str) -> bool:
    try:
        return bool(Path(path).stat())
    except (OSError, ValueError):  # too long, or with characters that no path may have
        return False


def archive_kind(head: bytes) -> Archive | None:
    """The kind of archive by a file's first bytes, whatever its name."""
    if head.startswith(b"\x1f\x8b"):
        return Archive.GZIP
    return Archive.ZIP if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) else None


def list_members(path: str) -> list[str]:
    """The CSV files in the ZIP archive at `path`, in its own order; none if it is not a ZIP archive.

    If no name in it is one of a CSV, all its files. Raises `ArchiveRefused` if an entry may not be there.
    """
    with Path(path).open("rb") as stream:
        if archive_kind(stream.read(MAGIC_BYTES)) is not Archive.ZIP:
            return []
    with _open_zip(path, path) as archive:
        return _csv_names(_entries(archive, path))


def expand_archive(
    path: str, source: str, kind: Archive, member: str | None, limits: ExpansionLimits
) -> Iterator[bytes]:
    """The bytes of the archive's only CSV, or of the named member, block by block."""
    blocks = _from_gzip(path, source, member) if kind is Archive.GZIP else _from_zip(path, source, member)
    return _limit_blocks(limits, source, Path(path).stat().st_size, blocks)


def _from_gzip(path: str, source: str, member: str | None) -> Iterator[bytes]:
    if member is not None:
        raise MemberNotFound(source, member, ())
    with _report_broken_archive(source), gzip.open(path) as stream:
        yield from _blocks(stream)


def _from_zip(path: str, source: str, member: str | None) -> Iterator[bytes]:
    with _open_zip(path, source) as archive:
        entries = _entries(archive, source)
        chosen = entries[_choose_entry(source, member, entries)]
        if chosen.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveUnreadable(source, "its compression is not deflate; create it again with deflate")
        with archive.open(chosen) as stream:
            yield from _blocks(stream)


def _blocks(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while block := stream.read(READ_BYTES):
        yield block


class BoundedFile(io.FileIO):
    """A file that limits each read, because a forged archive makes zipfile read a directory of any size."""

    def read(self, size: int | None = -1) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        if min(left, left if size is None or size < 0 else size) > MAX_READ_BYTES:
            raise zipfile.BadZipFile("its directory is too large")
        return super().read(size)


@contextmanager
def _open_zip(path: str, source: str) -> Iterator[zipfile.ZipFile]:
    with _report_broken_archive(source), BoundedFile(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


@contextmanager
def _report_broken_archive(source: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN_ARCHIVE_ERRORS as error:
        raise ArchiveUnreadable(source, "it is damaged or incomplete; fetch it again") from error


def _entries(archive: zipfile.ZipFile, source: str) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by name; `ArchiveRefused` if one entry may not be there."""
    names = [entry.orig_filename for entry in archive.infolist()]
    if "[Content_Types].xml" in names or names[:1] == ["mimetype"]:
        raise SourceNotText(source, "an office document that is no workbook")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.orig_filename
        if name.startswith("__MACOSX/"):  # metadata that macOS adds; never opened
            continue
        if reason := _refusal_reason(entry) or ("has the name of another entry" if name in found else None):
            raise ArchiveRefused(source, name, reason)
        found[name] = entry
    return found


def _refusal_reason(entry: zipfile.ZipInfo) -> str | None:
    name, mode = entry.orig_filename, entry.external_attr >> 16
    if "/" in name or "\\" in name or name[1:2] == ":" or name in ("", ".", ".."):
        return "has a path; put files into the archive without folders"
    if not name.isprintable():
        return "has control characters in its name; rename it"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is a link or a device; put the file itself into the archive"
    return "is encrypted; create the archive without a password" if entry.flag_bits & 0x1 else None


def _csv_names(entries: dict[str, zipfile.ZipInfo]) -> list[str]:
    return [name for name in entries if name.lower().endswith(_CSV)] or list(entries)


def _choose_entry(source: str, member: str | None, entries: dict[str, zipfile.ZipInfo]) -> str:
    names = _csv_names(entries)
    if member is not None:
        if member not in entries:
            raise MemberNotFound(source, member, tuple(names))
        return member
    if not names:
        raise ArchiveUnreadable(source, "it has no file; put the CSV into it")
    if len(names) > 1:
        raise ArchiveHasSeveralFiles(source, tuple(names))
    return names[0]


def _limit_blocks(limits: ExpansionLimits, source: str, packed: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, within the limits; an archive inside an archive is refused."""
    total = 0
    for block in blocks:
        if total == 0 and (archive_kind(block) or block[257:262] == b"ustar"):
            raise ArchiveRefused(source, "its content", "is an archive again; put the CSV itself into it")
        total += len(block)
        if total > limits.size:
            raise ArchiveTooLarge(source, f"{limits.size:,} bytes", "CONTACTS_EXPANDED_BYTES")
        if total > max(ALWAYS_ALLOWED_BYTES, packed * limits.ratio):
            raise ArchiveTooLarge(source, f"{limits.ratio:,} times its own size", "CONTACTS_EXPANDED_RATIO")
        yield block
