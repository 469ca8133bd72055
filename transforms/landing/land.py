"""Landing: the source is copied once, hashed, expanded and made UTF-8, so that nothing changes under the import."""

import errno
import hashlib
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from schemas.errors.base import DiskFull, ImportFolderUnusable
from schemas.errors.source import MemberNotFound, SourceEmpty, SourceNotFound, SourceNotText, SourceUnreadable
from transforms.landing.archives import (
    DEFAULT_ARCHIVE_LIMITS,
    MAGIC_BYTES,
    ArchiveLimits,
    archive_kind,
    expand_archive,
    split_member,
)
from transforms.landing.encoding import (
    EncodingCertainty,
    Utf8Checker,
    bom_encoding,
    count_bom_bytes,
    find_encoding,
    transcode,
)
from transforms.work_folder import (
    ImportFolder,
    join_path,
    open_for_reading,
    open_for_writing,
    read_range,
    remove,
    size_of,
)

BLOCK = 1 << 20
HEAD_BYTES = 1 << 16  # bytes that a file is judged by at first sight

_BINARY = (
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"BZh", "a bzip2 archive; only gzip and ZIP are read"),
    (b"\xfd7zXZ\0", "an xz archive; only gzip and ZIP are read"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; only gzip and ZIP are read"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; only gzip and ZIP are read"),
    (b"Rar!\x1a\x07", "a RAR archive; only gzip and ZIP are read"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Landed:
    """The source as UTF-8 text in the import's folder; `start` skips byte order marks.

    `sha256` is of the source as it was given, `size` of the text. Bytes that could not be decoded stay in the text
    as bytes that are no UTF-8, for the reader to reject; `all_utf8` where it is known that there are none. `etag` is
    what its server calls this version of the source.
    """

    path: str
    source: str
    sha256: str
    size: int
    encoding: str
    start: int = 0
    warnings: tuple[str, ...] = ()
    all_utf8: bool = False
    certainty: EncodingCertainty = EncodingCertainty.EVERY_BYTE
    etag: str | None = None


@dataclass(frozen=True)
class _Copy:
    place: str
    sha256: str
    size: int
    utf8: bool


def land(
    source: str,
    folder: ImportFolder,
    encoding: str | None = None,
    limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
    blocks: Iterator[bytes] | None = None,
) -> Landed:
    """Copy the source into `folder`, expand it if it is an archive, and make it UTF-8.

    Its bytes are `blocks`, or else what is at the path `source`.
    `SourceError` where it cannot be read as text at all, `ImportFolderError` where it finds no room.
    """
    place, member = split_member(source)
    blocks = read_local_blocks(place) if blocks is None else blocks
    first = b""
    while len(first) < MAGIC_BYTES and (block := next(blocks, b"")):  # a server may send a byte at a time
        first += block
    if not first:
        raise SourceEmpty(source)
    blocks = chain([first], blocks)
    if kind := archive_kind(first):
        packed = _copy(blocks, join_path(folder.scratch, "source.packed"))
        text = _copy(
            expand_archive(packed.place, source, kind, member, limits), join_path(folder.address, "source.csv")
        )
        remove(packed.place)
        return _decode(replace(text, sha256=packed.sha256), source, encoding)
    if member is not None:
        raise MemberNotFound(source, member, ())
    return _decode(_copy(blocks, join_path(folder.address, "source.csv")), source, encoding)


def read_local_blocks(place: str) -> Iterator[bytes]:
    """The source's bytes, a block at a time; of a pipe, what it holds.

    A buffered reader would wait for a full block, and miss a signal that comes between two of its own reads.
    """
    try:
        with Path(place).open("rb", buffering=0) as stream:
            while block := stream.read(BLOCK):
                yield block
    except (FileNotFoundError, ValueError) as error:  # a name may hold what no file's name may
        raise SourceNotFound(place) from error
    except IsADirectoryError as error:
        raise SourceUnreadable(place, "it is a folder") from error
    except OSError as error:
        raise SourceUnreadable(place, (error.strerror or "the disk fails").lower()) from error


def _copy(blocks: Iterable[bytes], place: str) -> _Copy:
    """Write in one pass and hash in a thread beside it; tell whether every byte is UTF-8."""
    digest, size, utf8 = hashlib.sha256(), 0, Utf8Checker()
    with ThreadPoolExecutor(1, "hash") as hasher, _open_target(place) as target:
        hashed = hasher.submit(digest.update, b"")
        for block in blocks:
            hashed.result()
            hashed = hasher.submit(digest.update, block)
            target.write(block)
            size += len(block)
            utf8.add(block)
    return _Copy(place, digest.hexdigest(), size, utf8.is_valid())


@contextmanager
def _open_target(place: str) -> Iterator[BinaryIO]:
    """A new file in the import's folder; what fails there is the folder, not the source, and is told as that."""
    try:
        with open_for_writing(place) as target:
            yield target
    except OSError as error:
        reason = (error.strerror or "the disk fails").lower()
        full = error.errno in DISK_FULL_ERRNOS
        raise (DiskFull(reason) if full else ImportFolderUnusable(place, reason)) from error


def _decode(text: _Copy, source: str, declared: str | None) -> Landed:
    if text.size == 0:
        raise SourceEmpty(source)
    head = read_range(text.place, 0, HEAD_BYTES)
    if bom_encoding(head) is None:
        _check_is_text(source, head, declared)
    encoding = find_encoding(text.place, head, text.utf8, declared)
    place, size, all_utf8 = text.place, text.size, text.utf8
    if encoding.name != "utf-8":
        place, all_utf8 = text.place.removesuffix("csv") + "utf8.csv", False
        with open_for_reading(text.place) as stream, _open_target(place) as target:
            transcode(stream, target, encoding.name)
        remove(text.place)
        size = size_of(place)
        head = read_range(place, 0, HEAD_BYTES) if size else b""
    start = count_bom_bytes(head)
    return Landed(
        place,
        source,
        text.sha256,
        size,
        encoding.name,
        start,
        encoding.warnings,
        all_utf8,
        encoding.certainty,
    )


def _check_is_text(source: str, head: bytes, encoding: str | None) -> None:
    for magic, kind in _BINARY:
        if head.startswith(magic):
            raise SourceNotText(source, kind)
    if encoding is None and len(_CONTROLS.findall(head)) > max(8, len(head) // 50):
        raise SourceNotText(source, "binary data (or text without a byte order mark: try --encoding utf-16)")
