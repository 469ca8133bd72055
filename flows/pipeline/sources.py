"""Finds the file that a request means, where the settings allow it to be."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flows.config.request import ReadingOptions, local_today
from flows.config.settings import Settings
from schemas.errors.request import SourceAddressInvalid
from schemas.presets.loader import is_preset_path, split_preset_name
from transforms.sources.addresses import Address, AllowedSources, fill_dates, has_date, parse
from transforms.sources.credentials import FetchOptions, Login
from transforms.sources.fetch import ResolvedSource, SourceAccess, resolve_address
from transforms.sources.folders import Folder, parse_folder


@dataclass(frozen=True)
class SourceLookups:
    """What a source may depend on: the day that `{date}` means, logins, and whether there is a standard input.

    A flow asks Prefect for them. Each is called only if needed.
    """

    day: Callable[[], datetime.date] = local_today
    logins: Callable[[Settings], Mapping[str, Login]] = lambda settings: settings.logins
    has_standard_input: Callable[[], bool] = lambda: True


LOCAL_LOOKUPS = SourceLookups()


@dataclass(frozen=True)
class ArchiveOrigin:
    """Where a file of an archive comes from. `series` is the same every night; `archive` is as it was requested."""

    series: str
    archive: str
    day: datetime.date | None


def find_source(options: ReadingOptions, settings: Settings, lookups: SourceLookups) -> ResolvedSource:
    """The one file that the request means."""
    allowed = _allowed_sources(options, settings)
    if parse(options.source).is_standard_input and not lookups.has_standard_input():
        raise SourceAddressInvalid(
            options.source, "is the standard input of a command, which a deployment does not have"
        )
    day = (options.date or lookups.day()) if has_date(options.source) else None
    source = options.source if day is None else fill_dates(options.source, lambda: day)
    access = _fetch_options(parse(source), settings, lookups)
    return replace(resolve_address(source, SourceAccess(allowed, access)), day=day)


def find_folder(options: ReadingOptions, settings: Settings, lookups: SourceLookups) -> Folder:
    """The folder that the request of an inbox means."""
    allowed = _allowed_sources(options, settings)
    address = parse_folder(options.source)
    return Folder.open(address, allowed, _fetch_options(address, settings, lookups))


def _allowed_sources(options: ReadingOptions, settings: Settings) -> AllowedSources:
    _check_named_files(options, AllowedSources(folders=settings.source_folders))
    return AllowedSources(frozenset(settings.allowed_sources), settings.source_folders)


def _fetch_options(address: Address, settings: Settings, lookups: SourceLookups) -> FetchOptions:
    return FetchOptions(
        logins={} if address.is_local else dict(lookups.logins(settings)),
        known_hosts=settings.known_hosts,
        timeout=settings.source_timeout,
        time_limit=settings.source_time_limit,
        tries=settings.source_tries,
        limit=settings.source_limit,
    )


def _check_named_files(options: ReadingOptions, allowed: AllowedSources) -> None:
    """Mapping and preset files must be in the allowed folders too: an error message may quote their text."""
    preset = split_preset_name(options.preset or "")[0]
    for path in (options.mapping_file, preset if is_preset_path(preset) else None):
        if path:
            allowed.check_local(Path(path), path)
