"""Resolves a source's address to one file, fetches it, and lands it only if it did not change meanwhile."""

import datetime
import errno
import glob
import os
import random
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from schemas.errors.base import ContactImportError
from schemas.errors.limits import SourceTooLarge
from schemas.errors.source import SourceChanging, SourceNotFound, SourceUnavailable, SourceUnreadable
from transforms.landing.land import Landed, read_local_blocks
from transforms.sources.addresses import Address, AllowedSources, parse
from transforms.sources.credentials import FetchOptions
from transforms.sources.remote.base import FileStamp, RemoteServer, kind_of

READ_BYTES = 1 << 20
SETTLING_SECONDS = 1.0  # a local file that changed more recently is looked at again before it is accepted
FIRST_RETRY_SECONDS = 1.0  # before the second try; each one after that waits twice as long
MAX_RETRY_SECONDS = 60.0

T = TypeVar("T")


@dataclass(frozen=True)
class SourceAccess:
    """What sources may be read, and how."""

    allowed: AllowedSources = field(default_factory=AllowedSources)
    options: FetchOptions = field(default_factory=FetchOptions)


@dataclass(frozen=True)
class ResolvedSource:
    """The one file that an address means now.

    `matches` counts the files that a pattern matches. `stamp` is None for a file that cannot be read twice, such as a
    pipe. `day` is the day in its address.
    """

    address: Address
    access: SourceAccess
    stamp: FileStamp | None
    matches: int = 1
    day: datetime.date | None = None

    @property
    def redacted(self) -> str:
        return self.address.redacted()


def resolve_address(source: str, access: SourceAccess) -> ResolvedSource:
    """The file of a source; its dates must be filled in. Of several files, the newest, then the last by name."""
    address = parse(source)
    access.allowed.check(address)
    if address.is_local:
        return _find_local(address, access)
    if address.is_pattern:
        return ask_with_retries(address, access, lambda server: _newest(address, access, server.matches(address.path)))
    return ask_with_retries(address, access, lambda server: ResolvedSource(address, access, server.stat(address.path)))


