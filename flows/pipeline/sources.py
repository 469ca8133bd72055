"""Where this installation lets sources lie, how it logs in there, and the day that a date in an address means."""

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from schemas.errors.request import SettingsInvalid
from schemas.presets.loader import is_preset_path, split_preset_name
from transforms.sources.addresses import Address, AllowedSources, fill_dates, has_date, parse
from transforms.sources.credentials import FetchOptions, Login, logins
from transforms.sources.fetch import ResolvedSource, SourceAccess, resolve_address

SECRET_BLOCK_EXPECTED = "the name of a Prefect Secret block that holds what CONTACTS_CREDENTIALS would"


@dataclass(frozen=True)
class ArchiveOrigin:
    """What a file of an archive is each time, however archive and file are called; `archive` is as it was asked for."""

    series: str
    archive: str
    day: datetime.date | None


def find_source(options: ReadingOptions, settings: Settings, day: Callable[[], datetime.date]) -> ResolvedSource:
    """The one file that the request means; without a date of its own, it means the one of `day`."""
    _check_named_files(options, AllowedSources(folders=settings.source_folders))
    meant = (options.date or day()) if has_date(options.source) else None
    source = fill_dates(options.source, lambda: meant or local_today())
    return replace(resolve_address(source, source_reach(settings, remote=not parse(source).is_local)), day=meant)


def _check_named_files(options: ReadingOptions, allowed: AllowedSources) -> None:
    """A mapping and a preset at a path are held to the same folders: what is wrong with a file tells of its text."""
    preset = split_preset_name(options.preset or "")[0]
    for path in (options.mapping_file, preset if is_preset_path(preset) else None):
        if path:
            allowed.local_path(Address("file", "", None, path), path)


def source_reach(settings: Settings, remote: bool) -> SourceAccess:
    """What the settings allow; logins are looked up for remote sources alone."""
    allowed = AllowedSources(frozenset(settings.allowed_sources), settings.source_folders)
    access = FetchOptions(
        logins=_logins(settings) if remote else {},
        known_hosts=settings.known_hosts,
        timeout=settings.source_timeout,
        time_limit=settings.source_time_limit,
        tries=settings.source_tries,
        limit=settings.source_limit,
    )
    return SourceAccess(allowed, access)


def _logins(settings: Settings) -> dict[str, Login]:
    """Those of the environment and those of the Secret block, which come first."""
    given = settings.credentials
    known = logins(given.get_secret_value()) if given else {}
    return known | (_logins_of_block(settings.credentials_block) if settings.credentials_block else {})


def _logins_of_block(name: str) -> dict[str, Login]:
    from prefect.blocks.system import Secret

    try:
        value: Any = Secret.load(name, _sync=True).get()  # type: ignore[call-arg, union-attr]
        return logins(value if isinstance(value, str) else json.dumps(value))
    except ValueError as error:  # also what Prefect raises where there is no such block
        raise SettingsInvalid("CONTACTS_CREDENTIALS_BLOCK", SECRET_BLOCK_EXPECTED) from error


def local_today() -> datetime.date:
    """The day it is here, which is what a date means in a command."""
    return datetime.datetime.now().astimezone().date()


def scheduled_day() -> datetime.date:
    """The day for which the run was scheduled, in its schedule's time zone; today, where no deployment runs.

    A run that starts late, or is tried again the morning after, still means its own night.
    """
    from prefect import runtime

    if runtime.flow_run.id is None or runtime.deployment.id is None:
        return local_today()
    moment: datetime.datetime = runtime.flow_run.scheduled_start_time
    zone = time_zone_of_run(UUID(runtime.flow_run.id), UUID(runtime.deployment.id))
    return moment.astimezone(ZoneInfo(zone) if zone else None).date()


def time_zone_of_run(run_id: UUID, deployment_id: UUID) -> str | None:
    """The time zone of the schedule that made the run, or the one that all schedules of its deployment share."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        made_by = client.read_flow_run(run_id).created_by
        schedules = client.read_deployment(deployment_id).schedules
    zones = {str(each.id): getattr(each.schedule, "timezone", None) for each in schedules}
    own = zones.get(str(made_by.id)) if made_by else None
    shared = {zone for zone in zones.values() if zone}
    return own or (shared.pop() if len(shared) == 1 else None)
