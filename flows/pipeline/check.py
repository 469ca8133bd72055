"""`contacts check`: the same verdicts as an import, with no warehouse and no server."""

import os
import shutil
from pathlib import Path

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.chunk_runs import FileCheck, check_whole_file
from flows.pipeline.progress import current_progress
from flows.pipeline.sources import LOCAL_LOOKUPS, SourceLookups, find_source
from flows.pipeline.steps import catalogue_for, detect_layout, land_file, map_source_columns, resolve_rejections
from flows.pipeline.task_order import thread_runner
from flows.reports.report import ReportBuilder, RunOutcome, redact_error
from schemas.errors.request import OutputNotWritable
from transforms.chunks.split import ChunkResult
from transforms.results.accepted_file import write_accepted
from transforms.work_folder import ImportFolder


def check_locally(
    options: ReadingOptions,
    settings: Settings,
    path: Path,
    accepted: str | None = None,
    rejected: str | None = None,
    lookups: SourceLookups = LOCAL_LOOKUPS,
) -> RunOutcome:
    """Check a file, leaving nothing in `path` that is needed; write the two frames where asked."""
    report = ReportBuilder(options)
    try:
        _check(options, settings, ImportFolder.local(path), lookups, report, accepted, rejected)
    except Exception as error:
        if os.environ.get("CONTACTS_DEBUG"):
            raise
        return RunOutcome(report.failed(redact_error(error)), report.stages)
    return RunOutcome(report.checked(), report.stages)


def _check(
    options: ReadingOptions,
    settings: Settings,
    folder: ImportFolder,
    lookups: SourceLookups,
    report: ReportBuilder,
    accepted: str | None,
    rejected: str | None,
) -> None:
    for output in filter(None, (accepted, rejected)):
        _check_writable(output)
    verdicts = check_file(report, options, settings, folder, lookups, keys_only=accepted is None)
    assert report.profile is not None
    assert report.rejected is not None
    if accepted:
        write_accepted(accepted, report.profile, verdicts, folder.scratch)
    if rejected:
        shutil.copyfile(report.rejected.path, rejected)
        report.rejected_file = rejected


def check_file(
    report: ReportBuilder,
    options: ReadingOptions,
    settings: Settings,
    folder: ImportFolder,
    lookups: SourceLookups,
    *,
    show: int = 0,
    keys_only: bool = True,
) -> list[ChunkResult]:
    """Land, read and check the file in this process alone; the report has what was found, and `show` rejections."""
    catalogue = catalogue_for(options, settings)
    progress = current_progress.get()
    with report.stage("landing"):
        found = find_source(options, settings, lookups)
        report.landed = landed = land_file(options, folder, found, settings.limits)
        report.layout = layout = detect_layout(options, catalogue, landed)
        source = map_source_columns(options, catalogue, landed, layout, presets=settings.presets)
        report.mapping = source.mapping
    with thread_runner(settings.workers) as run:
        with report.stage("examining"):
            examination = FileCheck(
                source, catalogue.default_prefix, folder, settings.chunk_bytes, run, progress, keys_only=keys_only
            )
            report.profile, verdicts = check_whole_file(examination)
        report.stages |= examination.work()
        with report.stage("settling"):
            report.rejected = resolve_rejections(options, source, report.profile, verdicts, folder, run, show=show)
    return verdicts


def _check_writable(path: str) -> None:
    """Found out before the work, not after it."""
    new = not os.path.lexists(path)
    try:
        with Path(path).open("ab"):
            pass
        if new:  # what comes to nothing leaves nothing
            Path(path).unlink()
    except OSError as error:
        raise OutputNotWritable(path, error.strerror or "it cannot be opened") from error
