"""An export of several files in one archive: one import for each file, always in the same order."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.sources import ArchiveOrigin, SourceLookups, find_source
from schemas.errors.base import ContactImportError
from schemas.errors.changes import PlanNeedsOneFile
from schemas.presets.loader import list_preset_names, load_preset, split_preset_name
from schemas.presets.model import AUTO, Preset
from transforms.landing.archives import list_members
from transforms.mapping.preset_fit import part_of
from transforms.sources.addresses import parse, redacted
from transforms.sources.fetch import ResolvedSource

Options = TypeVar("Options", bound=ReadingOptions)


def requests_per_file(
    options: Options, settings: Settings, day: Callable[[], datetime.date]
) -> list[tuple[Options, ArchiveOrigin | None]]:
    """A request for each file of the archive, with its origin. If the preset has no parts, the one request as it is.

    Errors of the source or the preset are left for that request to report. Each file is named by the archive's own
    path, whatever pattern or date found it, so that all files come from one archive.
    """
    if not options.preset:
        return [(options, None)]
    try:
        if not parse(options.source).is_local:
            return [(options, None)]  # a remote file is fetched later, once
        found = find_source(options, settings, SourceLookups(day))
        path = found.address.path
        names = ordered_members(options.preset, path, settings.presets) if _is_whole(found) else {}
    except (ContactImportError, OSError, ValueError):
        return [(options, None)]
    archive = redacted(options.source)
    return [
        (
            options.model_copy(update={"source": f"{path}!{name}"}),
            ArchiveOrigin(f"{archive}!{same}", archive, found.day),
        )
        for name, same in names.items()
    ] or [(options, None)]


def needs_one_file(request: ReadingOptions, files: Sequence[tuple[ReadingOptions, Any]]) -> PlanNeedsOneFile:
    """The error of a plan for several files."""
    names = tuple(each.source for each, _ in files)
    return PlanNeedsOneFile(redacted(request.source), names, names[0])


def _is_whole(found: ResolvedSource) -> bool:
    """Whether the source is a file, not a member of one. A pipe, which has no stamp, can be read only once."""
    return found.stamp is not None and not found.address.member


def ordered_members(preset_name: str, path: str, presets: Path) -> dict[str, str]:
    """The archive's files in the order of the preset's parts, files of one part by name, unknown files last.

    Each with a name that is the same every night: its part, numbered from the second file on, or its own name.
    """
    name, part = split_preset_name(preset_name)
    if part or not (found := list_members(path)):
        return {}
    preset = _in_parts(presets, found) if name == AUTO else load_preset(name, presets)
    if preset is None or not preset.parts:
        return {}
    order = {part: position for position, part in enumerate(preset.parts)}
    ordered = sorted(found, key=lambda member: (order.get(part_of(preset, member) or "", len(order)), member))
    return dict(zip(ordered, _numbered(part_of(preset, member) or member for member in ordered), strict=True))


def _numbered(names: Iterable[str]) -> Iterator[str]:
    times: Counter[str] = Counter()
    for name in names:
        times[name] += 1
        yield name if times[name] == 1 else f"{name} {times[name]}"


def _in_parts(presets: Path, files: Sequence[str]) -> Preset | None:
    """The preset whose parts the files are, by their names. Their headers are compared when they are read."""
    for name in list_preset_names(presets):
        preset = load_preset(name, presets)
        if preset.parts and all(part_of(preset, file) for file in files):
            return preset
    return None
