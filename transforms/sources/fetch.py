"""The source: found by its address, fetched where it lies elsewhere, and landed in a moment in which it kept still."""

import datetime
import glob
import random
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from schemas.errors.base import ContactImportError
from schemas.errors.limits import SourceTooLarge
from schemas.errors.source import SourceChanging, SourceNotFound, SourceUnavailable, SourceUnreadable
from transforms.landing.land import Landed, read_local_blocks
from transforms.sources.addresses import Address, AllowedSources, parse
from transforms.sources.credentials import FetchOptions
from transforms.sources.remote.base import FileStamp, RemotePlace, kind_of

BLOCK = 1 << 20
PAUSE = 1.0  # seconds before the second try; each one after that waits twice as long

T = TypeVar("T")


@dataclass(frozen=True)
class SourceAccess:
    """What sources may be read, and how."""

    allowed: AllowedSources = field(default_factory=AllowedSources)
    access: FetchOptions = field(default_factory=FetchOptions)


@dataclass(frozen=True)
class ResolvedSource:
    """The one file that an address means now; `matches` counts those that a pattern had to choose from.

    Without a stamp the file cannot be read twice: a pipe. `day` is what a date in its address means.
    """

    address: Address
    reach: SourceAccess
    stamp: FileStamp | None
    matches: int = 1
    day: datetime.date | None = None

    @property
    def redacted(self) -> str:
        return self.address.redacted()


def resolve_address(source: str, reach: SourceAccess) -> ResolvedSource:
    """The file of a source whose dates are filled in; of several, the newest, or the last by name if equally new."""
    address = parse(source)
    reach.allowed.check(address)
    if address.is_local:
        return _find_local(address, reach)
    if address.is_pattern:
        return _ask_with_retries(address, reach, lambda place: _newest(address, reach, place.matches(address.path)))
    return _ask_with_retries(address, reach, lambda place: ResolvedSource(address, reach, place.stat(address.path)))


def _find_local(address: Address, reach: SourceAccess) -> ResolvedSource:
    path = reach.allowed.local_path(address, address.path)
    if not address.is_pattern or path.exists():
        return ResolvedSource(address, reach, _local_stamp(path))
    every = glob.glob(address.path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    stamps = {name: stamp for name in every if (stamp := _local_stamp(Path(name)))}
    for name in stamps:
        reach.allowed.local_path(address, name)
    return _newest(address, reach, stamps)


def _newest(address: Address, reach: SourceAccess, stamps: Mapping[str, FileStamp]) -> ResolvedSource:
    if not stamps:
        raise SourceNotFound(address.redacted(), pattern=True)
    taken = max(stamps, key=lambda name: (stamps[name].modified or "", name))
    return ResolvedSource(replace(address, path=taken), reach, stamps[taken], len(stamps))


def _local_stamp(path: Path) -> FileStamp | None:
    """None where there is no regular file, of which landing will say why."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileStamp(found.st_size, f"{found.st_mtime_ns:020}", inode=found.st_ino)


def land_unchanged(found: ResolvedSource, land: Callable[[Iterator[bytes]], Landed]) -> Landed:
    """Land the file's bytes, and again where their place failed or they changed meanwhile.

    A file that two landings find the same has kept still, whatever its place says of it. SourceChanging where it
    never does, SourceUnavailable where its place fails each time.
    """
    tries, before = found.reach.access.tries, None
    for attempt in range(1, tries + 1):
        try:
            stamp, landed = _try_landing(found, land)
            if landed.sha256 == before or _stamp_now(found) == stamp:
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
    address, reach = found.address, found.reach
    if address.is_local:
        path = reach.allowed.local_path(address, address.path)
        stamp = found.stamp and _local_stamp(path)
        return stamp, land(_measured(read_local_blocks(str(path)), stamp, found.redacted, reach.access))
    with _connected(address, reach) as place:
        stamp = place.stat(address.path)
        return stamp, land(_measured(_stream(place, address), stamp, found.redacted, reach.access))


def _stamp_now(found: ResolvedSource) -> FileStamp | None:
    if found.address.is_local:
        return found.stamp and _local_stamp(Path(found.address.path))
    return _ask_with_retries(found.address, found.reach, lambda place: place.stat(found.address.path))


def _stream(place: RemotePlace, address: Address) -> Iterator[bytes]:
    """The file's bytes, whose errors are told in here: where they are written, an OSError would be the disk's."""
    with _translate_errors(address):
        stream = place.open(address.path)
        try:
            while block := stream.read(BLOCK):
                yield block
        finally:
            stream.close()


def _measured(blocks: Iterator[bytes], stamp: FileStamp | None, source: str, access: FetchOptions) -> Iterator[bytes]:
    """The blocks, as long as they are not too many and do not take too long; they may not end before their time."""
    size, ends = 0, time.monotonic() + access.time_limit
    promised = (stamp.size if stamp else None) or 0
    for block in blocks:
        size += len(block)
        if max(size, promised) > access.limit:
            raise SourceTooLarge(source, access.limit)
        if time.monotonic() > ends:
            raise SourceUnreadable(source, f"it takes longer than {access.time_limit:,.0f} seconds to fetch")
        yield block
    if size < promised:
        raise SourceUnavailable(source, f"it ended after {size:,} of {promised:,} bytes")


def _ask_with_retries(address: Address, reach: SourceAccess, ask: Callable[[RemotePlace], T]) -> T:
    """Ask the place, and again after a pause where its trouble may pass."""
    for attempt in range(1, reach.access.tries):
        with suppress(SourceUnavailable), _connected(address, reach) as place:
            return ask(place)
        _pause(attempt)
    with _connected(address, reach) as place:
        return ask(place)


@contextmanager
def _connected(address: Address, reach: SourceAccess) -> Iterator[RemotePlace]:
    """The place of an address, logged in to."""
    with _translate_errors(address):
        place = kind_of(address).connect(address, reach.allowed, reach.access)
        try:
            yield place
        finally:
            with suppress(Exception):  # what was asked for is here, or its own error is on its way
                place.close()


@contextmanager
def _translate_errors(address: Address) -> Iterator[None]:
    """What a place's library raises in here is told as one of our errors."""
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
    time.sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))
