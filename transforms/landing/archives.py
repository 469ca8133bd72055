"""Archives: the CSV in a gzip file or a ZIP archive, as a stream that is held to limits.

Nothing that an archive says of itself is believed: no file is ever made under a name from it, and the
limits count the bytes that really come out.
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

BLOCK = 1 << 20
ALWAYS_ALLOWED_BYTES = 16 << 20  # bytes that may come out of any archive, however small it is
MAX_READ_BYTES = 4 << 20  # of an archive at once; a directory of entries may be no larger

_BROKEN_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    OSError,  # gzip's own errors, and offsets that lead before the file
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
    OverflowError,
)
MAGIC_BYTES = 4  # bytes that tell an archive from a text
_CSV = (".csv", ".tsv", ".txt")


class Archive(StrEnum):
    """The kinds of archive that are read."""

    GZIP = "gzip"
    ZIP = "ZIP"


@dataclass(frozen=True)
class ArchiveLimits:
    """How many bytes may come out of an archive, and how many times its own size."""

    size: int = 16 << 30
    ratio: int = 200


DEFAULT_ARCHIVE_LIMITS = ArchiveLimits()


def split_member(source: str) -> tuple[str, str | None]:
    """`archive.zip!member.csv` as the archive's place and the member's name; other sources have no member."""
    place, mark, member = source.rpartition("!")
    names_a_member = bool(place and mark and member) and (place.lower().endswith(".zip") or _exists(place))
    return (place, member) if names_a_member and not _exists(source) else (source, None)


def _exists(path: str) -> bool:
    try:
        return bool(Path(path).stat())
    except (OSError, ValueError):  # too long, or with characters that no name has
        return False


def archive_kind(head: bytes) -> Archive | None:
    """What a file's first bytes say that it is; names are not looked at."""
    if head.startswith(b"\x1f\x8b"):
        return Archive.GZIP
    return Archive.ZIP if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) else None


def list_members(path: str, source: str | None = None) -> list[str]:
    """The CSV files in the ZIP archive at `path`, in its own order; none where it is no ZIP archive.

    Where no name in it says CSV, all its files. An archive with an entry that is refused has no members, but an
    `ArchiveRefused`; `source` is how errors call it.
    """
    with Path(path).open("rb") as stream:
        if archive_kind(stream.read(4)) is not Archive.ZIP:
            return []
    with _open_zip(path, source or path) as archive:
        return _csv_names(_entries(archive, source or path))


def expand_archive(path: str, source: str, kind: Archive, member: str | None, limits: ArchiveLimits) -> Iterator[bytes]:
    """The bytes of the archive's one CSV, or of the member named, a block at a time."""
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
            raise ArchiveUnreadable(source, "it is compressed by another method than deflate; make it anew")
        with archive.open(chosen) as stream:
            yield from _blocks(stream)


def _blocks(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


class _BoundedFile(io.FileIO):
    """A file that is never read as a whole, as a forged directory of entries would have us do."""

    def read(self, size: int | None = -1) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        if min(left, left if size is None or size < 0 else size) > MAX_READ_BYTES:
            raise zipfile.BadZipFile("its directory is too large")
        return super().read(size)


@contextmanager
def _open_zip(path: str, source: str) -> Iterator[zipfile.ZipFile]:
    with _report_broken_archive(source), _BoundedFile(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


@contextmanager
def _report_broken_archive(source: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN_ARCHIVE_ERRORS as error:
        raise ArchiveUnreadable(source, "it is damaged or cut off; fetch it again") from error


def _entries(archive: zipfile.ZipFile, source: str) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by name; one entry that is refused refuses the archive."""
    names = [entry.orig_filename for entry in archive.infolist()]
    if "[Content_Types].xml" in names or names[:1] == ["mimetype"]:
        raise SourceNotText(source, "an Excel workbook or another office document")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.orig_filename
        if name.startswith("__MACOSX/"):  # what a Mac knows of each file besides; never opened
            continue
        if reason := _refusal_reason(entry) or ("has a name that another entry has too" if name in found else None):
            raise ArchiveRefused(source, name, reason)
        found[name] = entry
    return found


def _refusal_reason(entry: zipfile.ZipInfo) -> str | None:
    name, mode = entry.orig_filename, entry.external_attr >> 16
    if "/" in name or "\\" in name or name[1:2] == ":" or name in ("", ".", ".."):
        return "has a path, and only plain file names are read"
    if not name.isprintable():
        return "has a name with control characters"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is no plain file but a link or a device"
    return "is encrypted" if entry.flag_bits & 0x1 else None


def _csv_names(entries: dict[str, zipfile.ZipInfo]) -> list[str]:
    return [name for name in entries if name.lower().endswith(_CSV)] or list(entries)


def _choose_entry(source: str, member: str | None, entries: dict[str, zipfile.ZipInfo]) -> str:
    names = _csv_names(entries)
    if member is not None:
        if member not in entries:
            raise MemberNotFound(source, member, tuple(names))
        return member
    if not names:
        raise ArchiveUnreadable(source, "there is no file in it")
    if len(names) > 1:
        raise ArchiveHasSeveralFiles(source, tuple(names))
    return names[0]


def _limit_blocks(limits: ArchiveLimits, source: str, packed: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, as long as they are not too many, and are no archive again."""
    total = 0
    for block in blocks:
        if total == 0 and (archive_kind(block) or block[257:262] == b"ustar"):
            raise ArchiveRefused(source, "what is inside", "is an archive again")
        total += len(block)
        if total > limits.size:
            raise ArchiveTooLarge(source, f"{limits.size:,} bytes", "CONTACTS_EXPANDED_BYTES")
        if total > max(ALWAYS_ALLOWED_BYTES, packed * limits.ratio):
            raise ArchiveTooLarge(source, f"{limits.ratio:,} times its own size", "CONTACTS_EXPANDED_RATIO")
        yield block
