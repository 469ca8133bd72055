"""Landing: copies the source once, hashed, expanded and as UTF-8, so it cannot change during the import."""

import errno
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from schemas.errors.base import DiskFull, ImportFolderUnusable
from schemas.errors.source import MemberNotFound, SourceEmpty, SourceNotFound, SourceNotText, SourceUnreadable
from transforms.landing.archives import (
    DEFAULT_LIMITS,
    MAGIC_BYTES,
    ExpansionLimits,
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
from transforms.landing.workbooks import OLE_MAGIC, Workbook, read_sheet, workbook_suffix
from transforms.work_folder import (
    ImportFolder,
    join_path,
    open_for_reading,
    open_for_writing,
    read_range,
    remove,
    size_of,
)

READ_BYTES = 1 << 20
HEAD_BYTES = 1 << 16  # a file that is not text is recognised by these first bytes

_BINARY = (
    (OLE_MAGIC, "an old Office document"),
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
_MARKUP = re.compile(  # at the start, after a byte order mark
    rb"[\xef\xbb\xbf\xfe\xff\s]*(?:<(?:!doctype|html|head|meta|table|style|body|\?xml)\b|mime-version:)", re.IGNORECASE
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Landed:
    """The source as UTF-8 text in the work folder; `start` skips byte order marks.

    `sha256` is the source's, `size` the text's. Bytes that could not be decoded are in the text as bytes that are not
    UTF-8; the reader rejects their records. `all_utf8`: there are none for sure. `etag`: the server's name for this
    version of the source. `is_sheet`: it is the text of a workbook's sheet, one record for each of its rows.
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
    is_sheet: bool = False


@dataclass(frozen=True)
class _Copy:
    address: str
    sha256: str
    size: int
    utf8: bool


def land(
    source: str,
    folder: ImportFolder,
    encoding: str | None = None,
    limits: ExpansionLimits = DEFAULT_LIMITS,
    blocks: Iterator[bytes] | None = None,
) -> Landed:
    """Copy the source into `folder`, expanded if it is an archive, as UTF-8.

    Its bytes are `blocks`, or the file at the path `source`. Raises `SourceError` if it cannot be read as text,
    `LimitError` if it is too large, and `ImportFolderError` if the folder cannot be written.
    """
    path, member = split_member(source)
    blocks = read_local_blocks(path) if blocks is None else blocks
    first = b""
    while len(first) < MAGIC_BYTES and (block := next(blocks, b"")):  # a server may send a byte at a time
        first += block
    if not first:
        raise SourceEmpty(source)
    blocks = chain([first], blocks)
    target = join_path(folder.address, "source.csv")
    if (kind := archive_kind(first)) or first.startswith(OLE_MAGIC):
        packed = _copy(blocks, join_path(folder.scratch, "source.packed"))
        try:
            if suffix := workbook_suffix(packed.address, source):
                return _land_sheet(packed, target, Workbook(packed.address, suffix, source, limits), member, encoding)
            if kind:
                expanded = expand_archive(packed.address, source, kind, member, limits)
                return _decode(replace(_copy(expanded, target), sha256=packed.sha256), source, encoding)
        finally:
            remove(packed.address)
    if member is not None:
        raise MemberNotFound(source, member, ())
    return _decode(_copy(blocks, target), source, encoding)


def _land_sheet(packed: _Copy, target: str, workbook: Workbook, sheet: str | None, encoding: str | None) -> Landed:
    """Land one sheet of a workbook; its text is always UTF-8."""
    warnings = ["the file is a workbook, so --encoding was not used"] if encoding else []
    text = _copy(read_sheet(workbook, sheet, warnings), target)
    landed = _decode(replace(text, sha256=packed.sha256), workbook.source, None)
    return replace(landed, warnings=(*warnings, *landed.warnings), is_sheet=True)


def _open_unbuffered(path: str) -> BinaryIO:
    return Path(path).open("rb", buffering=0)


def read_local_blocks(path: str, open_file: Callable[[str], BinaryIO] = _open_unbuffered) -> Iterator[bytes]:
    """The source's bytes, block by block; from a pipe, what it has at the time.

    Unbuffered, because a buffered reader waits for a full block and delays signals meanwhile.
    """
    try:
        with open_file(path) as stream:
            while block := stream.read(READ_BYTES):
                yield block
    except (FileNotFoundError, ValueError) as error:  # ValueError: a character that no path may have
        raise SourceNotFound(path) from error
    except IsADirectoryError as error:
        raise SourceUnreadable(path, "it is a folder; name a file in it") from error
    except OSError as error:
        raise SourceUnreadable(path, (error.strerror or "the disk fails").lower()) from error


def _copy(blocks: Iterable[bytes], address: str) -> _Copy:
    """Write in one pass, hash in a thread, and check for UTF-8."""
    digest, size, utf8 = hashlib.sha256(), 0, Utf8Checker()
    with ThreadPoolExecutor(1, "hash") as hasher, open_target(address) as target:
        hashed = hasher.submit(digest.update, b"")
        for block in blocks:
            hashed.result()
            hashed = hasher.submit(digest.update, block)
            target.write(block)
            size += len(block)
            utf8.add(block)
    return _Copy(address, digest.hexdigest(), size, utf8.is_valid())


@contextmanager
def open_target(address: str) -> Iterator[BinaryIO]:
    """A new file in the work folder; an error while writing it is reported as one of the folder, not of the source."""
    try:
        with open_for_writing(address) as target:
            yield target
    except OSError as error:
        reason = (error.strerror or "the disk fails").lower()
        full = error.errno in DISK_FULL_ERRNOS
        raise (DiskFull(reason) if full else ImportFolderUnusable(address, reason)) from error


def _decode(text: _Copy, source: str, declared: str | None) -> Landed:
    if text.size == 0:
        raise SourceEmpty(source)
    head = read_range(text.address, 0, HEAD_BYTES)
    _check_is_text(source, head, declared)
    encoding = find_encoding(text.address, head, text.utf8, declared)
    address, size, all_utf8 = text.address, text.size, text.utf8
    if encoding.name != "utf-8":
        address, all_utf8 = text.address.removesuffix("csv") + "utf8.csv", False
        with open_for_reading(text.address) as stream, open_target(address) as target:
            transcode(stream, target, encoding.name)
        remove(text.address)
        size = size_of(address)
        head = read_range(address, 0, HEAD_BYTES) if size else b""
    start = count_bom_bytes(head)
    return Landed(
        address,
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
    if _MARKUP.match(head.replace(b"\0", b"")):  # a NUL is half of a character in UTF-16
        raise SourceNotText(source, "a web page or XML, which some programs name .xls")
    for magic, kind in _BINARY:
        if head.startswith(magic):
            raise SourceNotText(source, kind)
    if encoding is None and bom_encoding(head) is None and len(_CONTROLS.findall(head)) > max(8, len(head) // 50):
        raise SourceNotText(source, "binary data (or text without a byte order mark: try --encoding utf-16)")
