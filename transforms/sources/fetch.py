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
from schemas.errors.source import SourceChanging, SourceNotFound, SourceTooLarge, SourceUnavailable, SourceUnreadable
from transforms.landing.land import Landed, bytes_of
from transforms.sources.addresses import Address, AllowedSources, parse
from transforms.sources.credentials import Access
from transforms.sources.remote.base import Place, Stamp, kind_of

BLOCK = 1 << 20
PAUSE = 1.0  # seconds before the second try; each one after that waits twice as long

T = TypeVar("T")


@dataclass(frozen=True)
class Reach:
    """What sources may be read, and how."""

    allowed: AllowedSources = field(default_factory=AllowedSources)
    access: Access = field(default_factory=Access)


@dataclass(frozen=True)
class Found:
    """The one file that an address means now; `matches` counts those that a pattern had to choose from.

    Without a stamp the file cannot be read twice: a pipe. `day` is what a date in its address means.
    """

    address: Address
    reach: Reach
    stamp: Stamp | None
    matches: int = 1
    day: datetime.date | None = None

    @property
    def shown(self) -> str:
        return self.address.shown()


def find(source: str, reach: Reach) -> Found:
    """The file of a source whose dates are filled in; of several, the newest, or the last by name if equally new."""
    address = parse(source)
    reach.allowed.check(address)
    if address.is_local:
        return _find_local(address, reach)
    if address.is_pattern:
        return _asking(address, reach, lambda place: _newest(address, reach, place.matches(address.path)))
    return _asking(address, reach, lambda place: Found(address, reach, place.stat(address.path)))


def _find_local(address: Address, reach: Reach) -> Found:
    path = reach.allowed.local_path(address, address.path)
    if not address.is_pattern or path.exists():
        return Found(address, reach, _local_stamp(path))
    every = glob.glob(address.path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    stamps = {name: stamp for name in every if (stamp := _local_stamp(Path(name)))}
    for name in stamps:
        reach.allowed.local_path(address, name)
    return _newest(address, reach, stamps)


def _newest(address: Address, reach: Reach, stamps: Mapping[str, Stamp]) -> Found:
    if not stamps:
        raise SourceNotFound(address.shown(), pattern=True)
    taken = max(stamps, key=lambda name: (stamps[name].modified or "", name))
    return Found(replace(address, path=taken), reach, stamps[taken], len(stamps))


def _local_stamp(path: Path) -> Stamp | None:
    """None where there is no regular file, of which landing will say why."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Stamp(found.st_size, f"{found.st_mtime_ns:020}", inode=found.st_ino)


def land_steadily(found: Found, land: Callable[[Iterator[bytes]], Landed]) -> Landed:
    """Land the file's bytes, and again where their place failed or they changed meanwhile.

    A file that two landings find the same has kept still, whatever its place says of it. SourceChanging where it
    never does, SourceUnavailable where its place fails each time.
    """
    tries, before = found.reach.access.tries, None
    for attempt in range(1, tries + 1):
        try:
            stamp, landed = _land_once(found, land)
            if landed.sha256 == before or _stamp_now(found) == stamp:
                return replace(landed, etag=stamp.etag if stamp else None, warnings=(*_choice(found), *landed.warnings))
            before = landed.sha256
        except SourceUnavailable:
            if attempt == tries:
                raise
        if attempt < tries:
            _pause(attempt)
    raise SourceChanging(found.shown, tries)


def _choice(found: Found) -> list[str]:
    return [f"{found.matches:,} files match; the newest was taken, {found.shown!r}"] if found.matches > 1 else []


def _land_once(found: Found, land: Callable[[Iterator[bytes]], Landed]) -> tuple[Stamp | None, Landed]:
    address, reach = found.address, found.reach
    if address.is_local:
        path = reach.allowed.local_path(address, address.path)
        stamp = found.stamp and _local_stamp(path)
        return stamp, land(_measured(bytes_of(str(path)), stamp, found.shown, reach.access))
    with _visit(address, reach) as place:
        stamp = place.stat(address.path)
        return stamp, land(_measured(_stream(place, address), stamp, found.shown, reach.access))


def _stamp_now(found: Found) -> Stamp | None:
    if found.address.is_local:
        return found.stamp and _local_stamp(Path(found.address.path))
    return _asking(found.address, found.reach, lambda place: place.stat(found.address.path))


def _stream(place: Place, address: Address) -> Iterator[bytes]:
    """The file's bytes, whose errors are told in here: where they are written, an OSError would be the disk's."""
    with _told(address):
        stream = place.open(address.path)
        try:
            while block := stream.read(BLOCK):
                yield block
        finally:
            stream.close()


def _measured(blocks: Iterator[bytes], stamp: Stamp | None, source: str, access: Access) -> Iterator[bytes]:
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


def _asking(address: Address, reach: Reach, ask: Callable[[Place], T]) -> T:
    """Ask the place, and again after a pause where its trouble may pass."""
    for attempt in range(1, reach.access.tries):
        with suppress(SourceUnavailable), _visit(address, reach) as place:
            return ask(place)
        _pause(attempt)
    with _visit(address, reach) as place:
        return ask(place)


@contextmanager
def _visit(address: Address, reach: Reach) -> Iterator[Place]:
    """The place of an address, logged in to."""
    with _told(address):
        place = kind_of(address).connect(address, reach.allowed, reach.access)
        try:
            yield place
        finally:
            with suppress(Exception):  # what was asked for is here, or its own error is on its way
                place.close()


@contextmanager
def _told(address: Address) -> Iterator[None]:
    """What a place's library raises in here is told as one of our errors."""
    kind = kind_of(address)
    try:
        yield
    except ContactImportError:
        raise
    except Exception as error:
        known = kind.translated(error, address.shown())
        if known is None:
            raise
        raise known from None  # its text may quote the address, or a login


def _pause(attempt: int) -> None:
    time.sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))
