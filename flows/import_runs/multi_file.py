"""An export of several files in one archive: one import for each file, always in the same order."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.sources import SourceLookups, find_source
from flows.reports.report import ArchiveOrigin, Report, RunOutcome
from schemas.errors.base import ContactImportError
from schemas.presets.loader import list_preset_names, load_preset, split_preset_name
from schemas.presets.model import AUTO, Preset
from transforms.landing.archives import list_members
from transforms.mapping.preset_fit import part_of
from transforms.sources.addresses import parse, redacted
from transforms.sources.fetch import ResolvedSource

Options = TypeVar("Options", bound=ReadingOptions)

STATUSES = ("failed", "completed", "skipped")  # the worst comes first


def requests_per_file(
    options: Options, settings: Settings, day: Callable[[], datetime.date]
) -> list[tuple[Options, ArchiveOrigin | None]]:
    """The request for each file of the export, and its origin; the one request where its preset knows of no parts.

    What is wrong with the source or the preset is left for that one request to find. Each file is named by its
    archive's own path, whatever pattern or date that was found by, so that all come from one archive.
    """
    if not options.preset:
        return [(options, None)]
    try:
        if not parse(options.source).is_local:
            return [(options, None)]  # what lies elsewhere has not been fetched yet; its place is asked once, by then
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


def _is_whole(found: ResolvedSource) -> bool:
    """Whether a file is meant, and not a member of it; a pipe, without stamp, gives its bytes once: to the import."""
    return found.stamp is not None and not found.address.member


def ordered_members(asked: str, path: str, presets: Path) -> dict[str, str]:
    """The archive's files in the order of the preset's parts, those of one part by name, unknown ones last.

    With what each is every time: its part, numbered from the second such file on, or its own name.
    """
    name, part = split_preset_name(asked)
    if part or not (found := list_members(path)):
        return {}
    preset = _in_parts(presets, found) if name == AUTO else load_preset(name, presets)
    if preset is None or not preset.parts:
        return {}
    order = {part: place for place, part in enumerate(preset.parts)}
    ordered = sorted(found, key=lambda member: (order.get(part_of(preset, member) or "", len(order)), member))
    return dict(zip(ordered, _numbered(part_of(preset, member) or member for member in ordered), strict=True))


def _numbered(names: Iterable[str]) -> Iterator[str]:
    times: Counter[str] = Counter()
    for name in names:
        times[name] += 1
        yield name if times[name] == 1 else f"{name} {times[name]}"


def _in_parts(presets: Path, files: Sequence[str]) -> Preset | None:
    """The preset whose parts the files are, by their names; their headers are looked at when they are read."""
    for name in list_preset_names(presets):
        preset = load_preset(name, presets)
        if preset.parts and all(part_of(preset, file) for file in files):
            return preset
    return None


def combine_outcomes(source: str, outcomes: Sequence[RunOutcome]) -> RunOutcome:
    """One report of all: sums, the worst status, the first error, and each whole report under `imports`."""
    reports = [outcome.report for outcome in outcomes]
    first = reports[0]
    presets = {split_preset_name(report["preset"])[0] for report in reports if report["preset"]}
    errors = [report["error"] for report in reports if "error" in report]
    nothing = {"import_id": None, "sha256": None, "retry_of": None, "dialect": None, "rejected_file": None}
    whole: Report = {
        **{key: value for key, value in first.items() if key not in ("error", "repeats", "source_file")},
        **{key: value for key, value in nothing.items() if key in first},
        "status": min((report["status"] for report in reports), key=STATUSES.index),
        "source": source,
        "rows": _sum(report["rows"] for report in reports),
        **({"contacts": _sum(report["contacts"] for report in reports)} if "contacts" in first else {}),
        "preset": presets.pop() if len(presets) == 1 else None,
        "columns": [],
        "translations": _translations(reports),
        "rejections": dict(sorted((_sum(report["rejections"] for report in reports) or {}).items())),
        **({"segment": _segment(reports)} if "segment" in first else {}),
        "warnings": [f"{_file(report)}: {warning}" for report in reports for warning in report["warnings"]],
        "seconds": round(sum(report["seconds"] for report in reports), 3),
        **({"error": errors[0]} if errors else {}),
        "imports": reports,
    }
    stages: Counter[str] = Counter()
    for outcome in outcomes:
        stages.update(outcome.stages)
    return RunOutcome(whole, dict(stages))


def _file(report: Report) -> str:
    return str(report["source"]).rpartition("!")[2]


def _sum(counts: Iterable[dict[str, int] | None]) -> dict[str, int] | None:
    """Counts by name; none where none of them came so far."""
    total: dict[str, int] | None = None
    for each in counts:
        if each is not None:
            total = {name: (total or {}).get(name, 0) + each.get(name, 0) for name in {**(total or {}), **each}}
    return total


def _translations(reports: Sequence[Report]) -> list[dict[str, Any]]:
    cells: Counter[tuple[str | None, str, str]] = Counter()
    for each in (each for report in reports for each in report["translations"]):
        cells[each["column"], each["field"], each["translation"]] += each["cells"]
    names = ("column", "field", "translation")
    return [{**dict(zip(names, key, strict=True)), "cells": number} for key, number in cells.items()]


def _segment(reports: Sequence[Report]) -> dict[str, Any] | None:
    joined = [report["segment"] for report in reports if report["segment"]]
    return {"id": joined[0]["id"], "added": sum(each["added"] for each in joined)} if joined else None