def _find_local(address: Address, access: SourceAccess) -> ResolvedSource:
    if address.is_standard_input:
        return ResolvedSource(address, access, None)
    path = Path(address.path)
    access.allowed.check_local(path, address.redacted())
    if not address.is_pattern or path.exists():
        return ResolvedSource(address, access, local_stamp(path))
    every = glob.glob(address.path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    stamps = {name: stamp for name in every if (stamp := local_stamp(Path(name)))}
    for name in stamps:
        access.allowed.check_local(Path(name), address.redacted())
    return _newest(address, access, stamps)


def _newest(address: Address, access: SourceAccess, stamps: Mapping[str, FileStamp]) -> ResolvedSource:
    if not stamps:
        raise SourceNotFound(address.redacted(), pattern=True)
    taken = max(stamps, key=lambda name: (stamps[name].modified or "", name))
    return ResolvedSource(replace(address, path=taken), access, stamps[taken], len(stamps))


def _current_local_stamp(path: Path) -> FileStamp | None:
    """The stamp of a local file, once its last change is `SETTLING_SECONDS` old: a writer may pause between rows."""
    stamp = local_stamp(path)
    if stamp is None or stamp.modified is None:
        return None
    age = time.time() - int(stamp.modified) / 1e9
    if age >= SETTLING_SECONDS:
        return stamp
    time.sleep(min(SETTLING_SECONDS - age, SETTLING_SECONDS))
    return local_stamp(path)


def local_stamp(path: Path) -> FileStamp | None:
    """None if there is no regular file; landing raises the error."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileStamp(found.st_size, f"{found.st_mtime_ns:020}", inode=found.st_ino, modified_at=found.st_mtime)


def land_unchanged(found: ResolvedSource, land: Callable[[Iterator[bytes]], Landed]) -> Landed:
    """Land the file's bytes; again if the server failed or the file changed meanwhile.

    Two landings with the same bytes are accepted, whatever the stamps say. Raises SourceChanging if the file changes
    each time, SourceUnavailable if the server fails each time.
    """
    tries, before = found.access.options.tries, None
    for attempt in range(1, tries + 1):
        try:
            stamp, landed = _try_landing(found, land)
            if landed.sha256 == before or _current_stamp(found) == stamp:
                return replace(
                    landed, etag=stamp.etag if stamp else None, warnings=(*_pattern_warnings(found), *landed.warnings)
                )
            before = landed.sha256
        except SourceUnavailable:
            if attempt == tries:
                raise
        if attempt < tries:
            _pause(attempt)
    raise SourceChanging(found.redacted, tries)


def _pattern_warnings(found: ResolvedSource) -> list[str]:
    return [f"{found.matches:,} files match; the newest was taken, {found.redacted!r}"] if found.matches > 1 else []


def _try_landing(found: ResolvedSource, land: Callable[[Iterator[bytes]], Landed]) -> tuple[FileStamp | None, Landed]:
    address, access = found.address, found.access
    if address.is_local:
        stamp = found.stamp and local_stamp(Path(address.path))
        open_file = _open_standard_input if address.is_standard_input else access.allowed.open_local
        blocks = read_local_blocks(address.path, open_file)
        return stamp, land(_limit_source(blocks, stamp, found.redacted, access.options))
    with connected(address, access) as server:
        stamp = server.stat(address.path)
        return stamp, land(_limit_source(_stream(server, address), stamp, found.redacted, access.options))


def _open_standard_input(_: str) -> BinaryIO:
    if sys.stdin is None:
        raise OSError(errno.EBADF, "it is closed")
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)


def _current_stamp(found: ResolvedSource) -> FileStamp | None:
    if found.address.is_local:
        return found.stamp and _current_local_stamp(Path(found.address.path))
    return ask_with_retries(found.address, found.access, lambda server: server.stat(found.address.path))


def _stream(server: RemoteServer, address: Address) -> Iterator[bytes]:
    """The file's bytes; errors are translated here, because where the bytes are written an OSError is the disk's."""
    with _translate_errors(address):
        stream = server.open(address.path)
        try:
            while block := stream.read(READ_BYTES):
                yield block
        finally:
            stream.close()


def _limit_source(
    blocks: Iterator[bytes], stamp: FileStamp | None, source: str, options: FetchOptions
) -> Iterator[bytes]:
    """The blocks, within the limits of size and time; an error if they end before the size in the stamp."""
    size, ends = 0, time.monotonic() + options.time_limit
    promised = (stamp.size if stamp else None) or 0
    for block in blocks:
        size += len(block)
        if max(size, promised) > options.limit:
            raise SourceTooLarge(source, options.limit)
        if time.monotonic() > ends:
            raise SourceUnreadable(source, f"it takes longer than {options.time_limit:,.0f} seconds to fetch")
        yield block
    if size < promised:
        raise SourceUnavailable(source, f"it ended after {size:,} of {promised:,} bytes")


def ask_with_retries(address: Address, access: SourceAccess, ask: Callable[[RemoteServer], T]) -> T:
    """Ask the server; again after a pause if it is unavailable."""
    for attempt in range(1, access.options.tries):
        with suppress(SourceUnavailable), connected(address, access) as server:
            return ask(server)
        _pause(attempt)
    with connected(address, access) as server:
        return ask(server)


@contextmanager
def connected(address: Address, access: SourceAccess) -> Iterator[RemoteServer]:
    """The server of an address, logged in."""
    with _translate_errors(address):
        server = kind_of(address).connect(address, access.allowed, access.options)
        try:
            yield server
        finally:
            with suppress(Exception):  # the result is here, or its own error is raised
                server.close()


@contextmanager
def _translate_errors(address: Address) -> Iterator[None]:
    """Raise the errors of the server's library as ours."""
    kind = kind_of(address)
    try:
        yield
    except ContactImportError:
        raise
    except Exception as error:
        known = kind.translate_error(error, address.redacted())
        if known is None:
            raise
        raise known from None  # its text may quote the address, or a login


def _pause(attempt: int) -> None:
    seconds = min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (attempt - 1))
    time.sleep(seconds * random.uniform(0.75, 1.25))
